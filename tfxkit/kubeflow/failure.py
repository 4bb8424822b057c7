"""How a step in a container fails: with one message, where a person looks for it."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path

from tfxkit.errors import DataError, UsageError, user_error
from tfxkit.tracebacks import located, raised

# Kubernetes shows what is written here as the reason why a container ended, `kubectl describe pod`
# and Argo's message of the node among others (argo-workflows 4.1.2, workflow/controller/
# operator.go, inferFailedReason). The kubelet takes this many bytes.
TERMINATION_LOG = Path("/dev/termination-log")
TERMINATION_BYTES = 4096


def report(error: Exception, termination_log: Path = TERMINATION_LOG) -> int:
    """Writes the reason of a failure to standard error; no traceback where a user can correct it.

    Args:
        error: What was raised.
        termination_log: Gets the message as well, if it exists.

    Returns:
        The exit code: 4 if it is the data, otherwise 1.
    """
    known = error if isinstance(error, UsageError) else user_error(error)
    if known is None:
        traceback.print_exception(error)
        message = located(raised(error), error)
    else:
        message = str(known)
        print(f"\n{message}", file=sys.stderr)  # noqa: T201 (the container's log)
    if termination_log.exists():
        with contextlib.suppress(OSError):  # of no use where it is not ours to write
            cut = message.encode()[:TERMINATION_BYTES].decode(errors="ignore")
            termination_log.write_text(cut, encoding="utf-8")
    return 4 if isinstance(known, DataError) else 1
