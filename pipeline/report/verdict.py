"""The first screen: is this model better than the one being served, and may it go out?"""

from __future__ import annotations

import dataclasses

from pipeline.report import words
from pipeline.report.metric_rows import MetricRow, metric_rows
from pipeline.report.run import Run
from pipeline.summary import Status, Summary

KEY_NUMBERS = 4


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the page says first.

    Attributes:
        tone: `good`, `bad`, or `plain`: for the colour, which says nothing alone.
        headline: The answer, in a few words.
        sentence: The answer with its reason.
        details: What went wrong, as the terminal had it; may have several lines.
        numbers: The metrics that decide.
        failed: The bounds that do not hold, in words.
    """

    tone: str
    headline: str
    sentence: str
    details: str
    numbers: tuple[MetricRow, ...]
    failed: tuple[str, ...]


def make(run: Run) -> Verdict:
    """Says what came of the run."""
    rows = metric_rows(run)
    summary = run.summary
    tone, headline, sentence = _answer(run, rows)
    failed = [check.detail for check in summary.thresholds if not check.passed]
    if summary.serving_check and not summary.serving_check["blessed"]:
        failed.append(f"Serving check: {summary.serving_check['reason']}")
    return Verdict(
        tone=tone,
        headline=headline,
        sentence=sentence,
        details=summary.error or "",
        numbers=tuple(rows[:KEY_NUMBERS]),
        failed=tuple(failed),
    )


def _answer(run: Run, rows: list[MetricRow]) -> tuple[str, str, str]:  # noqa: PLR0911
    summary = run.summary
    version = (summary.pushed_path or "").rpartition("/")[2]
    match summary.status:
        case Status.PUSHED:
            why = f"{_bounds_hold(summary)}, and the serving check passed. {_compared(run, rows)}"
            return (
                "good",
                "It may go out, and has been pushed",
                f"Pushed as version {version}: {why}",
            )
        case Status.ALREADY_SERVED:
            sentence = f"Nothing had to be pushed: version {version} has the same fingerprint."
            return "good", "This is the model being served", sentence
        case Status.NOT_BLESSED:
            return "bad", "It may not go out", f"{_why_not(summary)} {_compared(run, rows)}"
        case Status.STOPPED:
            stays = "No model was trained; what is served stays as it is."
            return "bad", "Stopped because of the data", stays
        case Status.FAILED:
            step = next((s.name for s in summary.steps if s.state == "failed"), None)
            where = f"{step} failed" if step else "The run failed"
            return "bad", "The run failed", f"{where}; what is served stays as it is."
        case Status.DONE:
            last = summary.arguments.get("to")
            sentence = (
                f"It was to end with {last}: nothing was pushed." if last else _compared(run, rows)
            )
            return "plain", "The chosen steps are done", sentence
        case Status.INTERRUPTED:
            go_on = "Finished steps are kept; python -m pipeline resume goes on."
            return "plain", "Interrupted", go_on
        case _:
            go_on = "It said nothing of its end: it is running, or was killed. "
            return "plain", "Not finished", go_on + "If it was killed, resume goes on."


def _bounds_hold(summary: Summary) -> str:
    checked = len(summary.thresholds)
    few = {0: "it is held to no bound", 1: "its one bound holds", 2: "both bounds hold"}
    return few.get(checked, f"all {checked} bounds hold")


def _why_not(summary: Summary) -> str:
    failed = [check.detail for check in summary.thresholds if not check.passed]
    if failed:
        more = f", and {words.count(len(failed) - 1, 'more bound')} missed" if failed[1:] else ""
        return f"{failed[0][0].upper()}{failed[0][1:]}{more}."
    if summary.serving_check and not summary.serving_check["blessed"]:
        why = summary.serving_check["reason"]
        return f"Its metrics are good enough, but it cannot be served: {why}"
    return "It was not blessed."


def _compared(run: Run, rows: list[MetricRow]) -> str:
    """Better or worse than what is served, by the metric that comes first."""
    baseline = run.summary.baseline
    if baseline is None:
        return ""
    if baseline.version is None:
        return f"There is nothing to compare with: {run.shown(_lower(baseline.reason or ''))}"
    if run.is_served:
        return f"It is version {baseline.version} itself, which was being served."
    row = next((r for r in rows if r.has_direction and None not in (r.value, r.served)), None)
    if row is None or row.value is None or row.served is None:
        return f"It cannot be compared with version {baseline.version}."
    change = row.value - row.served
    better = change > 0 if row.better == "higher" else change < 0
    amount = f"{words.title(row.name)} {words.signed(change)}"
    if row.change is None:
        word = "Better" if better else "Worse"
        return f"{word} than version {baseline.version}, which was served before: {amount}."
    where = f"95% interval {words.interval(row.change.low, row.change.high, change=True)}"
    said = {
        "better": "Better than",
        "worse": "Worse than",
        "unclear": "Not clearly better or worse than",
    }[row.moved]
    return f"{said} version {baseline.version}, which was served before: {amount} ({where})."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
