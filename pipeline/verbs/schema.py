"""Show (diff) or write (accept) what the newest run's data would change in configs/schema.pbtxt."""

from __future__ import annotations

import argparse

from pipeline.options import add_config_options, config_dir_of, find_run, load_outputs
from tfxkit.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    parser.add_argument("what", choices=("diff", "accept"))
    parser.add_argument("columns", metavar="COLUMN", nargs="*", help="only these (default: all)")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Shows or writes; returns 0."""
    outputs = load_outputs(args)
    newest = find_run(outputs, "latest")

    from pipeline.run_log import captured

    with captured(outputs.runs / newest.run_id / "schema.log") as terminal:
        from pipeline import schema_review
        from pipeline.config import SCHEMA_FILE
        from pipeline.metadata import RunMetadata

        found = RunMetadata(outputs.metadata, newest.run_id).outputs()
        if "StatisticsGen" not in found:
            raise UsageError(
                f"Run {newest.run_id} has no statistics of its data: it did not come so far, or "
                "began after them. Run again, with --to StatisticsGen if you like."
            )
        work = schema_review.accept if args.what == "accept" else schema_review.diff
        schema = config_dir_of(args) / SCHEMA_FILE
        terminal.write(work(schema, found["StatisticsGen"]["statistics"].uri, args.columns) + "\n")
    return 0
