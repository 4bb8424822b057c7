"""Run the pipeline, from the data to a pushed model."""

from __future__ import annotations

import argparse

from tfxkit.options import add_config_options, add_engine_option, config_selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    add_config_options(parser)
    add_engine_option(parser)
    parser.add_argument("--from", metavar="STEP", dest="first", help="start at this step")
    parser.add_argument("--to", metavar="STEP", dest="last", help="end with this step")
    parser.add_argument("--no-cache", action="store_true", help="run every step anew")


def run(args: argparse.Namespace) -> int:
    """Runs the pipeline; returns its exit code."""
    from tfxkit.execution import execute

    selection = config_selection(args)
    config = selection.load()
    if args.no_cache:
        config = config.model_copy(update={"cache": False})
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection, config)
    return execute(config, selection.folder(), outputs, first=args.first, last=args.last)
