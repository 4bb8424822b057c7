"""The outcome of an evaluation: what TFMA measured, held to the thresholds, and in words.

TFMA validates the thresholds on the whole too, with the same outcome, but names no reason. Its
thresholds for slices (`per_slice_thresholds`) cannot leave small slices out.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tfxkit.config.bounds import Evaluation, Gap, Threshold, WorstSlice
from tfxkit.evaluation import EXAMPLE_COUNT, Check, GapResult, Metrics, SliceResult
from tfxkit.metrics.catalogue import better
from tfxkit.metrics.definition import HIGHER
from tfxkit.storage.filesystems import fileio

FILE = "result.json"  # beside TFMA's files


@dataclasses.dataclass(frozen=True)
class Measured:
    """The metrics that TFMA wrote: of both models, as a whole and by slice."""

    metrics: Metrics
    baseline_metrics: Metrics
    slices: tuple[SliceResult, ...]
    baseline_slices: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """A model's evaluation.

    Attributes:
        metrics: The candidate's on all rows, by name.
        baseline_metrics: The baseline's; empty if there is none.
        slices: The candidate's by slice, sorted by name.
        gaps: Differences between the groups of slices.
        sampled: The metrics whose value on all rows is that of a sample, and its size.
        checks: Each threshold, held or not.
        blessed: True if there are thresholds and all of them hold.
    """

    metrics: Metrics
    baseline_metrics: Metrics
    slices: tuple[SliceResult, ...]
    gaps: tuple[GapResult, ...]
    sampled: dict[str, int]
    checks: tuple[Check, ...]
    blessed: bool


def write(result: EvaluationResult, evaluation_uri: str) -> None:
    """Writes a result into the folder of the Evaluator's `evaluation`."""
    with fileio.open(os.path.join(evaluation_uri, FILE), "w") as file:
        file.write(json.dumps(dataclasses.asdict(result), indent=2, sort_keys=True))


def read(evaluation_uri: str) -> EvaluationResult:
    """Reads the result from the folder of the Evaluator's `evaluation`."""
    with fileio.open(os.path.join(evaluation_uri, FILE), "r") as file:
        content = json.loads(file.read())
    return EvaluationResult(
        metrics=content["metrics"],
        baseline_metrics=content["baseline_metrics"],
        slices=tuple(
            SliceResult(**{**one, "columns": tuple(one.get("columns", ()))})
            for one in content["slices"]
        ),
        gaps=tuple(GapResult(**one) for one in content.get("gaps", ())),
        sampled=content.get("sampled", {}),
        checks=tuple(Check(**one) for one in content["checks"]),
        blessed=content["blessed"],
    )


def load(evaluation_uri: str) -> Measured:
    """Loads the metrics from TFMA's files in the folder of the Evaluator's `evaluation`."""
    import tensorflow_model_analysis as tfma

    whole: Metrics = {}
    baseline: Metrics = {}
    slices, baseline_slices = [], {}
    for record in tfma.load_metrics(evaluation_uri):
        name = _slice_name(record.slice_key)
        ours, theirs = (_metrics(record, tfma.BASELINE_KEY, of) for of in (False, True))
        if name:
            examples = int(ours.pop(EXAMPLE_COUNT) or 0)
            columns = tuple(single.column for single in record.slice_key.single_slice_keys)
            slices.append(SliceResult(name, examples, ours, columns))
            baseline_slices[name] = theirs
        else:
            whole, baseline = ours, theirs
    ordered = tuple(sorted(slices, key=lambda one: one.slice))
    return Measured(whole, baseline, ordered, baseline_slices)


def result_name(key: Any) -> str:
    """The name of a number that TFMA measured: the metric's, and its sub key behind a slash.

    Args:
        key: A `MetricKey` of TFMA's protos.
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
    """The numbers of one model; differences are computed where they are needed."""
    metrics: Metrics = {}
    for item in record.metric_keys_and_values:
        key = item.key
        # With one model only, TFMA gives it no name.
        if (key.model_name == baseline_key) == of_baseline and not key.is_diff:
            for name, value in _numbers(result_name(key), item.value):
                metrics[name] = value if math.isfinite(value) else None
    return metrics


def _numbers(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """A number as it is, of an array each element; what is no number is in TFMA's files only."""
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


NO_BOUNDS = Check(
    "bounds",
    passed=False,
    detail="no thresholds are configured (evaluation in configs/dataset.yaml)",
)


def gaps(evaluation: Evaluation, measured: Measured) -> tuple[GapResult, ...]:
    """Measures the gaps that the configuration asks for."""
    return tuple(_gap(gap, measured) for gap in evaluation.gaps)


def check(evaluation: Evaluation, measured: Measured) -> tuple[Check, ...]:
    """Checks all thresholds.

    Args:
        evaluation: The thresholds.
        measured: What to hold to them.

    Returns:
        A check for each threshold. One that cannot be measured does not hold, except that without a
        baseline there is nothing to be worse than.
    """
    checks: list[Check] = []
    for name, threshold in evaluation.thresholds.items():
        checks += _overall(name, threshold, measured, better(evaluation, name))
    if (worst := evaluation.worst_slice) is not None:
        checks.append(_worst_slice(worst, measured.slices))
        if worst.max_worsening is not None:
            checks.append(_slice_change(worst, measured, better(evaluation, worst.metric)))
    for bound, gap in zip(evaluation.gaps, gaps(evaluation, measured), strict=True):
        if bound.max is not None:
            checks.append(_gap_check(bound, gap))
    return tuple(checks) or (NO_BOUNDS,)


def _overall(name: str, threshold: Threshold, measured: Measured, better: str) -> Iterator[Check]:
    value = measured.metrics.get(name)
    for kind in ("min", "max"):
        if (bound := getattr(threshold, kind)) is not None:
            yield _bound(f"{name}: {kind}", f"{name} overall", value, kind, bound)
    if threshold.max_worsening is not None:
        yield _change(name, threshold.max_worsening, measured, better)


def _bound(name: str, what: str, value: float | None, kind: str, bound: float) -> Check:
    """Holds a value to a threshold that is a `min` or a `max`."""
    wanted = "at least" if kind == "min" else "at most"
    if value is None:
        return Check(name, passed=False, detail=f"{what} is not defined, {wanted} {bound:g} wanted")
    passed = value >= bound if kind == "min" else value <= bound
    missed = "below" if kind == "min" else "above"
    return Check(name, passed, f"{what} is {value:.4g}, {wanted if passed else missed} {bound:g}")


def _change(name: str, max_worsening: float, measured: Measured, better: str) -> Check:
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


def _worst_slice(bound: WorstSlice, slices: tuple[SliceResult, ...]) -> Check:
    name = f"{bound.metric}: worst slice"
    large = [one for one in slices if one.examples >= bound.min_examples]
    if not large:
        most = max((one.examples for one in slices), default=0)
        return Check(
            name,
            passed=False,
            detail=f"worst slice: no slice has {bound.min_examples} rows, the largest has {most}; "
            "lower evaluation.worst_slice.min_examples, or evaluate on more rows",
        )
    values = [(value, one) for one in large if (value := one.metrics.get(bound.metric)) is not None]
    if not values:
        return Check(
            name,
            passed=False,
            detail=f"worst slice: {bound.metric} is not defined in any slice with "
            f"{bound.min_examples} rows",
        )
    kind = "max" if bound.min is None else "min"
    value, worst = (max if kind == "max" else min)(values, key=lambda pair: pair[0])
    what = f"{bound.metric} in the worst slice, {worst.slice} ({worst.examples} rows),"
    return _bound(name, what, value, kind, getattr(bound, kind))


def _slice_change(bound: WorstSlice, measured: Measured, better: str) -> Check:
    """Holds the slice that lost most to what the baseline reaches in it."""
    name = f"{bound.metric}: slice change"
    worsened = []
    for one in measured.slices:
        value = one.metrics.get(bound.metric)
        before = measured.baseline_slices.get(one.slice, {}).get(bound.metric)
        if one.examples >= bound.min_examples and value is not None and before is not None:
            loss = before - value if better == HIGHER else value - before
            worsened.append((loss, value, before, one))
    if not worsened:
        return Check(name, passed=True, detail=f"{bound.metric}: no slice to compare with")
    loss, value, before, worst = max(worsened, key=lambda found: found[0])
    change = f"{abs(loss):.4g} {'worse' if loss > 0 else 'better'}"
    return Check(
        name,
        passed=loss <= (bound.max_worsening or 0.0),
        detail=f"{bound.metric} in the slice {worst.slice} ({worst.examples} rows) is {value:.4g}, "
        f"{change} than the baseline's {before:.4g}; {bound.max_worsening:g} worse is allowed",
    )


def _gap(gap: Gap, measured: Measured) -> GapResult:
    columns = sorted(gap.slice)
    groups = [
        one
        for one in measured.slices
        if one.examples >= gap.min_examples and sorted(one.columns) == columns
    ]
    values = [(v, one.slice) for one in groups if (v := one.metrics.get(gap.metric)) is not None]
    before = [
        value
        for one in groups
        if (value := measured.baseline_slices.get(one.slice, {}).get(gap.metric)) is not None
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


def _gap_check(bound: Gap, gap: GapResult) -> Check:
    name = f"{gap.metric}: gap over {gap.slice}"
    if gap.gap is None:
        return Check(
            name,
            passed=False,
            detail=f"gap of {gap.metric} over {gap.slice}: {gap.groups or 'no'} group with "
            f"{bound.min_examples} rows has a value, two are needed; lower min_examples, or "
            "evaluate on more rows",
        )
    passed = gap.gap <= (bound.max or 0.0)
    where = f"from {gap.lowest} to {gap.highest}"
    detail = f"gap of {gap.metric} over {gap.slice} is {gap.gap:.4g} ({where})"
    return Check(name, passed, f"{detail}, {'at most' if passed else 'above'} {bound.max:g}")
