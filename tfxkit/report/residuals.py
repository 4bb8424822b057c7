"""How far a regression is off: predicted against actual, and the residuals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tfxkit.report.figures import INK, MODEL, MUTED, axes, svg

_DOTS = 400
_BINS = 30
_OUTER = 0.01  # the share of residuals at either end that is counted into the outermost bar

Array = NDArray[np.float64]


def plots(labels: Array, predictions: Array) -> Iterator[tuple[str, Markup, str]]:
    """Title, figure and caption of each."""
    yield _scatter(labels, predictions)
    yield _by_prediction(labels, predictions)
    yield _histogram(labels - predictions)


def _some(labels: Array) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, len(labels) - 1, min(_DOTS, len(labels))).astype(np.intp))


def _scatter(labels: Array, predictions: Array) -> tuple[str, Markup, str]:
    some = _some(labels)
    with axes("predicted", "actual") as pair:
        low, high = min(labels.min(), predictions.min()), max(labels.max(), predictions.max())
        pair.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle=":")
        pair.plot(predictions[some], labels[some], ".", color=MODEL, markersize=4, alpha=0.5)
        text = f"{len(some)} rows; correlation {_correlation(labels, predictions):.3f}."
        picture = svg(pair, "scatter", "Actual against predicted values", text)
    return "Actual and predicted", picture, "On the dotted line a prediction is exact."


def _by_prediction(labels: Array, predictions: Array) -> tuple[str, Markup, str]:
    """The residuals' median and middle half, in bins of equal mass."""
    parts = np.array_split(np.argsort(predictions, kind="stable"), 10)
    residuals = [(labels - predictions)[part] for part in parts if len(part)]
    x = [float(predictions[part].mean()) for part in parts if len(part)]
    low, middle, high = np.array([np.quantile(each, [0.25, 0.5, 0.75]) for each in residuals]).T
    with axes("predicted", "residual: actual − predicted") as pair:
        pair.axhline(0, color=MUTED, linewidth=0.8, linestyle=":")
        pair.vlines(x, low, high, color=MODEL, linewidth=4, alpha=0.4)
        pair.plot(x, middle, color=MODEL, marker="o", markersize=4)
        text = f"Medians from low to high predictions: {', '.join(f'{m:.3g}' for m in middle)}."
        picture = svg(pair, "residuals", "Residuals by prediction", text)
    caption = "Median (dot) and middle half (bar). A slope means that the model leans to one side."
    return "Residuals by prediction", picture, caption


def _histogram(residuals: Array) -> tuple[str, Markup, str]:
    low, high = np.quantile(residuals, [_OUTER, 1 - _OUTER])
    with axes("residual: actual − predicted", "rows") as pair:
        pair.hist(np.clip(residuals, low, high), _BINS, color=MODEL, alpha=0.7)
        pair.axvline(0, color=INK, linewidth=0.8)
        least, middle, most = np.quantile(residuals, [0, 0.5, 1])
        text = f"From {least:.3g} to {most:.3g}, median {middle:.3g}."
        picture = svg(pair, "residual-histogram", "Histogram of residuals", text)
    return "Residuals", picture, "The outermost hundredths are counted into the outermost bars."


def _correlation(labels: Array, predictions: Array) -> float:
    if labels.std() == 0 or predictions.std() == 0:
        return float("nan")
    return float(np.corrcoef(labels, predictions)[0, 1])
