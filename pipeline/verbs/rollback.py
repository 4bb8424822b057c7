"""Serve the model again that was served before, or an earlier version that you name.

Its content is pushed once more, under a new and thus highest number; nothing is removed. It is
recorded in ML Metadata.
"""

from __future__ import annotations

import argparse

from pipeline.options import add_config_options, add_serving_option, load_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    parser.add_argument(
        "version", metavar="VERSION", type=int, nargs="?", help="(default: the model before)"
    )
    add_serving_option(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Rolls back; returns 0."""
    from pipeline.run_log import captured

    outputs = load_outputs(args)
    serving_dir = args.serving or str(outputs.serving)
    with outputs.lock(), captured(outputs.root / "versions.log") as terminal:
        from pipeline.restoring import choice, publication

        version = choice.for_rollback(serving_dir, args.version)
        told = publication.serve_again(
            "Rollback",
            serving_dir,
            version,
            pipeline=outputs.root.name,
            metadata_file=outputs.metadata,
        )
        terminal.write(told)
    return 0
