"""Serve the previous model again, or any pushed version that you name.

Its content is pushed once more, under a new and thus highest number; nothing is removed. It is
recorded in ML Metadata.
"""

from __future__ import annotations

import argparse

from tfxkit.options import add_config_options, add_serving_option, pipeline_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument(
        "version", metavar="VERSION", type=int, nargs="?", help="(default: the model before)"
    )
    add_serving_option(parser)
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Rolls back; returns 0, also if the named version is the model that is served."""
    from tfxkit.runs.run_log import captured

    outputs = pipeline_outputs(args)
    serving_dir = args.serving or str(outputs.serving)
    with outputs.lock(), captured(outputs.root / "versions.log") as terminal:
        from tfxkit.runs.rollback import serve_again, version_to_roll_back_to

        version = version_to_roll_back_to(outputs, serving_dir, args.version)
        if version is None:
            terminal.write(f"The model of version {args.version} is the one that is served.\n")
            return 0
        terminal.write(serve_again(outputs, serving_dir, version))
    return 0
