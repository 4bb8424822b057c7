"""The errors of a model: ROC, precision-recall, calibration, confusion, and residuals."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_auc_score, roc_curve
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.config.dataset import Dataset, Task
from tfxkit.metrics.catalogue import DECISION_THRESHOLD
from tfxkit.report.data import statistics_by_split
from tfxkit.report.eval_rows import EvalRows
from tfxkit.report.figures import DASHES, INK, MODEL, MUTED, SERIES, SERVED, axes, svg
from tfxkit.report.run import Run
from tfxkit.storage.artifacts import ColumnStatistics
from tfxkit.storage.filesystems import fileio

Array = NDArray[np.float64]
_POINTS = 200  # of a curve; more are not visible
_CALIBRATION_BINS = 10
_Z = 1.96  # of a 95% interval
_MOST_CLASSES = 12  # in a confusion table
_MOST_PAIRS = 15
_DOTS = 400  # of a scatter plot
_RESIDUAL_BINS = 30
_OUTER = 0.01  # share of residuals at either end that the outermost bars include


@dataclasses.dataclass(frozen=True)
class Plot:
    """A figure with its heading and caption."""

    title: str
    svg: Markup
    caption: str


@dataclasses.dataclass(frozen=True)
class LegendLine:
    """Legend of a line in the figures; `style` is a class of the style sheet."""

    name: str
    style: str


@dataclasses.dataclass(frozen=True)
class ConfusionCell:
    """Rows of one class with one prediction.

    Attributes:
        rows: Their number.
        share: Of the rows of their class.
        right: True if the prediction is right.
    """

    rows: int
    share: float
    right: bool


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Confusion table, or for many classes the most frequent confusions.

    Attributes:
        classes: The names.
        table: A row for each actual class, a cell for each predicted one.
        pairs: Actual, predicted, rows, share of the actual class.
    """

    classes: list[str]
    table: list[tuple[str, list[ConfusionCell]]]
    pairs: list[tuple[str, str, int, float]]


@dataclasses.dataclass(frozen=True)
class CurvesSection:
    """Section `curves` of the page."""

    plots: list[Plot]
    lines: list[LegendLine]
    confusion: Confusion | None
    left_out: int


@dataclasses.dataclass(frozen=True)
class _Curve:
    labels: Array
    scores: Array
    colour: str
    dash: object


def build_curves(run: Run) -> CurvesSection | None:
    """Builds the section; None if nothing was evaluated."""
    rows, served = run.eval_rows, run.served_rows
    if rows is None or not len(rows.labels):
        return None
    task, classes = run.dataset.task, run.dataset.label.classes
    if task is Task.REGRESSION:
        return CurvesSection(_residual_plots(rows.labels, rows.predictions), [], None, 0)
    lines = [LegendLine("this model", "model")]
    lines += [LegendLine("served before", "served")] if served else []
    curves, left_out = _curves_of_models(rows, served), 0
    if task is Task.MULTICLASS:
        chosen = _largest_classes(rows.labels, len(classes))
        lines = [LegendLine(classes[index], f"series-{n}") for n, index in enumerate(chosen, 1)]
        curves = _curves_of_classes(rows, chosen)
        left_out = len(classes) - len(chosen)
    drawable = [curve for curve in curves if 0 < curve.labels.mean() < 1]
    plots = [_roc(drawable), _precision_recall(drawable)] if drawable else []
    plots.append(_calibration(rows, served))
    table = confusion(rows, class_names(run.dataset, _statistics(run)))
    return CurvesSection(plots, lines, table, left_out)


def _statistics(run: Run) -> list[ColumnStatistics]:
    """Statistics of the splits; none if their files are gone, which section Data reports."""
    artifact = run.artifact("StatisticsGen", "statistics")
    try:
        return list(statistics_by_split(artifact).values()) if artifact else []
    except fileio.NotFoundError:
        return []


def class_names(dataset: Dataset, statistics: Iterable[ColumnStatistics]) -> list[str]:
    """Names of the classes in order; the negative class of a binary task comes first.

    Args:
        dataset: With a label of classes.
        statistics: Of each split; they have the value of the negative class.
    """
    label = dataset.label
    if dataset.task is not Task.BINARY:
        return list(label.classes)
    if label.greater_than is not None:
        limit = f"{label.greater_than:g}" + (f" × {label.times}" if label.times else "")
        negative, positive = (f"{label.column} {sign} {limit}" for sign in ("≤", ">"))
    elif label.positive is not None:
        others = _label_values(label.column, statistics) - {label.positive}
        negative = others.pop() if len(others) == 1 else f"not {label.positive}"
        positive = label.positive
    else:
        negative, positive = (f"{label.column} = {value}" for value in (0, 1))
    return [negative, f"{positive} (positive)"]


def confusion(rows: EvalRows, names: list[str]) -> Confusion:
    """Counts rows by actual and predicted class.

    Args:
        rows: Labels and predictions.
        names: Of the classes, in order.
    """
    if rows.predictions.ndim == 1:  # binary: probabilities of the positive class
        predicted = (rows.predictions > DECISION_THRESHOLD).astype(int)
    else:
        predicted = rows.predictions.argmax(axis=1)
    matrix = confusion_matrix(rows.labels.astype(int), predicted, labels=range(len(names)))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    table = [
        (
            name,
            [
                ConfusionCell(int(matrix[a, p]), float(shares[a, p]), a == p)
                for p in range(len(names))
            ],
        )
        for a, name in enumerate(names)
    ]
    if len(names) <= _MOST_CLASSES:
        return Confusion(names, table, [])
    off = matrix * (1 - np.eye(len(names), dtype=int))
    worst = np.argsort(-off, axis=None, kind="stable")[:_MOST_PAIRS]
    places = [divmod(int(place), len(names)) for place in worst if off.flat[place]]
    pairs = [(names[a], names[p], int(off[a, p]), float(shares[a, p])) for a, p in places]
    return Confusion(names, [], pairs)


def _label_values(column: str, statistics: Iterable[ColumnStatistics]) -> set[str]:
    """Values of a label's column; empty unless the statistics are sure to list all."""
    union: set[str] = set()
    for columns in statistics:
        if column not in columns:
            continue
        values = _all_values(columns[column])
        if not values:
            return set()
        union |= values
    return union - {""}  # a missing label


def _all_values(column: FeatureNameStatistics) -> set[str]:
    if column.HasField("num_stats"):
        ends = {int(column.num_stats.min), int(column.num_stats.max)}
        adjacent = column.type == column.INT and max(ends) - min(ends) <= 1
        return {str(end) for end in ends} if adjacent else set()
    values = {bucket.label for bucket in column.string_stats.rank_histogram.buckets}
    return values if len(values) >= column.string_stats.unique else set()


def _curves_of_models(rows: EvalRows, served: EvalRows | None) -> list[_Curve]:
    before = [_Curve(served.labels, served.predictions, SERVED, "--")] if served else []
    return [*before, _Curve(rows.labels, rows.predictions, MODEL, "-")]


def _largest_classes(labels: Array, classes: int) -> list[int]:
    counts = np.bincount(labels.astype(np.intp), minlength=classes)
    return sorted(np.argsort(-counts, kind="stable")[: len(SERIES)].tolist())


def _curves_of_classes(rows: EvalRows, chosen: list[int]) -> list[_Curve]:
    return [
        _Curve((rows.labels == index).astype(np.float64), rows.predictions[:, index], colour, dash)
        for index, colour, dash in zip(chosen, SERIES, DASHES, strict=False)
    ]


def _roc(curves: list[_Curve]) -> Plot:
    areas = []
    with axes("false alarms, of all negatives", "found, of all positives") as pair:
        pair.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
        for curve in curves:
            wrong, right, _ = roc_curve(curve.labels, curve.scores)
            pair.plot(*_thinned(wrong, right), color=curve.colour, linestyle=curve.dash)
            areas.append(roc_auc_score(curve.labels, curve.scores))
        picture = svg(pair, "roc", "ROC curve", f"Areas under the curves: {_format_values(areas)}.")
    caption = "The nearer to the upper left corner, the better; the dotted line is guessing."
    return Plot("ROC", picture, caption)


def _precision_recall(curves: list[_Curve]) -> Plot:
    shares = []
    with axes("recall: found, of all positives", "precision: right, of all found") as pair:
        for curve in curves:
            precision, recall, _ = precision_recall_curve(curve.labels, curve.scores)
            pair.plot(*_thinned(recall, precision), color=curve.colour, linestyle=curve.dash)
            shares.append(curve.labels.mean())
        if len(set(shares)) == 1:
            pair.axhline(shares[-1], color=MUTED, linewidth=0.8, linestyle=":")
        pair.set_ylim(0, 1.02)
        text = f"Shares of positives, which is the precision of guessing: {_format_values(shares)}."
        picture = svg(pair, "precision-recall", "Precision-recall curve", text)
    caption = "How many of the rows it calls positive are, as it is asked to find more of them."
    return Plot("Precision and recall", picture, caption)


def _thinned(x: Array, y: Array) -> tuple[Array, Array]:
    if len(x) <= _POINTS:
        return x, y
    chosen = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int))
    return x[chosen], y[chosen]


def _format_values(values: list[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def _calibration(rows: EvalRows, served: EvalRows | None) -> Plot:
    """Plots observed frequency against predicted probability, in bins of equal mass."""
    several = rows.predictions.ndim > 1
    with axes("predicted probability", "observed frequency") as pair:
        pair.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
        if served is not None and not several:
            x, y, _ = _calibration_bins(*_top_outcomes(served))
            pair.plot(x, y, color=SERVED, linestyle="--", marker="s", markersize=3)
        x, y, bars = _calibration_bins(*_top_outcomes(rows))
        pair.errorbar(x, y, bars, color=MODEL, marker="o", markersize=4, elinewidth=1)
        pair.set_xlim(-0.02, 1.02)
        pair.set_ylim(-0.02, 1.02)
        gaps = ", ".join(f"{p:.2f} predicted, {o:.2f} observed" for p, o in zip(x, y, strict=True))
        picture = svg(pair, "calibration", "Calibration", gaps)
    reading = (
        "The probability of the most likely class, against how often it is the right one."
        if several
        else "On the diagonal, of the rows with a predicted 70% seventy in a hundred are positive."
    )
    caption = f"{reading} Each dot has as many rows; the bars are 95% intervals."
    return Plot("Calibration", picture, caption)


def _top_outcomes(rows: EvalRows) -> tuple[Array, Array]:
    """Probability of the positive or most likely class, and 1 where it is the actual class."""
    if rows.predictions.ndim == 1:
        return rows.predictions, rows.labels
    best = rows.predictions.argmax(axis=1)
    return rows.predictions.max(axis=1), (best == rows.labels).astype(np.float64)


def _calibration_bins(predicted: Array, observed: Array) -> tuple[Array, Array, Array]:
    """Means of each bin, and the lengths of the observed mean's interval downwards and upwards.

    The interval is Wilson's (1927, "Probable inference, the law of succession, and statistical
    inference"), which stays between 0 and 1.
    """
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, _CALIBRATION_BINS) if len(part)]
    x = np.array([predicted[part].mean() for part in parts])
    y = np.array([observed[part].mean() for part in parts])
    size = np.array([len(part) for part in parts])
    centre = (y * size + _Z**2 / 2) / (size + _Z**2)
    half = _Z / (size + _Z**2) * np.sqrt(size * y * (1 - y) + _Z**2 / 4)
    return x, y, np.maximum([y - (centre - half), centre + half - y], 0)


def _residual_plots(labels: Array, predictions: Array) -> list[Plot]:
    return [
        _scatter(labels, predictions),
        _residuals_by_prediction(labels, predictions),
        _residual_histogram(labels - predictions),
    ]


def _scatter(labels: Array, predictions: Array) -> Plot:
    most = min(_DOTS, len(labels))
    some = np.unique(np.linspace(0, len(labels) - 1, most).astype(np.intp))
    with axes("predicted", "actual") as pair:
        low, high = min(labels.min(), predictions.min()), max(labels.max(), predictions.max())
        pair.plot([low, high], [low, high], color=MUTED, linewidth=0.8, linestyle=":")
        pair.plot(predictions[some], labels[some], ".", color=MODEL, markersize=4, alpha=0.5)
        text = f"{len(some)} rows; correlation {_correlation(labels, predictions):.3f}."
        picture = svg(pair, "scatter", "Actual against predicted values", text)
    return Plot("Actual and predicted", picture, "On the dotted line a prediction is exact.")


def _residuals_by_prediction(labels: Array, predictions: Array) -> Plot:
    """Plots the residuals' median and middle half, in bins of equal mass."""
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
    return Plot("Residuals by prediction", picture, caption)


def _residual_histogram(residuals: Array) -> Plot:
    low, high = np.quantile(residuals, [_OUTER, 1 - _OUTER])
    with axes("residual: actual − predicted", "rows") as pair:
        pair.hist(np.clip(residuals, low, high), _RESIDUAL_BINS, color=MODEL, alpha=0.7)
        pair.axvline(0, color=INK, linewidth=0.8)
        least, middle, most = np.quantile(residuals, [0, 0.5, 1])
        text = f"From {least:.3g} to {most:.3g}, median {middle:.3g}."
        picture = svg(pair, "residual-histogram", "Histogram of residuals", text)
    caption = "The outermost hundredths are counted into the outermost bars."
    return Plot("Residuals", picture, caption)


def _correlation(labels: Array, predictions: Array) -> float:
    if labels.std() == 0 or predictions.std() == 0:
        return float("nan")
    return float(np.corrcoef(labels, predictions)[0, 1])
