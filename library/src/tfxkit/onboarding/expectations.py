"""Thresholds on metrics and drift, derived from trivial models and from chance.

A threshold that a useless model meets lets it be served; one that chance alone breaks stops runs
for nothing. Both depend on the number of rows, so they are computed, and written with a reason.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from tfxkit.config.dataset import Role, Task
from tfxkit.onboarding.profile import Profile
from tfxkit.onboarding.roles import Decision
from tfxkit.onboarding.target import Target

EVAL_SHARE = 1 / 3  # of the rows: data.splits in base.yaml
# Standard errors by which a useless model exceeds its expectation once in forty runs.
_SIGMAS = 2
# Where two standard errors are more than this part of the way to perfection, a good model on few
# rows could not pass.
_MOST_OF_THE_WAY = 0.25
_MIN_R2 = 0.05  # of the variance explained; the mean explains nothing
# Rows in the eval split that make a slice worth measuring ...
_SLICE_ROWS = 50
# ... number of values of a column to slice by, and of slices that a person reads.
_SLICE_VALUES = range(2, 13)
_MAX_SLICES = 2
# Least limits of drift: somewhat above the drift of the sample data from year to year.
_LEAST_NORM, _LEAST_DIVERGENCE = 0.15, 0.1
_USELESS_NORM, _USELESS_DIVERGENCE = 0.5, 0.4  # a limit above stops next to nothing
_MAX_DRIFT_COLUMNS = 50


@dataclasses.dataclass(frozen=True)
class MetricThreshold:
    """Thresholds of a metric as in `evaluation.thresholds`, and the reason."""

    values: Mapping[str, float]
    why: str


def thresholds(target: Target, label: Profile) -> dict[str, MetricThreshold]:
    """Thresholds that a model without any knowledge of the columns does not meet."""
    rows = max(label.present * EVAL_SHARE, 1)
    if target.task is Task.REGRESSION:
        min_r2 = _round(max(_MIN_R2, _SIGMAS**2 / rows))
        spread = label.statistics.num_stats.std_dev
        return {
            "r2": MetricThreshold(
                {"min": min_r2, "max_worsening": min_r2},
                f"the mean as prediction: 0 (rmse {spread:.4g})",
            ),
        }
    shares = [count / label.present for count in target.counts.values()]
    if target.task is Task.BINARY:
        few = max(min(shares) * rows, 1)
        error = math.sqrt((rows + 1) / (12 * few * max(rows - few, 1)))
        step = max(_SIGMAS * error, 0.02)
        return {
            "auc": MetricThreshold(
                {
                    "min": _round(0.5 + min(step, 0.5 * _MOST_OF_THE_WAY)),
                    "max_worsening": _round(step),
                },
                "tossing a coin: 0.5",
            ),
            "accuracy": MetricThreshold(
                {"min": _round(max(shares) - _SIGMAS * _error(max(shares), rows))},
                f"always the more frequent value: about {max(shares):.2f}, give or take",
            ),
        }
    majority = max(shares)
    step = _SIGMAS * _error(majority, rows)
    return {
        "accuracy": MetricThreshold(
            {
                "min": _round(majority + min(step, (1 - majority) * _MOST_OF_THE_WAY), digits=4),
                "max_worsening": _round(max(step, 0.02)),
            },
            f"always the most frequent class: about {majority:.2f}",
        ),
    }


def slices(columns: Mapping[str, Profile], roles: Mapping[str, Decision]) -> tuple[str, ...]:
    """Up to two columns of few values with enough rows each, those of the fewest values first."""
    fit = [
        (column.distinct, name)
        for name, column in columns.items()
        if roles[name].role is Role.CATEGORICAL and _evenly_filled(column)
    ]
    return tuple(name for _, name in sorted(fit)[:_MAX_SLICES])


def drift(
    columns: Mapping[str, Profile], roles: Mapping[str, Decision]
) -> dict[str, tuple[str, float]]:
    """Distance and its limit by column, as in `validation.drift`; none where rows are too few.

    Both splits are compared, so the smaller one decides. The share of a value moves by chance by up
    to four standard errors of a difference of two shares of a half; the divergence over the ten
    quantiles of the statistics was measured to move by up to 25 / rows.
    """
    limits = {}
    for name, column in columns.items():
        # Times always move on, and texts are new each time.
        if roles[name].role in (Role.IGNORED, Role.TIMESTAMP, Role.TEXT):
            continue
        rows = max(column.rows * EVAL_SHARE, 1)
        if column.type == "BYTES":
            limit = max(_LEAST_NORM, 4 * math.sqrt(0.5 / rows))
            if limit <= _USELESS_NORM:
                limits[name] = ("infinity_norm", _round(limit, up=True))
        else:
            limit = max(_LEAST_DIVERGENCE, 25 / rows)
            if limit <= _USELESS_DIVERGENCE:
                limits[name] = ("jensen_shannon", _round(limit, up=True))
    return dict(list(limits.items())[:_MAX_DRIFT_COLUMNS])


def _evenly_filled(column: Profile) -> bool:
    if column.distinct not in _SLICE_VALUES:
        return False
    return list(column.counts().values())[1] * EVAL_SHARE >= _SLICE_ROWS


def _error(share: float, rows: float) -> float:
    """Standard error of a share that is measured on some rows."""
    return math.sqrt(share * (1 - share) / rows)


def _round(value: float, *, up: bool = False, digits: int = 2) -> float:
    """Rounds an estimate to a few digits."""
    if not value:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits)
    return float(f"{(math.ceil if up else math.floor)(value / unit) * unit:.6g}")
