"""The first screen: the outcome of the run, and the comparison with the served model."""

from __future__ import annotations

import dataclasses

from tfxkit.report import formatting
from tfxkit.report.quality import MetricRow, metric_rows
from tfxkit.report.run import Run
from tfxkit.runs.outcome import outcome_of
from tfxkit.runs.summary import State, Status, Summary

KEY_NUMBERS = 4


@dataclasses.dataclass(frozen=True)
class VerdictSection:
    """Section `verdict` of the page.

    Attributes:
        tone: `good`, `bad`, or `plain`: for the colour, which never stands alone.
        headline: The answer, in a few words.
        sentence: The answer with its reason.
        details: The error as the terminal showed it; may have several lines.
        numbers: The deciding metrics.
        failed: The missed thresholds, in words.
    """

    tone: str
    headline: str
    sentence: str
    details: str
    numbers: tuple[MetricRow, ...]
    failed: tuple[str, ...]


def build_verdict(run: Run) -> VerdictSection:
    """Builds the section."""
    rows = metric_rows(run)
    summary = run.summary
    outcome = outcome_of(summary)
    failed = [check.detail for check in summary.thresholds if not check.passed]
    if summary.serving_check and not summary.serving_check["blessed"]:
        failed.append(f"Serving check: {summary.serving_check['reason']}")
    return VerdictSection(
        tone=outcome.tone,
        headline=outcome.headline,
        sentence=_sentence(run, rows, outcome.note),
        details=summary.error or "",
        numbers=tuple(rows[:KEY_NUMBERS]),
        failed=tuple(failed),
    )


def _sentence(run: Run, rows: list[MetricRow], note: str) -> str:  # noqa: PLR0911
    """Gives the reason for the outcome, or the next command."""
    summary = run.summary
    version = (summary.pushed_path or "").rpartition("/")[2]
    resume = run.outputs.command("resume")
    match summary.status:
        case Status.PUSHED:
            checked = ", and the serving check passed" if summary.serving_check else ""
            reason = f"{_thresholds_hold(summary)}{checked}. {_compared(run, rows)}"
            return f"Pushed as version {version}: {reason}"
        case Status.ALREADY_SERVED:
            return f"{note} Version {version} has the same fingerprint."
        case Status.NOT_BLESSED:
            return f"{_refusal(summary)} {_compared(run, rows)}"
        case Status.FAILED:
            step = next((s.name for s in summary.steps if s.state == State.FAILED), None)
            return f"{step} failed. {note}" if step else note
        case Status.DONE:
            if last := summary.arguments.get("to"):
                return f"Ended after {last}, as requested."
            return f"Nothing was pushed. {_compared(run, rows)}"
        case Status.INTERRUPTED:
            return f"{note} Resume with: {resume}"
        case Status.RUNNING:
            return f"{note} If it was killed, resume with: {resume}"
        case _:
            return note


def _thresholds_hold(summary: Summary) -> str:
    checked = len(summary.thresholds)
    few = {0: "it is held to no threshold", 1: "its one threshold holds", 2: "both thresholds hold"}
    return few.get(checked, f"all {checked} thresholds hold")


def _refusal(summary: Summary) -> str:
    failed = [check.detail for check in summary.thresholds if not check.passed]
    if failed:
        more = (
            f", and {formatting.count(len(failed) - 1, 'more threshold')} missed"
            if failed[1:]
            else ""
        )
        return f"{failed[0][0].upper()}{failed[0][1:]}{more}."
    if summary.serving_check and not summary.serving_check["blessed"]:
        reason = summary.serving_check["reason"]
        return f"Its metrics are good enough, but it cannot be served: {reason}"
    return "It was not approved."


def _compared(run: Run, rows: list[MetricRow]) -> str:
    """Compares with the served model, by the first metric with a direction."""
    baseline = run.summary.baseline
    if baseline is None:
        return ""
    if baseline.version is None:
        return (
            f"There is nothing to compare with: {run.shorten_paths(_lower(baseline.reason or ''))}"
        )
    if run.is_served:
        return f"It is version {baseline.version} itself, which was being served."
    row = next((r for r in rows if r.has_direction and None not in (r.value, r.served)), None)
    if row is None or row.value is None or row.served is None:
        return f"It cannot be compared with version {baseline.version}."
    change = row.value - row.served
    better = change > 0 if row.better == "higher" else change < 0
    amount = f"{formatting.title(row.name)} {formatting.signed(change)}"
    if row.change is None:
        word = "Better" if better else "Worse"
        return f"{word} than version {baseline.version}, which was served before: {amount}."
    low_to_high = formatting.interval(row.change.low, row.change.high, change=True)
    comparison = {
        "better": "Better than",
        "worse": "Worse than",
        "unclear": "Not clearly better or worse than",
    }[row.moved]
    return (
        f"{comparison} version {baseline.version}, which was served before: {amount} "
        f"(95% interval {low_to_high})."
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
