"""Copy a component of the library into this project, to change it; without NAME: list them.

The source goes to components/, and the project imports it from there. From then on it is yours: a
new version of the library does not change it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfxkit.ejection import Ejected


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as Baseline")


def run(args: argparse.Namespace) -> int:
    """Ejects, or lists; returns 0."""
    from tfxkit.ejection import eject
    from tfxkit.project import project_root

    root = project_root()
    if args.name:
        print("\n".join(_outcome(args.name, eject(args.name, root))))
    else:
        print("\n".join(_list(root)))
    return 0


def _list(root: Path) -> list[str]:
    from tfxkit.ejection import palette, source_files

    lines = []
    for component in palette(root):
        if component.package is None:
            lines.append(f"{component.name:16} the project's own: {component.module}")
        else:
            files = source_files(component.package)
            rows = sum(len(file.read_text("utf-8").splitlines()) for file in files.values())
            lines.append(f"{component.name:16} {len(files)} files, {rows} lines")
    return [*lines, "", "To make one the project's own: python -m pipeline eject NAME"]


def _outcome(name: str, ejected: Ejected) -> list[str]:
    folder = ejected.folder
    lines = [f"{name} is the project's own now: {folder}/"]
    lines += [f"  {file}" for file in ejected.files]
    lines += ["Imported from there by:", *(f"  {file}" for file in ejected.swapped)]
    lines += ["It still uses of the library:", *(f"  {module}" for module in ejected.imported)]
    if ejected.users:
        lines.append("The library goes on with its own copy in:")
        lines += [f"  {module}" for module in ejected.users]
    if not ejected.formatted:
        lines.append(
            "Ruff is not installed here: after `make lint` has installed it, run "
            f".venv/bin/ruff check --fix {folder.parent} and .venv/bin/ruff format {folder}"
        )
    lines.append("Next: python -m pipeline run, which runs the step again; then commit it.")
    return lines
