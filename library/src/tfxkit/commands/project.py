"""Subcommands about the project: `config`, `doctor`, `eject` and `upgrade`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.commands import Subcommand, add_config_options, config_selection

if TYPE_CHECKING:
    from tfxkit.ejection import Ejected
    from tfxkit.upgrade import Upgrade


_CONFIG = """\
Print the merged configuration (show), or every key it may have (schema).
"""


def _add_config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("show", "schema"))
    add_config_options(parser)


def print_config(args: argparse.Namespace) -> int:
    """Prints YAML for `show`, JSON Schema for `schema`; returns 0."""
    import json

    from tfxkit.config.loading import config_class

    if args.what == "schema":
        print(json.dumps(config_class().model_json_schema(), indent=2))
    else:
        print(config_selection(args).load().to_yaml(), end="")
    return 0


def _add_doctor_arguments(_parser: argparse.ArgumentParser) -> None:
    """Has no options."""


def examine(_args: argparse.Namespace) -> int:
    """Runs the checks; returns 0 if all pass, else 1."""
    from tfxkit.environment.doctor import main

    return main([])


_EJECT = """\
Copy a component of the library into this project, to change it; without NAME: list them.

The source goes to components/, and the project imports it from there. From then on it is yours: a
new version of the library does not change it.
"""


def _add_eject_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="such as Baseline")


def eject_component(args: argparse.Namespace) -> int:
    """Ejects a component, or lists all; returns 0."""
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


_UPGRADE = """\
Replace the library of this project by another version, from a wheel.

Checks the wheel, copies it to vendor/ and names it in requirements/library.txt; touches nothing
else. An address is taken with --sha256 only. Prints what has changed since, and what to do next.
Does nothing if this version is installed. An older version is accepted, too.
"""


def _add_upgrade_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wheel", metavar="WHEEL", help="path or http(s) address of the wheel")
    parser.add_argument("--sha256", metavar="HASH", help="hash that the wheel must have")


def upgrade_library(args: argparse.Namespace) -> int:
    """Replaces the library; returns 0, also if the wheel is the project's already."""
    from tfxkit.project import project_root
    from tfxkit.upgrade import upgrade

    root = project_root()
    result = upgrade(args.wheel, root, args.sha256)
    updates = {".copier-answers.yml": "copier update --trust", ".cruft.json": "cruft update"}
    update = next((updates[name] for name in updates if (root / name).is_file()), None)
    print("\n\n".join(_paragraphs(result, update)))
    return 0


def _paragraphs(result: Upgrade, update: str | None) -> list[str]:
    from tfxkit.upgrade import changes

    wheel, before = result.wheel, result.before
    after = _next(result, update)
    if not result.changed:
        return [f"The library of this project is tfxkit {wheel.version} already.", *after]
    old = f" (before: {before})" if before and before != wheel.version else ""
    lines = [f"The library of this project is tfxkit {wheel.version} now{old}: vendor/{wheel.name}"]
    if before and wheel.version < before:
        lines.append(
            f"This is a downgrade: what came after {wheel.version} is gone, and keys that only "
            "newer versions know are errors in configs/."
        )
    elif before and (entries := changes(wheel.changelog, before, wheel.version)):
        lines.append(f"Changes since {before}:\n\n{entries}")
    return [*lines, *after]


def _next(result: Upgrade, update: str | None) -> list[str]:
    version = result.wheel.version
    paragraphs = [
        f"pyproject.toml names the extra {extra!r}, which tfxkit {version} does not have; its "
        f"extras are: {', '.join(sorted(result.wheel.extras)) or 'none'}."
        for extra in result.unknown_extras
    ]
    steps = []
    if result.unlocked:
        lacking = ", ".join(result.unlocked)
        steps.append(("make lock", f"requirements/runtime.txt does not have: {lacking}"))
    if result.unlocked or result.changed:
        steps.append(("make setup", "installs it"))
        steps.append(("git add vendor requirements", "and commit"))
    if update and result.changed:
        steps.append((update, "brings the template's changes, if there are any"))
    if steps:
        paragraphs.append("Next:\n" + "\n".join(f"  {step:28} {why}" for step, why in steps))
    return paragraphs


SUBCOMMANDS = (
    Subcommand("config", _CONFIG, _add_config_arguments, print_config),
    Subcommand(
        "doctor",
        "Check whether this machine can install and run the pipeline.",
        _add_doctor_arguments,
        examine,
    ),
    Subcommand("eject", _EJECT, _add_eject_arguments, eject_component),
    Subcommand("upgrade", _UPGRADE, _add_upgrade_arguments, upgrade_library),
)
