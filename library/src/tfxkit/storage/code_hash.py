"""A hash of the source that a step runs, so that the cache sees changes of code.

TFX's cache compares parameters and input artifacts; it does not look into user functions that are
given by dotted name, nor into the executors of components (tfx 1.21, `portable/cache_utils.py`).
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
from collections.abc import Collection, Iterator
from pathlib import Path

HASHED_PACKAGES = ("components", "models", "tfxkit")
_LIBRARY = Path(os.path.realpath(__file__)).parents[1]
# Files of the library's wheel, see its build_backend.py; without its pages, which no step reads.
_SUFFIXES = frozenset({".css", ".html", ".js", ".py", ".typed", ".yaml"})


def code_hash(*modules: str, packages: Collection[str] = HASHED_PACKAGES) -> str:
    """Hashes modules and all that they import, directly or not, of some packages.

    Those are `packages`, and the packages of the given modules. Imports are read from the source,
    wherever they stand in it; nothing is executed. Modules that are named only at run time, in a
    string, have to be given.

    Args:
        modules: Dotted names. A package stands for all modules below it.
        packages: Names of packages.

    Returns:
        16 hexadecimal digits that change when any of the sources does.

    Raises:
        ModuleNotFoundError: If one of the names is not to be found.
    """
    digest = hashlib.sha256()
    for name, path in sorted(hashed_modules(*modules, packages=packages).items()):
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def library_hash() -> str:
    """Hashes the files of this library, the same in a checkout and where its wheel is installed.

    Nothing is parsed, so it is quick enough for the start of a container.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    files = {path.relative_to(_LIBRARY).as_posix(): path for path in _LIBRARY.rglob("*.*")}
    for name, path in sorted(files.items()):
        if path.suffix in _SUFFIXES and "/." not in f"/{name}":
            digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def source_of(name: str) -> Path | None:
    """The file of a module or package, None if there is none.

    Unlike `importlib.util.find_spec`, imports no parent package.
    """
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a file, such as one that was made at run time
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.has_location else None
    for folder in spec.submodule_search_locations or ():  # several of a folder without __init__.py
        path = Path(folder).joinpath(*rest)
        candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
        if found := next((candidate for candidate in candidates if candidate.is_file()), None):
            return found
    return None


def hashed_modules(*modules: str, packages: Collection[str] = HASHED_PACKAGES) -> dict[str, Path]:
    """The modules that `code_hash` hashes, by name, each with its file."""
    found: dict[str, Path] = {}
    packages = {*packages, *(name.partition(".")[0] for name in modules)}
    waiting = list(_with_submodules(modules))
    while waiting:
        name = waiting.pop()
        path = source_of(name)
        if name in found or path is None:  # not a module, but an attribute of one
            continue
        found[name] = path
        # Whoever imports a.b.c runs the __init__.py of a and of a.b first.
        waiting += [name.rpartition(".")[0]] if "." in name else []
        waiting += _imports(name, path, packages)
    return found


def _with_submodules(modules: tuple[str, ...]) -> Iterator[str]:
    for name in modules:
        path = source_of(name)
        if path is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        yield name
        if path.name == "__init__.py":
            for child in path.parent.rglob("*.py"):
                parts = child.relative_to(path.parent).with_suffix("").parts
                yield ".".join((name, *(part for part in parts if part != "__init__")))


def _imports(name: str, path: Path, packages: Collection[str]) -> Iterator[str]:
    for imported in _names_imported(name, path, path.read_bytes()):
        if imported.partition(".")[0] in packages:
            yield imported


@functools.cache  # each step of a pipeline hashes mostly the same modules
def _names_imported(name: str, path: Path, source: bytes) -> tuple[str, ...]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: list[str] = []
    for node in ast.walk(ast.parse(source, str(path))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            # What is imported from a module may be a module itself, or one of its attributes.
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        found += names
    return tuple(found)
