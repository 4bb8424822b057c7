"""Result of an evaluation: metrics of TFMA, and a check with its reason for each threshold.

TFMA validates the thresholds on all rows too, with the same outcome, but gives no reason. Its
thresholds for slices (`per_slice_thresholds`) cannot leave small slices out.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tfxkit.config.dataset import Evaluation, Gap, PairedTest, Threshold, WorstSlice
from tfxkit.evaluation import EXAMPLE_COUNT, PAIRED, Check, GapResult, Metrics, SliceResult
from tfxkit.metrics.catalogue import better
from tfxkit.metrics.definition import HIGHER
from tfxkit.metrics.paired import PairedLosses
from tfxkit.storage.filesystems import fileio

RESULT_FILE = "result.json"  # beside TFMA's files


@dataclasses.dataclass(frozen=True)
class MeasuredMetrics:
    """Metrics of both models in TFMA's files, as a whole and by slice."""

    metrics: Metrics
    baseline_metrics: Metrics
    slices: tuple[SliceResult, ...]
    baseline_slices: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)
    paired: tuple[str, PairedLosses] | None = None  # the loss, and what both models have of it


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """Evaluation of a model.

    Attributes:
        metrics: Metrics of the candidate on all rows, by name.
        baseline_metrics: Metrics of the baseline; empty without one.
        slices: Metrics of the candidate by slice, sorted by name.
        gaps: Differences between the groups of slices.
        sampled: Metrics measured on a sample of all rows, and its size.
        checks: Outcome of each threshold.
        blessed: True if there are thresholds and all of them hold.
    """

    metrics: Metrics
    baseline_metrics: Metrics
    slices: tuple[SliceResult, ...]
    gaps: tuple[GapResult, ...]
    sampled: dict[str, int]
    checks: tuple[Check, ...]
    blessed: bool


def write_evaluation(result: EvaluationResult, evaluation_uri: str) -> None:
    """Writes a result into the folder of the Evaluator's `evaluation`."""
    with fileio.open(os.path.join(evaluation_uri, RESULT_FILE), "w") as file:
        file.write(json.dumps(dataclasses.asdict(result), indent=2, sort_keys=True))


def read_evaluation(evaluation_uri: str) -> EvaluationResult:
    """Reads the result from the folder of the Evaluator's `evaluation`."""
    with fileio.open(os.path.join(evaluation_uri, RESULT_FILE), "r") as file:
        content = json.loads(file.read())
    return EvaluationResult(
        metrics=content["metrics"],
        baseline_metrics=content["baseline_metrics"],
        slices=tuple(
            SliceResult(**{**fields, "columns": tuple(fields.get("columns", ()))})
            for fields in content["slices"]
        ),
        gaps=tuple(GapResult(**fields) for fields in content.get("gaps", ())),
        sampled=content.get("sampled", {}),
        checks=tuple(Check(**fields) for fields in content["checks"]),
        blessed=content["blessed"],
    )


def load_metrics(evaluation_uri: str) -> MeasuredMetrics:
    """Loads the metrics from TFMA's files in the folder of the Evaluator's `evaluation`."""
    import tensorflow_model_analysis as tfma

    whole: Metrics = {}
    baseline: Metrics = {}
    slices, baseline_slices = [], {}
    paired = None
    for record in tfma.load_metrics(evaluation_uri):
        name = _slice_name(record.slice_key)
        ours, theirs = (_metrics(record, tfma.BASELINE_KEY, of) for of in (False, True))
        if name:
            examples = int(ours.pop(EXAMPLE_COUNT) or 0)
            columns = tuple(single.column for single in record.slice_key.single_slice_keys)
            slices.append(SliceResult(name, examples, ours, columns))
            baseline_slices[name] = theirs
        else:
            whole, baseline, paired = ours, theirs, _paired(record)
    ordered = tuple(sorted(slices, key=lambda result: result.slice))
    return MeasuredMetrics(whole, baseline, ordered, baseline_slices, paired)


def result_name(key: Any) -> str:
    """Name of a result of TFMA: the metric, and its sub key behind a slash.

    Args:
        key: `MetricKey` of TFMA's protos.
    """
    sub_key = key.sub_key
    parts = [
        f"{field}:{getattr(sub_key, field).value}"
        for field in ("class_id", "k", "top_k")
        if key.HasField("sub_key") and sub_key.HasField(field)
    ]
    return "/".join([key.name, *parts])


def _slice_name(key: Any) -> str:
    parts = []
    for single in key.single_slice_keys:
        value = getattr(single, single.WhichOneof("kind"))
        text = value.decode(errors="replace") if isinstance(value, bytes) else f"{value:g}"
        parts.append(f"{single.column}: {text}")
    return ", ".join(parts)


def _metrics(record: Any, baseline_key: str, of_baseline: bool) -> Metrics:
    """Metrics of one model, without TFMA's differences."""
    metrics: Metrics = {}
    for item in record.metric_keys_and_values:
        key = item.key
        # With one model only, TFMA gives it no name.
        if (key.model_name == baseline_key) == of_baseline and not key.is_diff:
            for name, value in _numbers(result_name(key), item.value):
                metrics[name] = value if math.isfinite(value) else None
    return metrics


def _paired(record: Any) -> tuple[str, PairedLosses] | None:
    """The loss that both models are compared by, and its values; None without a baseline."""
    for item in record.metric_keys_and_values:
        if item.key.name.startswith(PAIRED) and item.value.HasField("array_value"):
            values = PairedLosses(*item.value.array_value.float64_values)
            return item.key.name.removeprefix(PAIRED), values
    return None


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yields a number, or the elements of an array; other values stay in TFMA's files only."""
    match value.WhichOneof("type"):
        case "double_value":
            yield name, value.double_value.value
        case "array_value":
            array = value.array_value
            values = [*array.float32_values, *array.float64_values]
            values += [*array.int32_values, *array.int64_values]
            if len(values) == 1:
                yield name, float(values[0])
            else:
                yield from ((f"{name}/{place}", float(each)) for place, each in enumerate(values))


_NO_THRESHOLDS = Check(
    "bounds",
    passed=False,
    detail="no thresholds are configured (evaluation in configs/dataset.yaml)",
)


def measure_gaps(evaluation: Evaluation, measured: MeasuredMetrics) -> tuple[GapResult, ...]:
    """Measures the configured gaps."""
    return tuple(_gap(gap, measured) for gap in evaluation.gaps)


def apply_thresholds(evaluation: Evaluation, measured: MeasuredMetrics) -> tuple[Check, ...]:
    """Compares metrics with all thresholds.

    Args:
        evaluation: Thresholds.
        measured: Metrics of both models.

    Returns:
        A check for each threshold, and one for the paired test if there is a baseline. An undefined
        metric fails its threshold; without a baseline, thresholds of change hold.
    """
    checks: list[Check] = []
    for name, threshold in evaluation.thresholds.items():
        checks += _overall(name, threshold, measured, better(evaluation, name))
    if (worst := evaluation.worst_slice) is not None:
        checks.append(_worst_slice(worst, measured.slices))
        if worst.max_worsening is not None:
            checks.append(_slice_change(worst, measured, better(evaluation, worst.metric)))
    for gap, result in zip(evaluation.gaps, measure_gaps(evaluation, measured), strict=True):
        if gap.max is not None:
            checks.append(_gap_check(gap, result))
    checks = checks or [_NO_THRESHOLDS]
    if evaluation.paired_test is not None and measured.paired is not None:
        checks.append(_paired_check(evaluation.paired_test, *measured.paired))
    return tuple(checks)


def _overall(
    name: str, threshold: Threshold, measured: MeasuredMetrics, better: str
) -> Iterator[Check]:
    value = measured.metrics.get(name)
    for side in ("min", "max"):
        if (limit := getattr(threshold, side)) is not None:
            yield _limit_check(f"{name}: {side}", f"{name} overall", value, side, limit)
    if threshold.max_worsening is not None:
        yield _change(name, threshold.max_worsening, measured, better)


def _limit_check(name: str, what: str, value: float | None, side: str, limit: float) -> Check:
    """Compares a value with a threshold, whose side is `min` or `max`."""
    wanted = "at least" if side == "min" else "at most"
    if value is None:
        return Check(name, passed=False, detail=f"{what} is not defined, {wanted} {limit:g} wanted")
    passed = value >= limit if side == "min" else value <= limit
    missed = "below" if side == "min" else "above"
    return Check(name, passed, f"{what} is {value:.4g}, {wanted if passed else missed} {limit:g}")


def _change(name: str, max_worsening: float, measured: MeasuredMetrics, better: str) -> Check:
    check_name = f"{name}: change"
    if not measured.baseline_metrics:
        return Check(check_name, passed=True, detail=f"{name}: no baseline to compare with")
    value, before = measured.metrics.get(name), measured.baseline_metrics.get(name)
    if value is None or before is None:
        return Check(check_name, passed=False, detail=f"{name} is not defined for both models")
    worsening = before - value if better == HIGHER else value - before
    passed = worsening <= max_worsening
    change = f"{abs(worsening):.4g} {'worse' if worsening > 0 else 'better'}"
    return Check(
        check_name,
        passed,
        f"{name} is {value:.4g}, {change} than the baseline's {before:.4g}; "
        f"{max_worsening:g} worse is allowed",
    )


def _paired_check(test: PairedTest, loss: str, losses: PairedLosses) -> Check:
    """Refuses a loss whose whole interval lies above what is tolerated."""
    name = f"{loss}: paired test"
    if losses.rows < 2:  # noqa: PLR2004
        return Check(name, True, f"{loss}: too few rows to compare with the baseline")
    low, high = losses.interval(test.confidence)
    if not math.isfinite(low):
        return Check(name, False, f"{loss} is not defined for each row of both models")
    tolerated = test.tolerance * losses.scale()
    passed = low <= tolerated
    change = f"{abs(losses.difference):.4g} {'worse' if losses.difference > 0 else 'better'}"
    measured = (
        f"{loss} is {change} than the baseline's {losses.before:.4g} on the same "
        f"{losses.rows:,.0f} rows ({test.confidence:.0%} interval of the difference {low:+.4g} to "
        f"{high:+.4g})"
    )
    if passed:
        return Check(name, True, f"{measured}; significantly more than {tolerated:.4g} is refused")
    return Check(
        name,
        False,
        f"{measured}, significantly worse than the {tolerated:.4g} that is tolerated; train on "
        "more rows, or change evaluation.paired_test in configs/dataset.yaml",
    )


def _worst_slice(threshold: WorstSlice, slices: tuple[SliceResult, ...]) -> Check:
    name = f"{threshold.metric}: worst slice"
    large = [result for result in slices if result.examples >= threshold.min_examples]
    if not large:
        most = max((result.examples for result in slices), default=0)
        return Check(
            name,
            passed=False,
            detail=f"worst slice: no slice has {threshold.min_examples} rows, the largest has "
            f"{most}; lower evaluation.worst_slice.min_examples, or evaluate on more rows",
        )
    values = [
        (value, result)
        for result in large
        if (value := result.metrics.get(threshold.metric)) is not None
    ]
    if not values:
        return Check(
            name,
            passed=False,
            detail=f"worst slice: {threshold.metric} is not defined in any slice with "
            f"{threshold.min_examples} rows",
        )
    side = "max" if threshold.min is None else "min"
    value, worst = (max if side == "max" else min)(values, key=lambda pair: pair[0])
    what = f"{threshold.metric} in the worst slice, {worst.slice} ({worst.examples} rows),"
    return _limit_check(name, what, value, side, getattr(threshold, side))


def _slice_change(threshold: WorstSlice, measured: MeasuredMetrics, better: str) -> Check:
    """Compares the slice that lost most with the baseline in this slice."""
    name = f"{threshold.metric}: slice change"
    changes = []
    for result in measured.slices:
        value = result.metrics.get(threshold.metric)
        before = measured.baseline_slices.get(result.slice, {}).get(threshold.metric)
        if result.examples >= threshold.min_examples and value is not None and before is not None:
            loss = before - value if better == HIGHER else value - before
            changes.append((loss, value, before, result))
    if not changes:
        return Check(name, passed=True, detail=f"{threshold.metric}: no slice to compare with")
    loss, value, before, worst = max(changes, key=lambda change: change[0])
    change = f"{abs(loss):.4g} {'worse' if loss > 0 else 'better'}"
    return Check(
        name,
        passed=loss <= (threshold.max_worsening or 0.0),
        detail=f"{threshold.metric} in the slice {worst.slice} ({worst.examples} rows) is "
        f"{value:.4g}, {change} than the baseline's {before:.4g}; "
        f"{threshold.max_worsening:g} worse is allowed",
    )


def _gap(gap: Gap, measured: MeasuredMetrics) -> GapResult:
    columns = sorted(gap.slice)
    groups = [
        group
        for group in measured.slices
        if group.examples >= gap.min_examples and sorted(group.columns) == columns
    ]
    values = [
        (v, group.slice) for group in groups if (v := group.metrics.get(gap.metric)) is not None
    ]
    before = [
        value
        for group in groups
        if (value := measured.baseline_slices.get(group.slice, {}).get(gap.metric)) is not None
    ]
    several = len(values) > 1
    (low, lowest), (high, highest) = (min(values), max(values)) if several else [(0.0, "")] * 2
    return GapResult(
        metric=gap.metric,
        slice=", ".join(columns),
        gap=high - low if several else None,
        baseline_gap=max(before) - min(before) if len(before) > 1 else None,
        lowest=lowest,
        highest=highest,
        groups=len(values),
        max=gap.max,
    )


def _gap_check(gap: Gap, result: GapResult) -> Check:
    name = f"{result.metric}: gap over {result.slice}"
    if result.gap is None:
        return Check(
            name,
            passed=False,
            detail=f"gap of {result.metric} over {result.slice}: {result.groups or 'no'} group "
            f"with {gap.min_examples} rows has a value, two are needed; lower min_examples, or "
            "evaluate on more rows",
        )
    passed = result.gap <= (gap.max or 0.0)
    where = f"from {result.lowest} to {result.highest}"
    detail = f"gap of {result.metric} over {result.slice} is {result.gap:.4g} ({where})"
    return Check(name, passed, f"{detail}, {'at most' if passed else 'above'} {gap.max:g}")
