"""Holds what was measured to the bounds, and says in words what came of it.

TFMA validates the bounds on the whole too, with the same outcome, but names no reason. Its bounds
for slices (`per_slice_thresholds`) cannot leave small slices out.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.evaluator.measured import Measured
from components.evaluator.metrics import better
from tfxkit.config.bounds import Evaluation, Threshold, WorstSlice
from tfxkit.evaluation import Check, SliceResult

NO_BOUNDS = Check(
    "bounds", passed=False, detail="no bounds are configured (evaluation in configs/dataset.yaml)"
)


def check(evaluation: Evaluation, measured: Measured) -> tuple[Check, ...]:
    """Checks all bounds.

    Args:
        evaluation: The bounds.
        measured: What to hold to them.

    Returns:
        A check for each bound. One that cannot be measured does not hold, except that without a
        baseline there is nothing to be worse than.
    """
    checks: list[Check] = []
    for name, threshold in evaluation.thresholds.items():
        checks += _overall(name, threshold, measured)
    if evaluation.worst_slice is not None:
        checks.append(_worst_slice(evaluation.worst_slice, measured.slices))
        if evaluation.worst_slice.max_worsening is not None:
            checks.append(_slice_change(evaluation.worst_slice, measured))
    return tuple(checks) or (NO_BOUNDS,)


def _overall(name: str, threshold: Threshold, measured: Measured) -> Iterator[Check]:
    value = measured.metrics.get(name)
    for kind in ("min", "max"):
        if (bound := getattr(threshold, kind)) is not None:
            yield _bound(f"{name}: {kind}", f"{name} overall", value, kind, bound)
    if threshold.max_worsening is not None:
        yield _change(name, threshold.max_worsening, measured)


def _bound(name: str, what: str, value: float | None, kind: str, bound: float) -> Check:
    """Holds a value to a bound that is a `min` or a `max`."""
    wanted = "at least" if kind == "min" else "at most"
    if value is None:
        return Check(name, passed=False, detail=f"{what} is not defined, {wanted} {bound:g} wanted")
    passed = value >= bound if kind == "min" else value <= bound
    missed = "below" if kind == "min" else "above"
    return Check(name, passed, f"{what} is {value:.4g}, {wanted if passed else missed} {bound:g}")


def _change(name: str, max_worsening: float, measured: Measured) -> Check:
    check_name = f"{name}: change"
    if not measured.baseline_metrics:
        return Check(check_name, passed=True, detail=f"{name}: no baseline to compare with")
    value, before = measured.metrics.get(name), measured.baseline_metrics.get(name)
    if value is None or before is None:
        return Check(check_name, passed=False, detail=f"{name} is not defined for both models")
    worsening = before - value if better(name) == "higher" else value - before
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


def _slice_change(bound: WorstSlice, measured: Measured) -> Check:
    """Holds the slice that lost most to what the baseline reaches in it."""
    name = f"{bound.metric}: slice change"
    worsened = []
    for one in measured.slices:
        value = one.metrics.get(bound.metric)
        before = measured.baseline_slices.get(one.slice, {}).get(bound.metric)
        if one.examples >= bound.min_examples and value is not None and before is not None:
            loss = before - value if better(bound.metric) == "higher" else value - before
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
