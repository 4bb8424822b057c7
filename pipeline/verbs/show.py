"""Show one run: its steps, metrics, bounds and verdict."""

from __future__ import annotations

import argparse

from pipeline.options import KILLED, add_config_options, find_run, load_outputs, shown_status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    parser.add_argument(
        "name", metavar="RUN", nargs="?", default="latest", help="run id, or its beginning (latest)"
    )
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the run; returns 0."""
    import sys

    from pipeline.explanation import last_words
    from pipeline.terminal import StepDisplay, print_result

    outputs = load_outputs(args)
    summary = find_run(outputs, args.name)
    with StepDisplay(sys.stdout) as display:
        for step in summary.steps:
            display.end(step)
    if shown_status(outputs, summary) == KILLED:
        run_dir = outputs.runs / summary.run_id
        advice = last_words(run_dir / "run.log") or "Go on with: python -m pipeline resume"
        print(f"\nThis run was killed. {advice}")
        return 0
    print_result(display.console, summary, str(outputs.runs / summary.run_id))
    return 0
