"""Vendors the library into a project, without network: python library/vendor.py PROJECT.

Builds the wheel into `vendor/`, in place of any other, and locks it by its hash in
`requirements/library.txt`.
"""

import hashlib
import os
import sys
from pathlib import Path

import build_backend

HEADER = "# The library: a file of this project, never looked up in an index.\n"


def vendor(project: Path) -> Path:
    """Returns the wheel."""
    folder = project / "vendor"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("tfxkit-*.whl"):
        old.unlink()
    wheel = folder / build_backend.build_wheel(folder)
    wheel.chmod(0o644)  # whatever the umask
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = project / "requirements" / "library.txt"
    lock.write_text(f"{HEADER}vendor/{wheel.name} \\\n    --hash=sha256:{digest}\n", "utf-8")
    for path in (wheel, lock):  # a builder of images may take new times for new content
        os.utime(path, (0, 0))
    return wheel


if __name__ == "__main__":
    vendor(Path(sys.argv[1]))
