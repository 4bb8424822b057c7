"""How the page writes numbers, names and spans of time."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from tfxkit.config.dataset import TICKS_PER_SECOND

TITLES = {
    "auc": "AUC",
    "pr_auc": "PR AUC",
    "f1": "F1",
    "expected_calibration_error": "Expected calibration error",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "mse": "MSE",
    "mape": "MAPE",
    "medae": "Median absolute error",
    "squared_pearson_correlation": "Squared correlation",
}
_MINUTE = 60
_TINY = 1e-4
_LARGE = 1000


def title(metric: str) -> str:
    """The name of a metric, for a reader."""
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def number(value: float | None) -> str:
    """Four digits; a dash for what is not defined."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"


def metric(value: float | None) -> str:
    """Four digits, also where the last ones are zeros."""
    if value is None or not math.isfinite(value):
        return "–"
    if 0 < abs(value) < _TINY:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:#.4g}".rstrip(".")


def signed(value: float | None) -> str:
    """A change, with its sign."""
    if value is None:
        return "–"
    return "0" if value == 0 else f"{value:+.3g}".replace("-", "−")


def interval(low: float, high: float, *, change: bool = False) -> str:
    """From where to where."""
    write = signed if change else metric
    return f"{write(low)} to {write(high)}"


def share(value: float | None) -> str:
    """Per cent."""
    if value is None:
        return "–"
    if 0 < value < _TINY:
        return "< 0.01%"
    return f"{100 * value:.3g}%"


def moment(started: str) -> str:
    """A point in time in ISO 8601, for a reader."""
    return f"{datetime.fromisoformat(started):%Y-%m-%d %H:%M:%S %Z}"


def date_writer(unit: str) -> Callable[[float], str]:
    """Formatter of times, counted in `unit` since 1970, as dates in UTC."""
    ticks = TICKS_PER_SECOND.get(unit, 1)

    def write(value: float) -> str:
        try:
            return f"{datetime.fromtimestamp(value / ticks, UTC):%Y-%m-%d}"
        except (OverflowError, ValueError, OSError):  # no year that a calendar has
            return number(value)

    return write


def seconds(value: float) -> str:
    """A span of time."""
    if value < _MINUTE:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), _MINUTE)
    return (
        f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
        if minutes >= _MINUTE
        else (f"{minutes} min {rest} s")
    )


def count(number_of: int, noun: str) -> str:
    """1 row, 2 rows."""
    return f"{number_of:,} {noun}" if number_of == 1 else f"{number_of:,} {noun}s"
