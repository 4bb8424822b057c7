"""Code and side effects of a step, which TFX's cache cannot see.

The cache compares parameters and input artifacts; it does not look into user functions that are
given by dotted name, nor into the executors of components (tfx 1.21, `portable/cache_utils.py`).
Here a hash of the source becomes a parameter of every step whose code belongs to the project.
Effects outside of the artifacts have to be declared, with `never_cached`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
import re
import sysconfig
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tfxkit.project import PACKAGES

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode

__all__ = ["never_cached"]

HASHED_PACKAGES = ("components", "models", "tfxkit")
_LIBRARY = Path(os.path.realpath(__file__)).parents[1]
# Files of the library's wheel, see its build_backend.py; without its pages, which no step reads.
_SUFFIXES = frozenset({".css", ".html", ".js", ".py", ".typed", ".yaml"})
CODE_HASH = "code_hash"
_CUSTOM_CONFIG = "custom_config"
# Also where they are installed as wheels, among the packages of others.
_OWN = (*PACKAGES, "tfxkit")
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_NEVER_CACHED = "tfxkit_never_cached"

Component = TypeVar("Component")


def never_cached(component: Component) -> Component:
    """Decorator of a component that must run each time, in every runner.

    For effects outside of its artifacts: a message that is sent, or a folder that others change as
    well. Place it above `@component`, or above the class of a component.
    """
    setattr(component, _NEVER_CACHED, True)
    return component


def is_never_cached(node: BaseNode) -> bool:
    """True if the component was declared with `never_cached`."""
    return bool(getattr(node, _NEVER_CACHED, False))


def has_driver(node: BaseNode) -> bool:
    """True if a driver adds to the cache key, beyond parameters and input artifacts.

    Drivers run on this machine only; a backend starts executors. See `dsl/components/base/
    base_driver.py` of tfx 1.21.
    """
    from tfx.dsl.components.base.base_driver import BaseDriver

    return getattr(node, "driver_class", BaseDriver) is not BaseDriver


def add_code_hashes(nodes: Iterable[BaseNode]) -> None:
    """Gives each step whose code belongs to the project a hash of that code as a parameter.

    The code is the module of the executor (of a function component: the module of the function),
    each module that a parameter names (`run_fn="models.training.run_fn"`), and what they import of
    the project. A module belongs to the project, whatever its package is called, if it is neither
    an installed package nor part of Python.

    Executors ignore the parameter; functions such as `run_fn` find the hash under the same name in
    their `custom_config`. A component that hashes its code itself is left as it is.

    Args:
        nodes: The steps; changed in place.
    """
    for node in nodes:
        modules = sorted({*_executor_module(node), *_named_modules(node)})
        if modules and not node.exec_properties.get(CODE_HASH):
            node.exec_properties[CODE_HASH] = digest = code_hash(*modules)
            _add_to_custom_config(node, digest)


def _add_to_custom_config(node: BaseNode, digest: str) -> None:
    """For Transform, Tuner and Trainer of TFX, whose functions see no other parameter."""
    from tfx.utils import json_utils

    parameters = getattr(getattr(node, "spec", None), "PARAMETERS", {})
    text = node.exec_properties.get(_CUSTOM_CONFIG)
    # That of an ExampleGen is a message, and no JSON of a dictionary.
    if _CUSTOM_CONFIG in parameters and parameters[_CUSTOM_CONFIG].type is str and text:
        config = json_utils.loads(text) or {}
        node.exec_properties[_CUSTOM_CONFIG] = json_utils.dumps({**config, CODE_HASH: digest})


def _executor_module(node: BaseNode) -> Iterator[str]:
    executor = getattr(node.executor_spec, "executor_class", None)  # a container has none
    if executor is not None and _is_own(executor.__module__):
        yield executor.__module__


def _named_modules(node: BaseNode) -> Iterator[str]:
    yield from filter(None, map(_module_of, node.exec_properties.values()))


def _module_of(value: Any) -> str | None:
    """The project's module behind a dotted name such as `models.training.run_fn`."""
    if not isinstance(value, str) or not _DOTTED.fullmatch(value):
        return None
    return next(filter(_is_own, (value, value.rpartition(".")[0])), None)


def _is_own(name: str) -> bool:
    path = source_of(name)
    if path is None:
        return False
    if name.partition(".")[0] in _OWN:
        return True
    return not (_INSTALLED & {*path.parts} or path.is_relative_to(sysconfig.get_path("stdlib")))


def code_hash(*modules: str, packages: Collection[str] = HASHED_PACKAGES) -> str:
    """Hashes modules and, of some packages, all that they import, directly or not.

    Those are `packages`, and the packages of the modules themselves. Imports are read from the
    source, wherever they stand in it; nothing is executed. Modules that are named only at run time,
    in a string, have to be arguments.

    Args:
        modules: Dotted names. A package stands for all modules below it.
        packages: Names of packages.

    Returns:
        16 hexadecimal digits that change when any of the sources does.

    Raises:
        ModuleNotFoundError: If there is no such module.
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
    """Finds the file of a module or package, without importing its parents.

    Returns:
        None if there is no such module, or if it has no file.
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
        if file := next(filter(Path.is_file, candidates), None):
            return file
    return None


def hashed_modules(*modules: str, packages: Collection[str] = HASHED_PACKAGES) -> dict[str, Path]:
    """Files of the modules that `code_hash` hashes, by the name of the module."""
    files: dict[str, Path] = {}
    packages = {*packages, *(name.partition(".")[0] for name in modules)}
    waiting = list(_with_submodules(modules))
    while waiting:
        name = waiting.pop()
        path = source_of(name)
        if name in files or path is None:  # not a module, but an attribute of one
            continue
        files[name] = path
        # Whoever imports a.b.c runs the __init__.py of a and of a.b first.
        waiting += [name.rpartition(".")[0]] if "." in name else []
        waiting += _imports(name, path, packages)
    return files


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


@functools.cache  # the steps of a pipeline hash mostly the same modules
def _names_imported(name: str, path: Path, source: bytes) -> tuple[str, ...]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imported: list[str] = []
    for node in ast.walk(ast.parse(source, str(path))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            # What is imported from a module may be a module itself, or one of its attributes.
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        imported += names
    return tuple(imported)
