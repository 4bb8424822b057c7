"""The screen of a run: one live line a step, then the numbers that matter.

Without a terminal the same lines come out plain, one for each step when it is over.
"""

from __future__ import annotations

import logging
import time
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

import tfxkit.training
from tfxkit.evaluation import COUNTS, Check
from tfxkit.runs.outcome import STEPS, outcome_of
from tfxkit.runs.outputs import Outputs, shown
from tfxkit.runs.summary import State, Status, Step, Summary

STEP_STYLES = {
    State.RUN: "green",
    State.CACHED: "cyan",
    State.FAILED: "bold red",
    State.INTERRUPTED: "yellow",
    State.SKIPPED: "dim",
}
TONE_STYLES = {"good": "bold green", "bad": "bold red", "plain": "bold"}
# How the kinds of checks in `tfxkit.components.evaluator.evaluation` are shown beside their metric.
BOUNDS = {"min": "≥ {min:g}", "max": "≤ {max:g}", "change": "≤ {max_worsening:g} worse"}
MOST_LINES = 5
STARTING = "starting"


class Progress(logging.Handler):
    """Keeps the newest epoch that a training logged (records of `tfxkit.training`)."""

    def __init__(self) -> None:
        """Starts with nothing to show."""
        super().__init__(logging.INFO)
        self.epoch = self.epochs = 0
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Takes the numbers from the record's `epoch`, `epochs` and `metrics`."""
        if hasattr(record, "epoch"):
            self.epoch, self.epochs = record.epoch, record.epochs  # type: ignore[attr-defined]
            metrics = getattr(record, "metrics", {})
            self.text = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())


class StepDisplay:
    """The list of steps, drawn anew as they come and go. A context manager."""

    def __init__(self, stream: TextIO) -> None:
        """Draws on a stream; live if that is a terminal."""
        self.console = Console(file=stream, highlight=False)
        self._rows: list[tuple[Text, ...]] = []
        self._running: dict[str, float] = {STARTING: time.monotonic()}  # since when, in seconds
        self._progress = Progress()
        self._live = (
            Live(
                get_renderable=self._draw,
                console=self.console,
                refresh_per_second=5,
                redirect_stdout=False,  # what libraries print goes to the log, not above the steps
                redirect_stderr=False,
            )
            if self.console.is_terminal
            else None
        )

    def __enter__(self) -> StepDisplay:
        """Starts drawing, and listening to the training."""
        logging.getLogger(tfxkit.training.__name__).addHandler(self._progress)
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last picture standing."""
        logging.getLogger(tfxkit.training.__name__).removeHandler(self._progress)
        self._running.clear()
        if self._live:
            self._live.stop()

    def start(self, name: str) -> None:
        """A step begins; others may be running."""
        self._running.pop(STARTING, None)
        self._running[name] = time.monotonic()

    def end(self, step: Step) -> None:
        """A step is over."""
        mark, style = STEPS[step.state].mark, STEP_STYLES[step.state]
        word = "" if step.state == State.RUN else STEPS[step.state].word
        seconds = "" if step.state == State.SKIPPED else f"{step.seconds:6.1f} s"
        self._rows.append((Text(mark, style), Text(step.name), Text(seconds), Text(word, "dim")))
        self._running.pop(step.name, None)
        if not self._live:
            self.console.print(f"{mark} {step.name:<22}{seconds:>9}  {word}".rstrip())

    def _draw(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for row in self._rows:
            table.add_row(*row)
        for name, since in list(self._running.items()):  # another thread changes them
            seconds = Text(f"{time.monotonic() - since:6.1f} s")
            table.add_row(Text("▸", "yellow"), Text(name, "bold"), seconds, self._training(name))
        return Group(table)

    def _training(self, step: str) -> Table | Text:
        progress = self._progress
        if step not in ("Trainer", "Tuner") or not progress.epochs:
            return Text("")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=progress.epochs, completed=progress.epoch, width=20),
            Text(f"epoch {progress.epoch}/{progress.epochs}  {progress.text}", "dim"),
        )
        return bar


def print_result(console: Console, summary: Summary, outputs: Outputs) -> None:
    """The end of a run: metrics with thresholds and baseline, the outcome, the next commands."""
    console.print()
    if summary.left_out:
        console.print(Text(f"{summary.left_out:,} rows without a label were left out.", "yellow"))
    for line in summary.data_gate[:MOST_LINES]:
        console.print(Text(f"DataGate let pass: {line}", "yellow"), soft_wrap=True)
    if summary.metrics:
        console.print(_metrics_table(summary))
        for name, rows in summary.sampled.items():
            told = f"{name} was measured on a uniform sample of {rows:,} rows."
            console.print(Text(told, "dim"), soft_wrap=True)
        for check in summary.thresholds:
            if not check.passed or _kind(check) not in BOUNDS:
                mark, style = ("✓", "green") if check.passed else ("✗", "red")
                console.print(Text(f"{mark} {check.detail}", style), soft_wrap=True)
    if summary.serving_check:
        console.print(_serving_check(summary.serving_check), soft_wrap=True)
    if summary.baseline and not summary.baseline.version:
        reason = f"Nothing to compare with: {summary.baseline.reason}"
        console.print(Text(reason, "dim"), soft_wrap=True)
    for warning in summary.warnings:
        console.print(Text(f"! {warning}", "yellow"), soft_wrap=True)
    if summary.metrics or summary.warnings:
        console.print()
    console.print(_outcome(summary, outputs), soft_wrap=True)
    run_dir = shown(outputs.runs / summary.run_id)
    console.print(Text(f"Run {summary.run_id}: {run_dir}", "dim"), soft_wrap=True)


def _metrics_table(summary: Summary) -> Table:
    baseline = summary.baseline.metrics if summary.baseline else {}
    bounds = summary.bounds()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(f"metric ({summary.evaluated_rows:,} rows)")
    table.add_column("this model", justify="right")
    if baseline:
        table.add_column("served now", justify="right")
    table.add_column("thresholds")
    for name, value in summary.metrics.items():
        if name in COUNTS:
            continue
        texts = [
            Text(BOUNDS[_kind(check)].format(**bounds[name]), "green" if check.passed else "red")
            for check in summary.thresholds
            if check.name.startswith(f"{name}: ") and _kind(check) in BOUNDS and name in bounds
        ]
        row = [Text(name), Text(_number(value))]
        row += [Text(_number(baseline.get(name)))] if baseline else []
        table.add_row(*row, Text(", ").join(texts))
    return table


def _kind(check: Check) -> str:
    return check.name.rpartition(": ")[2]


def _serving_check(found: dict[str, Any]) -> Text:
    if not found["blessed"]:
        return Text(f"✗ serving check: {found['reason']}", "red")
    return Text(
        f"✓ serving check: loaded in {found['load_seconds']:.1f} s, one row takes "
        f"{found['latency_ms']:.1f} ms, {found['peak_memory_mb']:.0f} MB",
        "green",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _outcome(summary: Summary, outputs: Outputs) -> Text:
    outcome = outcome_of(summary)
    seconds = "" if summary.status == Status.RUNNING else f" ({summary.seconds:.0f} s)"
    lines = [*(summary.error or "").splitlines(), *([outcome.note] if outcome.note else [])]
    match summary.status:
        case Status.PUSHED:
            lines += [
                f"Pushed to {summary.pushed_path}",
                f"Predict with it: {outputs.command('predict', 'FILE.csv')}",
                f"Serve it: {outputs.command('serve')}",
            ]
        case Status.ALREADY_SERVED:
            lines += [f"It is in {summary.pushed_path}"]
        case Status.INTERRUPTED:
            lines += [f"Resume with: {outputs.command('resume')}"]
    rest = "".join(f"\n{line}" for line in lines)
    return Text.assemble((f"{outcome.headline}{seconds}.", TONE_STYLES[outcome.tone]), rest)
