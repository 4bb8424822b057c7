"""Compile installed modules to bytecode, on several cores: `python -m tfxkit.environment.bytecode`.

Runs in the environment that it compiles, also with PYTHONDONTWRITEBYTECODE: without bytecode each
start of TFX takes 26 seconds instead of 8. Modules with current bytecode are skipped, and so are
the tests that packages bring along. Prints a line at the start and every ten seconds.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import struct
import subprocess
import sys
import sysconfig
import time

SECONDS_BETWEEN_LINES = 10
MOST_WORKERS = 8  # a container may see many cores, and have little memory
WORKER = "--worker"


def main() -> int:
    """Compiles modules without bytecode.

    Returns:
        The exit code: 0 also if a module has a syntax error, as in some templates and tests; 1 if
        bytecode could not be written, for example on a full disk.
    """
    modules = [path for path in _modules(sysconfig.get_path("purelib")) if not _is_compiled(path)]
    if not modules:
        return 0
    print(f"Compiling {len(modules):,} modules to bytecode", flush=True)
    count = min(os.cpu_count() or 1, MOST_WORKERS, len(modules))
    command = [sys.executable, "-W", "ignore", "-m", "tfxkit.environment.bytecode", WORKER]
    # A pipe that all workers share: each writes one byte for each module.
    progress, written = os.pipe()
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=written) for _ in range(count)
    ]
    os.close(written)
    for number, worker in enumerate(workers):
        worker_input = worker.stdin
        if worker_input is not None:  # it is a pipe
            worker_input.write(b"\n".join(map(os.fsencode, modules[number::count])))
            worker_input.close()
    _show(progress, len(modules))
    codes = [worker.wait() for worker in workers]
    return int(any(codes))


def compile_named() -> int:
    """Compiles the modules that standard input names; returns 0."""
    for path in sys.stdin.buffer.read().splitlines():
        py_compile.compile(
            os.fsdecode(path), quiet=2, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP
        )
        os.write(sys.stdout.fileno(), b".")
    return 0


def _show(progress: int, count: int) -> None:
    done, shown = 0, time.monotonic()
    while some := os.read(progress, 4096):
        done += len(some)
        if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
            shown = time.monotonic()
            print(f"Compiled {done:,} of {count:,}", flush=True)
    os.close(progress)


def _modules(folder: str) -> list[str]:
    modules = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "tests"]  # a sixth of all that is read
        modules += [os.path.join(root, name) for name in names if name.endswith(".py")]
    return modules


def _is_compiled(path: str) -> bool:
    try:
        with open(importlib.util.cache_from_source(path), "rb") as file:
            header = file.read(16)
    except OSError:
        return False
    source = os.stat(path)
    stamp = struct.pack("<LLL", 0, int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF)
    return header == importlib.util.MAGIC_NUMBER + stamp


if __name__ == "__main__":
    sys.exit(compile_named() if sys.argv[1:] == [WORKER] else main())
