"""List the runs: start, outcome, data, metrics and duration of each."""

from __future__ import annotations

import argparse

from tfxkit.options import add_config_options, pipeline_outputs

MOST_METRICS = 3  # more do not fit into 80 characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the table; returns 0."""
    from rich.console import Console
    from rich.table import Table

    from tfxkit.runs import summary
    from tfxkit.runs.outcome import label_of

    outputs = pipeline_outputs(args)
    history = summary.history(outputs.runs)
    if not history:
        print(f"No runs in {outputs.runs} yet: {outputs.command('run')}")
        return 0
    # The metrics that decide: those that the newest run holds to bounds.
    names = list(history[-1].bounds())[:MOST_METRICS]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("run", "status", "spans", "blessed"):
        table.add_column(heading, no_wrap=True)
    for heading in (*names, "seconds"):
        table.add_column(heading.replace("_", " "), justify="right")
    for one in history:
        values = [one.metrics.get(name) for name in names]
        table.add_row(
            one.run_id,
            label_of(outputs, one),
            _ranges(one.spans),
            {True: "yes", False: "no", None: "–"}[one.blessed],
            *("–" if value is None else f"{value:.4g}" for value in values),
            f"{one.seconds:.0f}",
        )
    Console(highlight=False).print(table)
    return 0


def _ranges(spans: tuple[int, ...]) -> str:
    if not spans:
        return "–"
    consecutive = len(spans) > 1 and spans[-1] - spans[0] == len(spans) - 1
    return f"{spans[0]}–{spans[-1]}" if consecutive else ", ".join(map(str, spans))
