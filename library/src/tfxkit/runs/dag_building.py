"""Builds the steps of a DAG for a runner, and explains mistakes in its module."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.context_managers import dsl_context_registry

from tfxkit.components.example_gen.component import SpanExampleGen, reading_of
from tfxkit.config.loading import Config, ConfigError
from tfxkit.runs.outputs import shown
from tfxkit.runs.places import Places
from tfxkit.storage import step_cache
from tfxkit.storage.step_cache import HASHED_PACKAGES, source_of
from tfxkit.tracebacks import own_file

_POSTPONED = annotations.compiler_flag  # of code in a module with that import
_MISTAKES = (AttributeError, ImportError, KeyError, NameError, TypeError)


def build_components(config: Config, places: Places) -> list[BaseNode]:
    """The steps of the pipeline, each with a hash of the project's code that it runs.

    Raises:
        ConfigError: If the module does not exist, if `create_components` fails for a reason that
            its author can correct, or if it does not return a step that it built.
    """
    registry = dsl_context_registry.get()
    with _mistakes_as_config_errors(config.dag):
        module = _import(config.dag)
        before = len(registry.all_nodes)
        try:
            components: list[BaseNode] = module.create_components(config, places)
        except ValueError as error:  # a metric that does not exist, for example
            _refuse_postponed_annotations(error)
            raise ConfigError(
                f"No pipeline can be built from this configuration: {error}"
            ) from error
    _check(components, registry.all_nodes[before:], _file(config.dag))
    _check_formats(components, config)
    step_cache.add_code_hashes(components)
    return components


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module exists, and one of its imports does not
        raise ConfigError(f"dag: there is no module {name} with the steps") from None


def _file(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


@contextlib.contextmanager
def _mistakes_as_config_errors(dag: str) -> Iterator[None]:
    """Names the line of a mistake in a DAG's module or in that of an own step.

    Raises:
        ConfigError: If there is such a line. Other exceptions pass unchanged.
    """
    try:
        yield
    except SyntaxError as error:  # maybe in a module that the DAG imports
        if error.filename is None:
            raise
        line = f"{shown(Path(error.filename))}, line {error.lineno}"
        raise ConfigError(f"{line}: {type(error).__name__}: {error.msg}") from error
    except _MISTAKES as error:
        place = _place(error, dag)
        if place is None:
            raise
        raise ConfigError(f"{place}: {type(error).__name__}: {error}") from error
    except ValueError as error:
        _refuse_postponed_annotations(error)
        raise


def _place(error: Exception, dag: str) -> str | None:
    """File and line of the DAG or of an own step, if an exception came from there.

    None if the exception passed code of a shipped component or of tfxkit after that line.
    """
    library = tuple(f"{path.parent}{os.sep}" for path in map(source_of, HASHED_PACKAGES) if path)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(f"{os.sep}{_file(dag)}"):
            return f"{_file(dag)}, line {frame.lineno}"
        if file := own_file(frame.filename):
            return f"{file}, line {frame.lineno}"
        if frame.filename.startswith(library):
            return None
    return None


def _refuse_postponed_annotations(error: ValueError) -> None:
    """Explains why TFX refuses the annotations of a function component.

    TFX compares `__annotations__` with types, and with that import they are text (tfx 1.21,
    dsl/component/experimental/function_parser.py:317).

    Raises:
        ConfigError: If TFX refused the annotations of a module with the import.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    outside = list(itertools.dropwhile(_is_decorator_of_tfx, reversed(frames)))
    if len(outside) in (0, len(frames)):
        return
    code = outside[0].f_code
    if code.co_flags & _POSTPONED:
        module = own_file(code.co_filename) or shown(Path(code.co_filename))
        raise ConfigError(
            f"{module} has `from __future__ import annotations`. TFX reads the annotations of a "
            "function component when it is defined, and with that import they are text instead of "
            "types. Remove the import."
        ) from error


def _is_decorator_of_tfx(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").startswith("tfx.dsl.component.experimental.")


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


def _check_formats(components: list[BaseNode], config: Config) -> None:
    """Refuses a DAG of before `data.columns` if the configuration has that section."""
    for node in components:
        if not isinstance(node, SpanExampleGen):
            continue
        columns = reading_of(node.exec_properties).columns
        for name, form in config.data.columns.items():
            column = columns.get(name)
            if column and (column.missing, column.parse) != (form.missing, form.parse):
                raise ConfigError(
                    f"data.columns: {_file(config.dag)} does not pass this section to {node.id}. "
                    "Add the argument columns=config.data.columns to its SpanExampleGen."
                )
