"""Code and side effects of a step, which TFX's cache cannot see.

The cache compares parameters and input artifacts (tfx 1.21, `portable/cache_utils.py`). Here code
becomes a parameter of every step whose code belongs to the project. Effects outside of the
artifacts have to be declared, with `never_cached`.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from tfxkit.project import PACKAGES
from tfxkit.storage.code_hash import code_hash, source_of

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode

__all__ = ["never_cached"]

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

    For effects that are not in its artifacts: sending a message, or writing to a folder that others
    change as well. Place it above `@component`, or above the class of a component.
    """
    setattr(component, _NEVER_CACHED, True)
    return component


def is_never_cached(node: BaseNode) -> bool:
    """True if the component was declared with `never_cached`."""
    return bool(getattr(node, _NEVER_CACHED, False))


def has_driver(node: BaseNode) -> bool:
    """True if a driver adds to the cache key what is not in parameters and input artifacts.

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
