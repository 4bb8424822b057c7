"""Builds the steps of a DAG for a runner, and reports mistakes in its module."""

from __future__ import annotations

import importlib
import os
import traceback
from collections import Counter
from types import ModuleType

import tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.context_managers import dsl_context_registry

from pipeline.config import Config, ConfigError
from pipeline.places import Places
from tfxkit.storage import step_cache


def build_components(config: Config, places: Places) -> list[BaseNode]:
    """The steps of the pipeline, each with a hash of the project's code that it runs.

    Raises:
        ConfigError: If there is no such module, if `create_components` fails for a reason that its
            author can correct, or if it leaves out a step that it built.
    """
    module = _import(config.dag)
    registry = dsl_context_registry.get()
    before = len(registry.all_nodes)
    try:
        components: list[BaseNode] = module.create_components(config, places)
    except ValueError as error:  # a metric that does not exist, for example
        raise ConfigError(f"No pipeline can be built from this configuration: {error}") from error
    except (AttributeError, KeyError, NameError, TypeError) as error:
        if line := _line(error, str(module.__file__)):
            text = f"{type(error).__name__}: {error}"
            raise ConfigError(f"{_file(config.dag)}, line {line}: {text}") from error
        raise
    _check(components, registry.all_nodes[before:], _file(config.dag))
    step_cache.add_code_hashes(components)
    return components


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise  # the module is there, and what it imports is not
        raise ConfigError(f"dag: there is no module {name} with the steps") from None


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _line(error: Exception, file: str) -> int | None:
    """The line of a file that is wrong, by itself or in what it hands to a component of TFX."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames[-1].filename.startswith((file, os.path.dirname(tfx.__file__))):
        return None
    return next((frame.lineno for frame in reversed(frames) if frame.filename == file), None)


def _check(components: list[BaseNode], built: list[BaseNode], file: str) -> None:
    returned = {id(node) for node in components}
    if forgotten := [node.id for node in built if id(node) not in returned]:
        raise ConfigError(
            f"{file} builds {', '.join(forgotten)} and does not return it: add it to the list at "
            "the end of create_components."
        )
    counts = Counter(node.id for node in components)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ConfigError(f"{file} has two steps named {twice[0]}: rename one with .with_id('…').")
