"""Remove what runs left behind: artifacts, metadata, runs and checkpoints; with --all, models too.

Pushed models stay unless --all is given: they carry their own past, so the next run compares with
them all the same.
"""

from __future__ import annotations

import argparse

from pipeline.errors import UsageError
from pipeline.options import add_config_options, load_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    add_config_options(parser)
    parser.add_argument("--all", action="store_true", help="the pushed models as well")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Removes; returns 0, or 1 if the user said no."""
    import shutil

    outputs = load_outputs(args)
    doomed = [outputs.artifacts, outputs.metadata, outputs.runs, outputs.checkpoints]
    doomed += [outputs.root / "schemas", *([outputs.serving] if args.all else [])]
    doomed = [path for path in doomed if path.exists()]
    if not doomed:
        print(f"Nothing to remove in {outputs.root}.")
        return 0
    for path in doomed:
        print(path)
    if not args.yes and not _agreed():
        print("Nothing was removed.")
        return 1
    with outputs.lock():
        for path in doomed:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return 0


def _agreed() -> bool:
    try:
        return input("Remove these? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        raise UsageError("\nThere is nobody to ask: say --yes to remove these") from None
