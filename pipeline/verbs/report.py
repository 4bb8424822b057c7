"""Open the report of a run in the browser, and print where it is.

Written anew if it is not there (the run was killed), or if the model card has been edited since.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.options import add_config_options, find_run, load_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    parser.add_argument(
        "name", metavar="RUN", nargs="?", default="latest", help="run id, or its beginning (latest)"
    )
    parser.add_argument("--no-open", action="store_true", help="only print where it is")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Opens the page; returns 0."""
    import webbrowser

    outputs = load_outputs(args)
    summary = find_run(outputs, args.name)
    run_dir = outputs.runs / summary.run_id
    file = run_dir / "report.html"
    card = Path(summary.arguments["config_dir"], "model_card.yaml")
    if not file.exists() or (card.exists() and card.stat().st_mtime > file.stat().st_mtime):
        from pipeline.run_log import captured

        with captured(run_dir / "run.log"):
            from pipeline.report import writing

            try:
                file = writing.write(run_dir, outputs)
            except (OSError, KeyError, ValueError) as error:
                first_line = str(error).partition("\n")[0]
                raise UsageError(
                    f"The report of {summary.run_id} cannot be written: {first_line}"
                ) from error
    print(file, flush=True)
    if not args.no_open and _has_screen():
        webbrowser.open(file.as_uri())
    return 0


def _has_screen() -> bool:
    """Without one, the browser that would be found is one for the terminal, and would take it."""
    import os
    import sys

    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
