"""Subcommands of the command line: one module for each subject, with the table `SUBCOMMANDS`.

What is heavy is imported inside the function of a subcommand only: `--help` must be quick.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import pkgutil
from collections.abc import Callable

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
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    ]
    subcommands = [subcommand for module in modules for subcommand in module.SUBCOMMANDS]
    return {each.name: each for each in sorted(subcommands, key=lambda each: each.name)}
