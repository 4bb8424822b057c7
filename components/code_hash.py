"""A hash of the source that a step runs, so that the cache sees changes of code.

TFX's cache compares parameters and input artifacts; it does not look into user functions that are
given by dotted name, nor into the executors of components (tfx 1.21, `portable/cache_utils.py`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from pathlib import Path

PROJECT_PACKAGES = ("components", "models")


def code_hash(*modules: str) -> str:
    """Hashes modules and all that they import, directly or not, of the project's own packages.

    Args:
        modules: Dotted names. A package stands for all of its modules.

    Returns:
        16 hexadecimal digits that change when any of the sources does.

    Raises:
        ModuleNotFoundError: If one of the names is not to be found.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_closure(modules).items()):
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _closure(modules: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        found[name] = Path(spec.origin)
        if spec.submodule_search_locations and name in modules:
            waiting += [f"{name}.{child.stem}" for child in found[name].parent.glob("[!_]*.py")]
        waiting += _project_imports(name, found[name].read_text(encoding="utf-8"))
    return found


def _project_imports(module: str, source: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(source, module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] in PROJECT_PACKAGES and _exists(name)]


def _exists(name: str) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # its parent is a module, the name one of its attributes
        return False
    return spec is not None and spec.origin is not None
