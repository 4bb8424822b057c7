"""Show one run: its steps, metrics, thresholds and outcome."""

from __future__ import annotations

import argparse

from tfxkit.options import add_config_options, pipeline_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument(
        "name", metavar="RUN", nargs="?", default="latest", help="run id, or its beginning (latest)"
    )
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the run; returns 0."""
    import sys

    from tfxkit.runs.outcome import KILLED, label_of, last_words
    from tfxkit.runs.outputs import LOG_FILE
    from tfxkit.runs.summary import find_run
    from tfxkit.runs.terminal import StepDisplay, print_result

    outputs = pipeline_outputs(args)
    summary = find_run(outputs, args.name)
    with StepDisplay(sys.stdout) as display:
        for step in summary.steps:
            display.end(step)
    if label_of(outputs, summary) == KILLED:
        log = outputs.runs / summary.run_id / LOG_FILE
        advice = last_words(log, outputs) or f"Resume with: {outputs.command('resume')}"
        print(f"\nThis run was killed. {advice}")
        return 0
    print_result(display.console, summary, outputs)
    return 0
