"""Show (diff) or write (accept) what the newest run's data would change in configs/schema.pbtxt."""

from __future__ import annotations

import argparse

from tfxkit.errors import UsageError
from tfxkit.options import add_config_options, config_selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument("what", choices=("diff", "accept"))
    parser.add_argument("columns", metavar="COLUMN", nargs="*", help="only these (default: all)")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Shows or writes; returns 0."""
    from tfxkit.runs.run_log import captured
    from tfxkit.runs.summary import find_run

    selection = config_selection(args)
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection)
    newest = find_run(outputs, "latest")

    with captured(outputs.runs / newest.run_id / "schema.log") as terminal:
        from tfxkit.config.loading import SCHEMA_FILE
        from tfxkit.runs import schema
        from tfxkit.runs.metadata import RunMetadata

        artifacts = RunMetadata(outputs.metadata, newest.run_id).outputs()
        if "StatisticsGen" not in artifacts:
            raise UsageError(
                f"Run {newest.run_id} has no statistics of its data: it ended before that step or "
                f"started after it. Run it: {outputs.command('run', '--to', 'StatisticsGen')}"
            )
        action = schema.accept if args.what == "accept" else schema.diff
        statistics = artifacts["StatisticsGen"]["statistics"]
        file = selection.folder() / SCHEMA_FILE
        terminal.write(action(file, statistics.uri, args.columns) + "\n")
    return 0
