"""Open the report of a run in the browser, and print where it is.

Written anew if it is not there (the run was killed), or if the model card has been edited since.
With --compare, a page that sets two runs side by side; the terminal shows it in short.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.errors import UsageError
from tfxkit.options import add_config_options, pipeline_outputs
from tfxkit.runs.outputs import LOG_FILE, REPORT_FILE

if TYPE_CHECKING:
    from tfxkit.runs.outputs import Outputs

NO_END = 10_000  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "name", metavar="RUN", nargs="?", default="latest", help="run id, or its beginning (latest)"
    )
    which.add_argument(
        "--compare", nargs=2, metavar="RUN", help="two runs side by side, in any order"
    )
    parser.add_argument("--no-open", action="store_true", help="only print where it is")
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Opens the page; returns 0."""
    import webbrowser

    outputs = pipeline_outputs(args)
    file = _compared(outputs, args.compare) if args.compare else _report(outputs, args.name)
    print(file, flush=True)
    if not args.no_open and _has_screen():
        webbrowser.open(file.as_uri())
    return 0


def _report(outputs: Outputs, name: str) -> Path:
    from tfxkit.runs.summary import find_run

    summary = find_run(outputs, name)
    run_dir = outputs.runs / summary.run_id
    file = run_dir / REPORT_FILE
    card = Path(summary.arguments["config_dir"], "model_card.yaml")
    if not file.exists() or (card.exists() and card.stat().st_mtime > file.stat().st_mtime):
        from tfxkit.runs.run_log import captured

        with captured(run_dir / LOG_FILE):
            from tfxkit.report.page import write_report

            try:
                file = write_report(run_dir, outputs)
            except (OSError, KeyError, ValueError) as error:
                raise _unwritten(f"The report of {summary.run_id}", error) from error
    return file


def _compared(outputs: Outputs, names: list[str]) -> Path:
    from rich.console import Console

    from tfxkit.runs.run_log import captured
    from tfxkit.runs.summary import find_run, history

    if len(history(outputs.runs)) == 1:
        raise UsageError(f"There is only one run in {outputs.runs}: {outputs.command('run')}")
    one, other = (find_run(outputs, name) for name in names)
    # What libraries say goes into the log of a run; both are over, so the one named last will do.
    with captured(outputs.runs / other.run_id / LOG_FILE) as terminal:
        from tfxkit.report.comparison import compare, terminal_summary, write_comparison
        from tfxkit.report.run import RunPair

        pair = RunPair.read(one, other, outputs)
        try:
            comparison = compare(pair)
            file = write_comparison(comparison)
        except (OSError, KeyError, ValueError) as error:
            raise _unwritten("The comparison", error) from error
        width = None if terminal.isatty() else NO_END  # a file gets each fact in one line
        Console(file=terminal, highlight=False, width=width).print(terminal_summary(comparison))
        terminal.flush()
    return file


def _unwritten(what: str, error: Exception) -> UsageError:
    first_line = str(error).partition("\n")[0]
    return UsageError(f"{what} cannot be written: {first_line}")


def _has_screen() -> bool:
    """Without one, the browser that would be found is one for the terminal, and would take it."""
    import os
    import sys

    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
