"""Show the origin of a pushed model, or with --span the pushed models that a span went into."""

from __future__ import annotations

import argparse
from typing import Any

from tfxkit.errors import StorageError, UsageError
from tfxkit.options import add_config_options, pipeline_outputs

NO_END = 10_000  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("version", metavar="VERSION", nargs="?", help="of a model (the served one)")
    which.add_argument("--span", type=int, metavar="N", help="the models that came from a span")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints it; returns 0."""
    import dataclasses
    import json
    import sys

    from rich.console import Console

    from tfxkit.runs.run_log import import_tensorflow

    outputs = pipeline_outputs(args)
    import_tensorflow()
    from tfxkit.runs.lineage import table, trace, tree, versions_from_span
    from tfxkit.runs.metadata import read_graph

    try:
        graph = read_graph(outputs.metadata)
    except StorageError as error:
        raise UsageError(
            f"{error}\nA run replaces a damaged file and keeps it aside: {outputs.command('run')}\n"
            "The served model stays the same, and carries its schema, configuration and statistics."
        ) from error
    # A file or another program gets each fact in one line.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else NO_END)
    if args.span is None:
        lineage = trace(graph, outputs, args.version)
        shown: Any = tree(lineage)
        plain = dataclasses.asdict(lineage)
    else:
        versions = versions_from_span(graph, outputs, args.span)
        shown = table(versions)
        plain = {
            "span": args.span,
            "versions": [{**dataclasses.asdict(version), "by": by} for version, by in versions],
        }
    if args.json:
        print(json.dumps(plain, indent=2))
    else:
        console.print(shown)
    return 0
