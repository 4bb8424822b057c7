"""Serve the model again that was served before, or an earlier version that you name.

Its content is pushed once more, under a new and thus highest number; nothing is removed. It is
recorded in ML Metadata.
"""

from __future__ import annotations

import argparse

from pipeline.options import add_config_options, add_serving_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    parser.add_argument(
        "version", metavar="VERSION", type=int, nargs="?", help="(default: the model before)"
    )
    add_serving_option(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Rolls back; returns 0."""
    from pipeline.restoring.command import serve_again

    return serve_again(args, "Rollback")
