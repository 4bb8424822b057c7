"""Subcommands of the command line: one module for each subject, with the table `SUBCOMMANDS`.

This module has the options that several subcommands share, and the configuration they select.

What is heavy is imported inside the function of a subcommand only: `--help` must be quick.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.config.selection import DEFAULT_OVERLAY, ConfigSelection, Engine

if TYPE_CHECKING:
    from tfxkit.runs.outputs import Outputs

# Width of a text for a file or another program, which gets each fact in one line.
UNLIMITED_WIDTH = 10_000


@dataclasses.dataclass(frozen=True)
class Subcommand:
    """A subcommand of `python -m pipeline`.

    Attributes:
        name: The word on the command line.
        description: The text of its `--help`; the first line is shown in the list of subcommands.
        add_arguments: Declares its options.
        run: Carries it out, and returns the exit code.
    """

    name: str
    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def all_subcommands() -> dict[str, Subcommand]:
    """The subcommands of all modules in this package, by name and in its order."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    subcommands = [subcommand for module in modules for subcommand in module.SUBCOMMANDS]
    return {each.name: each for each in sorted(subcommands, key=lambda each: each.name)}


def add_config_options(parser: argparse.ArgumentParser, default: str = DEFAULT_OVERLAY) -> None:
    """Adds --config, --set and --config-dir, for `config_selection`.

    Args:
        parser: Of a subcommand.
        default: The overlay without --config, for the help text.
    """
    parser.add_argument(
        "--config",
        action="append",
        metavar="NAME",
        help=f"overlay configs/NAME.yaml on base.yaml; repeatable (default: {default})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=VALUE",
        dest="settings",
        help="set one value, over all files; repeatable",
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="FOLDER",
        help="the folder of configurations (default: configs)",
    )


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """Adds --engine, for `config_selection`."""
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in Engine],
        help="the engine that runs the data steps (beam.engine in the configuration)",
    )


def add_serving_option(parser: argparse.ArgumentParser) -> None:
    """Adds --serving."""
    parser.add_argument(
        "--serving",
        metavar="FOLDER",
        help="the folder of versions, if not that of runs here; may be an s3:// or gs:// address",
    )


def config_selection(args: argparse.Namespace, default: str = DEFAULT_OVERLAY) -> ConfigSelection:
    """The configuration that the options of a command select.

    Args:
        args: With the options of `add_config_options`, and perhaps of `add_engine_option`.
        default: The overlay without --config.
    """
    engine = getattr(args, "engine", None)
    return ConfigSelection(
        overlays=tuple(args.config) if args.config else None,
        settings=(*args.settings, *([f"beam.engine={engine}"] if engine else [])),
        config_dir=args.config_dir,
        default=default,
    )


def pipeline_outputs(args: argparse.Namespace) -> Outputs:
    """The outputs of the pipeline that the options choose."""
    from tfxkit.runs.outputs import Outputs

    return Outputs.of(config_selection(args))
