"""Run the installers in the project's folder, with their progress, and explain their failures."""

from __future__ import annotations

import contextlib
import re
import subprocess
import typing
from collections import deque
from collections.abc import Mapping, Sequence

from tfxkit.environment import paths
from tfxkit.environment.errors import SetUpError

# What is not shown: a line a package, and what uv says of its work. Of downloads, the large ones
# are: they are what takes the time.
HIDDEN = re.compile(
    r"[-+~] |Downloaded |Built |Prepared |Using Python |Resolved |Downloading .*\((\d|\d\.\d)MiB\)"
)
LINES_OF_A_FAILURE = 8

RETRY = "Then run the same command again; what was downloaded is kept."
EXPLANATIONS = {
    ("no space left", "os error 28", "quota exceeded"): (
        f"The disk is full. Make room here, in the temporary folder and in uv's cache. {RETRY}"
    ),
    ("certificate", "unknownissuer"): (
        "The package index could not be trusted. Behind a proxy that signs its own certificates, "
        f"let SSL_CERT_FILE name a file with them. {RETRY}"
    ),
    ("connect", "dns error", "timed out", "unreachable", "sending request", "versions: none"): (
        "The package index could not be reached. Check the network; HTTPS_PROXY names a proxy, and "
        f"PIP_INDEX_URL a mirror of the index. {RETRY}"
    ),
    ("bad crc", "invalid package format", "invalid zip", "is not a zip file"): (
        "A wheel is damaged. If it is the library's, in vendor/, take it from git again "
        "(git checkout -- vendor requirements/library.txt; with Git LFS: git lfs pull). If it is "
        f"another package's, delete uv's cache. {RETRY}"
    ),
    ("hash mismatch", "do not match the hashes"): (
        "A package is not the one that requirements/ was made with. Do not install it: either the "
        "download is damaged (run the same command again), or the index gives out something else. "
        "If it is the library's wheel in vendor/, that was changed after requirements/library.txt "
        "was written: git checkout -- vendor requirements/library.txt"
    ),
    ("failed to build",): (
        "A package has to be compiled here, and that failed. `make doctor` checks the compiler."
    ),
}


def run(
    command: Sequence[str], environment: Mapping[str, str], text: str = "", quiet: bool = False
) -> None:
    """Runs one command and shows its progress, a line at a time.

    Files that this process holds open for others to inherit stay open in the command: with that,
    the lock on the set-up outlives this process as long as an installer is still at work.

    Args:
        command: Program and arguments.
        environment: All of its environment variables.
        text: What it is given on its standard input.
        quiet: Shows nothing as long as all goes well.

    Raises:
        SetUpError: If it fails; with its last lines and, where it is known, what to do.
    """
    process = subprocess.Popen(
        command,
        cwd=paths.ROOT,  # what locks say of files is relative to it
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        close_fds=False,
    )
    last: deque[str] = deque(maxlen=LINES_OF_A_FAILURE)
    # Popen's type does not know that what is a pipe is not None.
    stdin, stdout = typing.cast("typing.IO[str]", process.stdin), process.stdout or ()
    with process:
        with contextlib.suppress(BrokenPipeError):  # it failed before it had read all
            stdin.write(text)
            stdin.close()
        for line in map(str.strip, stdout):
            last.append(line)
            if line and not quiet and not HIDDEN.match(line):
                print(f"  {line}", flush=True)
    if process.returncode:
        output = "\n".join(last)
        raise SetUpError(explain(output) or f"`{command[0]}` failed:\n{output}")


def explain(output: str) -> str:
    """Advice for a failure, from the output of the failed command; empty if unknown."""
    for signs, explanation in EXPLANATIONS.items():
        if any(sign in output.lower() for sign in signs):
            return explanation
    return ""
