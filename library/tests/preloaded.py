"""Runs of the pipeline forked from a process that has imported TensorFlow and TFX already.

As a program: imports what a run needs, and then forks a process for each line of standard input.
Such a line has, as JSON, a module with a function `main`, its arguments, and the files of standard
output and error. The answer is the exit code, negative for a signal. Modules of a project are
imported after the fork, so they may change between two lines.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tfxkit.runs.run_log import QUIET

PATIENT_FOR_S = 900
IMPORTED = (
    "tensorflow_model_analysis",
    "tfx.components",
    "tfxkit.components.example_gen.component",
    "tfxkit.report.page",
    "tfxkit.runs.runner",
    "tfxkit.training.fitting",
)

Ended = subprocess.CompletedProcess[str]
Forked = Callable[[str, Sequence[str]], Ended]


@contextlib.contextmanager
def preloaded(
    folder: Path, root: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Forked]:
    """Starts the program.

    Args:
        folder: Takes what is written to the screen.
        root: The current folder of the processes.
        environment: Their variables, if not those of this process.

    Yields:
        A function of a module and the arguments of its `main`, which waits for its end.
    """
    program = [sys.executable, "-m", "tests.preloaded"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        program, cwd=root, env=environment, stdin=pipe, stdout=pipe, text=True
    ) as process:

        def run(module: str, arguments: Sequence[str]) -> Ended:
            out, err = folder / "out", folder / "err"
            for file in (out, err):
                file.write_text("")
            process.stdin.write(json.dumps([module, [*arguments], str(out), str(err)]) + "\n")
            process.stdin.flush()
            code = int(process.stdout.readline())
            return Ended([module, *arguments], code, out.read_text(), err.read_text())

        yield run


def main() -> None:
    """Answers each line until there are no more."""
    gc.set_threshold(200_000)
    os.environ.update(QUIET)
    for name in IMPORTED:
        importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        module, arguments, out, err = json.loads(line)
        child = os.fork()
        if not child:
            _run(module, arguments, out, err)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _run(module: str, arguments: list[str], out: str, err: str) -> None:
    signal.alarm(PATIENT_FOR_S)
    for descriptor, file, mode in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY),
                                   (2, err, os.O_WRONLY)):  # fmt: skip
        os.dup2(os.open(file, mode | os.O_CREAT, 0o644), descriptor)
    code = 1
    try:
        code = importlib.import_module(module).main(arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # `os._exit` skips what the interpreter would print
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
