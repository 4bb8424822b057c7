"""Remove what runs left behind: artifacts, metadata, runs and checkpoints; with --all, models too.

Pushed models stay unless --all is given: they carry their own past, so the next run compares with
them all the same.

With --keep N only what is old goes: all but the newest N runs and the newest N pushed models, with
their artifacts. What a model that stays came from stays as well. Without N the configuration says
how many: retention.runs, retention.pushed_models.
"""

from __future__ import annotations

import argparse
from typing import TextIO

from tfxkit.errors import UsageError
from tfxkit.options import add_config_options, config_selection, pipeline_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    add_config_options(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="the pushed models as well")
    what.add_argument(
        "--keep",
        type=_count,
        nargs="?",
        const=0,
        metavar="N",
        help="only what is old: keep the newest N runs and pushed models (N: see retention)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Removes; returns 0, or 1 if the user said no."""
    import shutil

    if args.keep is not None:
        return _remove_old(args)
    outputs = pipeline_outputs(args)
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


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _remove_old(args: argparse.Namespace) -> int:
    from tfxkit.runs.run_log import captured

    selection = config_selection(args)
    config = selection.load()
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection, config)
    keep_runs = args.keep or config.retention.runs
    keep_models = args.keep or config.retention.pushed_models
    if keep_runs is None and keep_models is None:
        raise UsageError(
            "Pass --keep N, or set retention.runs and retention.pushed_models in the configuration."
        )
    with outputs.lock(), captured(outputs.root / "clean.log") as terminal:
        from tfxkit.runs.retention import plan_removal, remove, total_size

        plan = plan_removal(outputs, keep_runs, keep_models)
        if not plan:
            terminal.write(f"Nothing to remove in {outputs.root}.\n")
            return 0
        for folder in (*plan.runs, *plan.versions):
            terminal.write(f"{folder}\n")
        terminal.write(f"{len(plan.artifacts)} artifacts, {total_size(plan.artifacts)}\n")
        if not args.yes and not _agreed(terminal):
            terminal.write("Nothing was removed.\n")
            return 1
        remove(plan, outputs)
    return 0


def _agreed(terminal: TextIO | None = None) -> bool:
    print("Remove these? [y/N] ", end="", file=terminal, flush=True)
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        raise UsageError("\nNot a terminal: pass --yes to confirm.") from None
