"""Subcommands about past runs: `runs`, `show`, `report` and `clean`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tfxkit.commands import (
    UNLIMITED_WIDTH,
    Subcommand,
    add_config_options,
    config_selection,
    pipeline_outputs,
)
from tfxkit.errors import UsageError
from tfxkit.runs.outputs import LOG_FILE, REPORT_FILE

if TYPE_CHECKING:
    from tfxkit.runs.outputs import Outputs


_MOST_METRICS = 3  # more do not fit into 80 characters


def _add_runs_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_options(parser)


def list_runs(args: argparse.Namespace) -> int:
    """Prints a table of the runs; returns 0."""
    from rich.console import Console
    from rich.table import Table

    from tfxkit.runs import summary
    from tfxkit.runs.outcome import label_of

    outputs = pipeline_outputs(args)
    history = summary.history(outputs.runs)
    if not history:
        print(f"No runs in {outputs.runs} yet: {outputs.command('run')}")
        return 0
    # The metrics that decide: those with thresholds in the newest run.
    names = list(history[-1].configured_thresholds())[:_MOST_METRICS]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("run", "status", "spans", "approved"):
        table.add_column(heading, no_wrap=True)
    for heading in (*names, "seconds"):
        table.add_column(heading.replace("_", " "), justify="right")
    for run in history:
        values = [run.metrics.get(name) for name in names]
        table.add_row(
            run.run_id,
            label_of(outputs, run),
            _ranges(run.spans),
            {True: "yes", False: "no", None: "–"}[run.blessed],
            *("–" if value is None else f"{value:.4g}" for value in values),
            f"{run.seconds:.0f}",
        )
    Console(highlight=False).print(table)
    return 0


def _ranges(spans: tuple[int, ...]) -> str:
    if not spans:
        return "–"
    consecutive = len(spans) > 1 and spans[-1] - spans[0] == len(spans) - 1
    return f"{spans[0]}–{spans[-1]}" if consecutive else ", ".join(map(str, spans))


def _add_show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="RUN", nargs="?", default="latest", help="run id, or its beginning (latest)"
    )
    add_config_options(parser)


def show_run(args: argparse.Namespace) -> int:
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


_REPORT = """\
Open the report of a run in the browser, and print where it is.

Rewrites a missing or outdated report: of a killed run, or after an edit of the model card.
With --compare, a page that sets two runs side by side; the terminal shows it in short.
"""


def _add_report_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "name", metavar="RUN", nargs="?", default="latest", help="run id, or its beginning (latest)"
    )
    group.add_argument(
        "--compare", nargs=2, metavar="RUN", help="two runs side by side, in any order"
    )
    parser.add_argument("--no-open", action="store_true", help="only print where it is")
    add_config_options(parser)


def open_report(args: argparse.Namespace) -> int:
    """Opens the report of a run, or a comparison of two; returns 0."""
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
    first, second = (find_run(outputs, name) for name in names)
    # Messages of libraries go to the log of a run; both runs are over, so either log will do.
    with captured(outputs.runs / second.run_id / LOG_FILE) as terminal:
        from tfxkit.report.comparison import compare, terminal_summary, write_comparison
        from tfxkit.report.run import RunPair

        pair = RunPair.read(first, second, outputs)
        try:
            comparison = compare(pair)
            file = write_comparison(comparison)
        except (OSError, KeyError, ValueError) as error:
            raise _unwritten("The comparison", error) from error
        width = None if terminal.isatty() else UNLIMITED_WIDTH  # a file gets each fact in one line
        Console(file=terminal, highlight=False, width=width).print(terminal_summary(comparison))
        terminal.flush()
    return file


def _unwritten(page: str, error: Exception) -> UsageError:
    first_line = str(error).partition("\n")[0]
    return UsageError(f"{page} cannot be written: {first_line}")


def _has_screen() -> bool:
    """True with a graphical screen: otherwise a text browser would take over the terminal."""
    import os
    import sys

    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


_CLEAN = """\
Remove the outputs of runs: artifacts, metadata, runs and checkpoints; with --all, models too.

Pushed models stay unless --all is given. Pushed versions include their provenance, so the next run
still compares with them.

--keep N removes all but the newest N runs and the newest N pushed models, with their artifacts. The
provenance of kept models is kept. Without N the numbers are those of the configuration:
retention.runs, retention.pushed_models.
"""


def _add_clean_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_options(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--all", action="store_true", help="the pushed models as well")
    group.add_argument(
        "--keep",
        type=_count,
        nargs="?",
        const=0,
        metavar="N",
        help="keep the newest N runs and pushed models (default: retention.*)",
    )
    parser.add_argument("--yes", action="store_true", help="skip the confirmation")


def clean(args: argparse.Namespace) -> int:
    """Removes outputs of runs; returns 0, or 1 if the user refused."""
    import shutil

    if args.keep is not None:
        return _remove_old(args)
    outputs = pipeline_outputs(args)
    paths = [outputs.artifacts, outputs.metadata, outputs.runs, outputs.checkpoints]
    paths += [outputs.root / "schemas", *([outputs.serving] if args.all else [])]
    paths = [path for path in paths if path.exists()]
    if not paths:
        print(f"Nothing to remove in {outputs.root}.")
        return 0
    for path in paths:
        print(path)
    if not args.yes and not _agreed():
        print("Nothing was removed.")
        return 1
    with outputs.lock():
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _remove_old(args: argparse.Namespace) -> int:
    from tfxkit.runs.run_log import captured

    selection = config_selection(args)
    config = selection.load()
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection, config)
    keep_runs = args.keep or config.retention.runs
    keep_models = args.keep or config.retention.pushed_models
    if keep_runs is None and keep_models is None:
        raise UsageError(
            "Pass --keep N, or set retention.runs and retention.pushed_models in the configuration."
        )
    with outputs.lock(), captured(outputs.root / "clean.log") as terminal:
        from tfxkit.runs.retention import plan_removal, remove, total_size

        plan = plan_removal(outputs, keep_runs, keep_models)
        if not plan:
            terminal.write(f"Nothing to remove in {outputs.root}.\n")
            return 0
        for folder in (*plan.runs, *plan.versions):
            terminal.write(f"{folder}\n")
        terminal.write(f"{len(plan.artifacts)} artifacts, {total_size(plan.artifacts)}\n")
        if not args.yes and not _agreed(terminal):
            terminal.write("Nothing was removed.\n")
            return 1
        remove(plan, outputs)
    return 0


def _agreed(terminal: TextIO | None = None) -> bool:
    print("Remove these? [y/N] ", end="", file=terminal, flush=True)
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        raise UsageError("\nNot a terminal: pass --yes to confirm.") from None


SUBCOMMANDS = (
    Subcommand(
        "runs",
        "List the runs: start, outcome, data, metrics and duration of each.",
        _add_runs_arguments,
        list_runs,
    ),
    Subcommand(
        "show",
        "Show one run: its steps, metrics, thresholds and outcome.",
        _add_show_arguments,
        show_run,
    ),
    Subcommand("report", _REPORT, _add_report_arguments, open_report),
    Subcommand("clean", _CLEAN, _add_clean_arguments, clean),
)
