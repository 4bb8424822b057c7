"""Imports what a run needs, and then forks a process for each line of standard input.

A line has, as JSON, the arguments of `in_step`, the files of standard output and error, and the
seconds after which the process is ended. The answer is its exit code, negative for a signal.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback

from tfxkit.runs.run_log import QUIET

PATIENT_FOR_S = 300
IMPORTED = (
    "tensorflow_model_analysis",
    "tests.sample.dag",
    "tests.sample.models.training",
    "tfxkit.report.page",
    "tfxkit.runs.runner",
)


def main() -> None:
    """Answers each line until there are no more."""
    gc.set_threshold(200_000)
    os.environ.update(QUIET)
    for name in IMPORTED:
        __import__(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        arguments, out, err = json.loads(line)
        child = os.fork()
        if not child:
            _run(arguments, out, err)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _run(arguments: list[str], out: str, err: str) -> None:
    from tests.reliability import in_step

    signal.alarm(PATIENT_FOR_S)
    for descriptor, file, mode in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY),
                                   (2, err, os.O_WRONLY)):  # fmt: skip
        os.dup2(os.open(file, mode | os.O_CREAT, 0o644), descriptor)
    code = 1
    try:
        code = in_step.main(*arguments)
    except BaseException:  # `os._exit` skips what the interpreter would print
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
