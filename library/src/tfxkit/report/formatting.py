"""Formatting of numbers, names, dates and durations for the pages and the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

from tfxkit.config.dataset import TICKS_PER_SECOND

Formatter = Callable[[float], str]

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
    """Display name of a metric."""
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def number(value: float | None) -> str:
    """Four significant digits; a dash for an undefined value."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"


def metric(value: float | None) -> str:
    """Four significant digits, trailing zeros included."""
    if value is None or not math.isfinite(value):
        return "–"
    if 0 < abs(value) < _TINY:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:#.4g}".rstrip(".")


def signed(value: float | None) -> str:
    """Difference with its sign."""
    if value is None:
        return "–"
    return "0" if value == 0 else f"{value:+.3g}".replace("-", "−")


def interval(low: float, high: float, *, change: bool = False) -> str:
    """Both ends of an interval; with signs for the interval of a change."""
    write = signed if change else metric
    return f"{write(low)} to {write(high)}"


def percentage(value: float | None) -> str:
    """Share as a percentage."""
    if value is None:
        return "–"
    if 0 < value < _TINY:
        return "< 0.01%"
    return f"{100 * value:.3g}%"


def timestamp(iso_time: str) -> str:
    """Readable form of a point in time in ISO 8601."""
    return f"{datetime.fromisoformat(iso_time):%Y-%m-%d %H:%M:%S %Z}"


def date_formatter(unit: str) -> Formatter:
    """Formatter of times, counted in a unit since 1970, as dates in UTC."""
    ticks = TICKS_PER_SECOND.get(unit, 1)

    def write(value: float) -> str:
        try:
            return f"{datetime.fromtimestamp(value / ticks, UTC):%Y-%m-%d}"
        except (OverflowError, ValueError, OSError):  # not a year of the calendar
            return number(value)

    return write


def duration(seconds: float) -> str:
    """Duration in seconds, minutes or hours."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return (
        f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
        if minutes >= _MINUTE
        else (f"{minutes} min {rest} s")
    )


def count(quantity: int, noun: str) -> str:
    """Quantity with its noun: 1 row, 2 rows."""
    return f"{quantity:,} {noun}" if quantity == 1 else f"{quantity:,} {noun}s"
