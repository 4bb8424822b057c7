"""Tell what a pushed model came from; with --span, which pushed models came from a span."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.options import add_config_options, load_outputs
from tfxkit.errors import StorageError, UsageError

NO_END = 10_000  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
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

    from pipeline.silence import import_tensorflow

    outputs = load_outputs(args)
    import_tensorflow()
    from pipeline.lineage import graph, origin, spans, text

    try:
        everything = graph.read(outputs.metadata)
    except StorageError as error:
        raise UsageError(
            f"{error}\nA run sets a damaged file aside and begins another: python -m pipeline run\n"
            "What is served stays as it is, and carries its schema, configuration and statistics."
        ) from error
    # A file or another program gets each fact in one line.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else NO_END)
    if args.span is None:
        found = origin.trace(everything, outputs, args.version)
        shown: Any = text.tree(found)
        plain = dataclasses.asdict(found)
    else:
        versions = spans.came_from(everything, outputs, args.span)
        shown = text.table(versions)
        plain = {
            "span": args.span,
            "versions": [{**dataclasses.asdict(one), "by": by} for one, by in versions],
        }
    if args.json:
        print(json.dumps(plain, indent=2))
    else:
        console.print(shown)
    return 0
