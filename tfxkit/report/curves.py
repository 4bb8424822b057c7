"""How the model errs: ROC, precision-recall, calibration, confusion; a regression's residuals."""

from __future__ import annotations

import dataclasses

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from tfxkit.config.dataset import Task
from tfxkit.report import residuals
from tfxkit.report.calibration import calibration
from tfxkit.report.confusion import Confusion, class_names, confusion
from tfxkit.report.data import by_split
from tfxkit.report.eval_rows import EvalRows
from tfxkit.report.figures import DASHES, MODEL, MUTED, SERIES, SERVED, axes, svg
from tfxkit.report.run import Run
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.statistics import Columns

Array = NDArray[np.float64]
_POINTS = 200  # of a curve; more are not seen


@dataclasses.dataclass(frozen=True)
class Plot:
    """A figure with its heading and what to read in it."""

    title: str
    svg: Markup
    caption: str


@dataclasses.dataclass(frozen=True)
class Line:
    """What a line in the figures stands for; `style` is a class of the style sheet."""

    name: str
    style: str


@dataclasses.dataclass(frozen=True)
class Curves:
    """The section."""

    plots: list[Plot]
    lines: list[Line]
    confusion: Confusion | None
    left_out: int


@dataclasses.dataclass(frozen=True)
class _Curve:
    labels: Array
    scores: Array
    colour: str
    dash: object


def make(run: Run) -> Curves | None:
    """Draws the section; None if nothing was evaluated."""
    rows, served = run.eval_rows, run.served_rows
    if rows is None or not len(rows.labels):
        return None
    task, classes = run.dataset.task, run.dataset.label.classes
    if task is Task.REGRESSION:
        plots = [Plot(*each) for each in residuals.plots(rows.labels, rows.predictions)]
        return Curves(plots, [], None, 0)
    models = [Line("this model", "model")] + ([Line("served before", "served")] if served else [])
    lines, drawn, left_out = models, _of_models(rows, served), 0
    if task is Task.MULTICLASS:
        chosen = _largest(rows.labels, len(classes))
        lines = [Line(classes[one], f"series-{n}") for n, one in enumerate(chosen, 1)]
        drawn = _of_classes(rows, chosen)
        left_out = len(classes) - len(chosen)
    drawable = [one for one in drawn if 0 < one.labels.mean() < 1]
    plots = [_roc(drawable), _precision_recall(drawable)] if drawable else []
    plots.append(Plot(*calibration(rows, served)))
    found = confusion(rows, class_names(run.dataset, _statistics(run)))
    return Curves(plots, lines, found, left_out)


def _statistics(run: Run) -> list[Columns]:
    """The statistics of the splits; none if their files are gone, which section Data reports."""
    artifact = run.artifact("StatisticsGen", "statistics")
    try:
        return list(by_split(artifact).values()) if artifact else []
    except fileio.NotFoundError:
        return []


def _of_models(rows: EvalRows, served: EvalRows | None) -> list[_Curve]:
    before = [_Curve(served.labels, served.predictions, SERVED, "--")] if served else []
    return [*before, _Curve(rows.labels, rows.predictions, MODEL, "-")]


def _largest(labels: Array, classes: int) -> list[int]:
    counts = np.bincount(labels.astype(np.intp), minlength=classes)
    return sorted(np.argsort(-counts, kind="stable")[: len(SERIES)].tolist())


def _of_classes(rows: EvalRows, chosen: list[int]) -> list[_Curve]:
    return [
        _Curve((rows.labels == one).astype(np.float64), rows.predictions[:, one], colour, dash)
        for one, colour, dash in zip(chosen, SERIES, DASHES, strict=False)
    ]


def _roc(curves: list[_Curve]) -> Plot:
    areas = []
    with axes("false alarms, of all negatives", "found, of all positives") as pair:
        pair.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
        for one in curves:
            wrong, right, _ = roc_curve(one.labels, one.scores)
            pair.plot(*_thin(wrong, right), color=one.colour, linestyle=one.dash)
            areas.append(roc_auc_score(one.labels, one.scores))
        picture = svg(pair, "roc", "ROC curve", f"Areas under the curves: {_list(areas)}.")
    caption = "The nearer to the upper left corner, the better; the dotted line is guessing."
    return Plot("ROC", picture, caption)


def _precision_recall(curves: list[_Curve]) -> Plot:
    shares = []
    with axes("recall: found, of all positives", "precision: right, of all found") as pair:
        for one in curves:
            precision, recall, _ = precision_recall_curve(one.labels, one.scores)
            pair.plot(*_thin(recall, precision), color=one.colour, linestyle=one.dash)
            shares.append(one.labels.mean())
        pair.axhline(shares[-1], color=MUTED, linewidth=0.8, linestyle=":") if len(
            set(shares)
        ) == 1 else None
        pair.set_ylim(0, 1.02)
        text = f"Shares of positives, which is the precision of guessing: {_list(shares)}."
        picture = svg(pair, "precision-recall", "Precision-recall curve", text)
    caption = "How many of the rows it calls positive are, as it is asked to find more of them."
    return Plot("Precision and recall", picture, caption)


def _thin(x: Array, y: Array) -> tuple[Array, Array]:
    if len(x) <= _POINTS:
        return x, y
    chosen = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int))
    return x[chosen], y[chosen]


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
