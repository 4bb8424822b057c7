"""Screen of a run: a live line for each step, then metrics, outcome and next command.

Without a terminal the same lines are printed plain, one for each step when it ends.
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

_STEP_STYLES = {
    State.RUN: "green",
    State.CACHED: "cyan",
    State.FAILED: "bold red",
    State.INTERRUPTED: "yellow",
    State.SKIPPED: "dim",
}
TONE_STYLES = {"good": "bold green", "bad": "bold red", "plain": "bold"}
# Texts of thresholds, by the kind of check in `tfxkit.components.evaluator.evaluation`.
THRESHOLD_TEXTS = {"min": "≥ {min:g}", "max": "≤ {max:g}", "change": "≤ {max_worsening:g} worse"}
_MOST_LINES = 5
_STARTING = "starting"


class TrainingProgress(logging.Handler):
    """Newest epoch in the log of a training (records of `tfxkit.training`)."""

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
    """List of the steps, redrawn as they start and end. A context manager."""

    def __init__(self, stream: TextIO) -> None:
        """Draws on a stream; live if that is a terminal."""
        self.console = Console(file=stream, highlight=False)
        self._rows: list[tuple[Text, ...]] = []
        self._running: dict[str, float] = {_STARTING: time.monotonic()}  # since when, in seconds
        self._progress = TrainingProgress()
        self._live = (
            Live(
                get_renderable=self._draw,
                console=self.console,
                refresh_per_second=5,
                redirect_stdout=False,  # messages of libraries go to the log, not above the steps
                redirect_stderr=False,
            )
            if self.console.is_terminal
            else None
        )

    def __enter__(self) -> StepDisplay:
        """Starts drawing, and following the log of the training."""
        logging.getLogger(tfxkit.training.__name__).addHandler(self._progress)
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops drawing; the list stays on the screen."""
        logging.getLogger(tfxkit.training.__name__).removeHandler(self._progress)
        self._running.clear()
        if self._live:
            self._live.stop()

    def start(self, name: str) -> None:
        """Adds a step that starts; others may be running."""
        self._running.pop(_STARTING, None)
        self._running[name] = time.monotonic()

    def end(self, step: Step) -> None:
        """Shows the end of a step."""
        mark, style = STEPS[step.state].mark, _STEP_STYLES[step.state]
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
    """Prints metrics with thresholds and baseline, the outcome, and the next commands of a run."""
    console.print()
    if summary.left_out:
        console.print(Text(f"{summary.left_out:,} rows without a label were left out.", "yellow"))
    for line in summary.data_gate[:_MOST_LINES]:
        console.print(Text(f"DataGate let pass: {line}", "yellow"), soft_wrap=True)
    if summary.metrics:
        console.print(_metrics_table(summary))
        for name, rows in summary.sampled.items():
            sentence = f"{name} was measured on a uniform sample of {rows:,} rows."
            console.print(Text(sentence, "dim"), soft_wrap=True)
        for check in summary.thresholds:
            if not check.passed or _threshold_kind(check) not in THRESHOLD_TEXTS:
                mark, style = ("✓", "green") if check.passed else ("✗", "red")
                console.print(Text(f"{mark} {check.detail}", style), soft_wrap=True)
    if summary.serving_check:
        console.print(_serving_check(summary.serving_check), soft_wrap=True)
    if summary.baseline and not summary.baseline.version:
        reason = summary.baseline.reason or ""
        sentence = f"No baseline: {reason[:1].lower()}{reason[1:]}"
        console.print(Text(sentence, "dim"), soft_wrap=True)
    for warning in summary.warnings:
        console.print(Text(f"! {warning}", "yellow"), soft_wrap=True)
    if summary.metrics or summary.warnings:
        console.print()
    console.print(_outcome(summary, outputs), soft_wrap=True)
    run_dir = shown(outputs.runs / summary.run_id)
    console.print(Text(f"Run {summary.run_id}: {run_dir}", "dim"), soft_wrap=True)


def _metrics_table(summary: Summary) -> Table:
    baseline = summary.baseline.metrics if summary.baseline else {}
    configured = summary.configured_thresholds()
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
            Text(text.format(**configured[name]), "green" if check.passed else "red")
            for check in summary.thresholds
            if check.name.startswith(f"{name}: ") and name in configured
            if (text := THRESHOLD_TEXTS.get(_threshold_kind(check)))
        ]
        row = [Text(name), Text(_number(value))]
        row += [Text(_number(baseline.get(name)))] if baseline else []
        table.add_row(*row, Text(", ").join(texts))
    return table


def _threshold_kind(check: Check) -> str:
    return check.name.rpartition(": ")[2]


def _serving_check(result: dict[str, Any]) -> Text:
    if not result["blessed"]:
        return Text(f"✗ serving check: {result['reason']}", "red")
    return Text(
        f"✓ serving check: loaded in {result['load_seconds']:.1f} s, one row takes "
        f"{result['latency_ms']:.1f} ms, {result['peak_memory_mb']:.0f} MB",
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
