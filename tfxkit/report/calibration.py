"""Whether probabilities mean what they say: predicted against observed, in bins of equal mass."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tfxkit.report.eval_rows import EvalRows
from tfxkit.report.figures import MODEL, MUTED, SERVED, axes, svg

_BINS = 10
_CAPTION = (
    "On the diagonal, of the rows with a predicted 70% seventy in a hundred are positive. "
    "Each dot has as many rows; the bars are 95% intervals."
)
_CAPTION_TOP = (
    "The probability of the most likely class, against how often it is the right one. "
    "Each dot has as many rows; the bars are 95% intervals."
)
_Z = 1.96


def calibration(rows: EvalRows, served: EvalRows | None) -> tuple[str, Markup, str]:
    """Title, figure and caption."""
    several = rows.predictions.ndim > 1
    with axes("predicted probability", "observed frequency") as pair:
        pair.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
        if served is not None and not several:
            x, y, _ = _bins(*_outcomes(served))
            pair.plot(x, y, color=SERVED, linestyle="--", marker="s", markersize=3)
        x, y, bars = _bins(*_outcomes(rows))
        pair.errorbar(x, y, bars, color=MODEL, marker="o", markersize=4, elinewidth=1)
        pair.set_xlim(-0.02, 1.02)
        pair.set_ylim(-0.02, 1.02)
        gaps = ", ".join(f"{p:.2f} predicted, {o:.2f} observed" for p, o in zip(x, y, strict=True))
        picture = svg(pair, "calibration", "Calibration", gaps)
    return "Calibration", picture, _CAPTION_TOP if several else _CAPTION


def _outcomes(rows: EvalRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predicted probability, and whether it came so."""
    if rows.predictions.ndim == 1:
        return rows.predictions, rows.labels
    best = rows.predictions.argmax(axis=1)
    return rows.predictions.max(axis=1), (best == rows.labels).astype(np.float64)


def _bins(
    predicted: NDArray[np.float64], observed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means of each bin, and how far the interval of the observed one goes down and up.

    The interval is Wilson's (1927, "Probable inference, the law of succession, and statistical
    inference"), which stays between 0 and 1.
    """
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    x = np.array([predicted[part].mean() for part in parts])
    y = np.array([observed[part].mean() for part in parts])
    size = np.array([len(part) for part in parts])
    centre = (y * size + _Z**2 / 2) / (size + _Z**2)
    half = _Z / (size + _Z**2) * np.sqrt(size * y * (1 - y) + _Z**2 / 4)
    return x, y, np.maximum([y - (centre - half), centre + half - y], 0)
