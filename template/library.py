"""The library in a project: a wheel in `vendor/`, and the requirement that names it by its hash.

    python -m template.library FOLDER

does the same for an image of this repository's working tree, files included that are not in git.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from template import source
from template.errors import TemplateError

REQUIREMENT = "requirements/library.txt"
WHEELS = "tfxkit-*.whl"
_LIBRARY = "library/"


def write(repository: Path, target: Path, *, tracked: bool = True) -> None:
    """Builds the wheel and writes its requirement, without network.

    The wheel has the same bytes on every Python and system. Other wheels of the library are
    removed.

    Args:
        repository: The template.
        target: The project's folder.
        tracked: Leave out files that git does not track.

    Raises:
        TemplateError: If the library cannot be built.
    """
    vendor = target / "vendor"
    vendor.mkdir(exist_ok=True)
    wheel = vendor / build(repository, vendor, tracked=tracked)
    for other in vendor.glob(WHEELS):
        if other != wheel:
            other.unlink()
    write_requirement(target, wheel)


def build(repository: Path, folder: Path, *, tracked: bool = True) -> str:
    """Builds the wheel into a folder; returns its file name."""
    backend = _backend(repository / "library" / "build_backend.py")
    files = _tracked(repository) if tracked else None
    try:
        name = backend.build_wheel(str(folder), files=files)
    except (OSError, ValueError, KeyError) as error:
        raise TemplateError(f"library: the wheel cannot be built: {error}") from error
    (folder / name).chmod(0o644)
    return name


def write_requirement(target: Path, wheel: Path) -> None:
    """Writes the requirement of a wheel that lies in the project's `vendor/`, atomically."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    text = (
        "# The library: a file of this project, never looked up in an index.\n"
        f"vendor/{wheel.name} \\\n    --hash=sha256:{digest}\n"
    )
    file = target / REQUIREMENT
    file.parent.mkdir(exist_ok=True)
    draft = file.with_name(f".{file.name}-{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


def _tracked(repository: Path) -> list[str]:
    """Files of the library that git tracks, from the library's folder."""
    files = source.files(repository)
    packed = (f"{_LIBRARY}src/", f"{_LIBRARY}docs/")
    return [path.removeprefix(_LIBRARY) for path in files if path.startswith(packed)]


def _backend(file: Path) -> ModuleType:
    """The build backend, loaded without bytecode, which would stay in the template."""
    spec = importlib.util.spec_from_file_location("tfxkit_build_backend", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise TemplateError(f"{file} is missing: the template is incomplete")
    module, before = importlib.util.module_from_spec(spec), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


if __name__ == "__main__":
    write(Path.cwd(), Path(sys.argv[1]), tracked=False)
