"""Ends `copier update`: settles what commands write, and lists the conflicts that are left.

    python template/settle.py

Copier runs this in the project's folder after it has merged. The library's requirement is written
anew for the wheel in vendor/, and a lock with conflicts is the template's again. copier exits with
0 even where it leaves conflicts, so this exits with 1 then, and copier with it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from template import library

_LOCK = re.compile(r"requirements/[a-z]+\.txt")
_FROM_TEMPLATE = 3  # stage of the index: 1 is the last update, 2 the project


def main() -> int:
    """Settles the project in the current folder; returns the exit code."""
    project = Path.cwd()
    conflicts = _git("diff", "--name-only", "--diff-filter=U", "-z", "--relative").split("\0")
    rejected = _git("ls-files", "--others", "-z", "*.rej").split("\0")
    wheels = list((project / "vendor").glob(library.WHEELS))
    if len(wheels) == 1:
        library.write_requirement(project, wheels[0])
        _git("add", library.REQUIREMENT)
    else:
        print(
            f"vendor/ holds {len(wheels)} wheels of the library: keep one, and name it in "
            f"{library.REQUIREMENT}.",
            file=sys.stderr,
        )
    left = []
    for path in sorted(filter(None, conflicts)):
        if path == library.REQUIREMENT:
            continue
        if _LOCK.fullmatch(path):
            (project / path).write_bytes(_git_bytes("show", f":{_FROM_TEMPLATE}:./{path}"))
            _git("add", path)
            print(f"{path} is the template's now. Run make lock to add what you need.")
        else:
            left.append(path)
    left += sorted(filter(None, rejected))
    if left or len(wheels) != 1:
        listed = "".join(f"\n  {path}" for path in left)
        if left:
            print(f"Conflicts are left, edit these files and commit:{listed}", file=sys.stderr)
        return 1
    return 0


def _git_bytes(*arguments: str) -> bytes:
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _git(*arguments: str) -> str:
    return _git_bytes(*arguments).decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    sys.exit(main())
