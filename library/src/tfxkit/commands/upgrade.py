"""Replace the library of this project by another version, from a wheel.

Checks the wheel, copies it to vendor/ and names it in requirements/library.txt; touches nothing
else. An address is taken with --sha256 only. Prints what has changed since, and what to do next.
Where the same version is in force already, nothing happens. An older version is taken as well.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfxkit.upgrade import Upgrade


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument("wheel", metavar="WHEEL", help="path or http(s) address of the wheel")
    parser.add_argument("--sha256", metavar="HASH", help="hash that the wheel must have")


def run(args: argparse.Namespace) -> int:
    """Upgrades; returns 0, also if the wheel is the project's library already."""
    from tfxkit.project import project_root
    from tfxkit.upgrade import upgrade

    root = project_root()
    result = upgrade(args.wheel, root, args.sha256)
    template = (root / ".copier-answers.yml").is_file()
    print("\n\n".join(_paragraphs(result, template)))
    return 0


def _paragraphs(result: Upgrade, template: bool) -> list[str]:
    from tfxkit.upgrade import changes

    wheel, before = result.wheel, result.before
    after = _next(result, template)
    if not result.changed:
        return [f"The library of this project is tfxkit {wheel.version} already.", *after]
    old = f" (before: {before})" if before and before != wheel.version else ""
    said = [f"The library of this project is tfxkit {wheel.version} now{old}: vendor/{wheel.name}"]
    if before and wheel.version < before:
        said.append(
            f"This is a downgrade: what came after {wheel.version} is gone, and keys that only "
            "newer versions know are errors in configs/."
        )
    elif before and (entries := changes(wheel.changelog, before, wheel.version)):
        said.append(f"Changes since {before}:\n\n{entries}")
    return [*said, *after]


def _next(result: Upgrade, template: bool) -> list[str]:
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
    if template and result.changed:
        steps.append(("copier update --trust", "brings the template's changes, if there are any"))
    if steps:
        paragraphs.append("Next:\n" + "\n".join(f"  {step:28} {why}" for step, why in steps))
    return paragraphs
