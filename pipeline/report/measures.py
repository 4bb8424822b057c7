"""The metrics of `components.evaluator.metrics`, for many weightings of the same rows at once.

TFMA's own confidence intervals cost 6 to 40 times the evaluation, since they run all of Beam for
each resample. Here a resample is a column of weights, and most metrics are one product of matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.dataset import Task

Array = NDArray[np.float64]
Weights = NDArray[np.float32]  # [rows, resamples]: how often a resample has a row

_EPSILON = 1e-7  # what Keras keeps probabilities away from 0 and 1 by


def measure(task: Task, labels: Array, predictions: Array, weights: Weights) -> dict[str, Array]:
    """Measures each resample.

    The expected calibration error is left out: chance alone makes it larger in each resample than
    in the rows themselves, so resamples say nothing about its uncertainty.

    Args:
        task: Of the model.
        labels: Of shape [rows].
        predictions: Of shape [rows]; multiclass: [rows, classes].
        weights: A column for each resample.

    Returns:
        Name of the metric -> [resamples]; NaN where it is not defined, as in a resample with one
        class only.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        match task:
            case Task.BINARY:
                return _binary(labels, predictions, weights)
            case Task.MULTICLASS:
                return _multiclass(labels, predictions, weights)
            case Task.REGRESSION:
                return _regression(labels, predictions, weights)


def _binary(labels: Array, predictions: Array, weights: Weights) -> dict[str, Array]:
    certain = np.clip(predictions, _EPSILON, 1 - _EPSILON)
    loss = -np.where(labels == 1, np.log(certain), np.log1p(-certain))
    right = (predictions > 0.5) == (labels == 1)  # noqa: PLR2004 (the threshold of Keras)
    rows = {"accuracy": right, "loss": loss, "prediction": predictions, "label": labels}
    means = _means(rows, weights)
    auc, area = areas_under_curves(labels, predictions, weights)
    calibration = means["prediction"] / means["label"]
    return {
        "auc": auc,
        "auc_precision_recall": area,
        "accuracy": means["accuracy"],
        "loss": means["loss"],
        "calibration": np.where(means["label"] > 0, calibration, np.nan),
    }


def _multiclass(labels: Array, predictions: Array, weights: Weights) -> dict[str, Array]:
    index = labels.astype(np.intp)
    own = np.clip(predictions[np.arange(len(index)), index], _EPSILON, 1 - _EPSILON)
    rows = {"accuracy": predictions.argmax(axis=1) == index, "loss": -np.log(own)}
    each = [
        areas_under_curves((index == one).astype(np.float64), predictions[:, one], weights)
        for one in range(predictions.shape[1])
    ]
    aucs, areas = np.mean(each, axis=0)
    return {"auc": aucs, "auc_precision_recall": areas, **_means(rows, weights)}


def _regression(labels: Array, predictions: Array, weights: Weights) -> dict[str, Array]:
    # Around the mean label: a difference of large numbers would lose their last digits.
    middle = labels.mean() if len(labels) else 0.0
    y, p = labels - middle, predictions - middle
    rows = {"se": (y - p) ** 2, "ae": np.abs(y - p), "y": y, "p": p, "yy": y * y, "pp": p * p}
    m = _means({**rows, "yp": y * p}, weights)
    variance, spread = m["yy"] - m["y"] ** 2, m["pp"] - m["p"] ** 2
    return {
        "rmse": np.sqrt(m["se"]),
        "mae": m["ae"],
        "r2": 1 - m["se"] / variance,
        "squared_pearson_correlation": (m["yp"] - m["y"] * m["p"]) ** 2 / (variance * spread),
        "loss": m["se"],
        "calibration": (m["p"] + middle) / (m["y"] + middle),
    }


def _means(rows: dict[str, Array], weights: Weights) -> dict[str, Array]:
    """The weighted means: exact to about six digits, in half the time of exact sums."""
    values = np.stack([*rows.values(), np.ones(len(weights))]).astype(np.float32)
    *sums, total = (values @ weights).astype(np.float64)
    return {name: each / total for name, each in zip(rows, sums, strict=True)}


def areas_under_curves(labels: Array, scores: Array, weights: Weights) -> tuple[Array, Array]:
    """The areas under the ROC and the precision-recall curve of each resample.

    Rows with the same score are one step of the curves. Between the steps, precision is
    interpolated as Keras does it (Davis and Goadrich, 2006, "The relationship between
    precision-recall and ROC curves").

    Returns:
        Both of shape [resamples]; NaN for a resample with one class only.
    """
    order = np.argsort(-scores, kind="stable")
    steps = np.append(np.diff(scores[order]) != 0, True)[: len(order)]
    # Sums of whole numbers, exact in float32 up to 16 million rows.
    total = np.cumsum(weights[order], axis=0)[steps]
    hits = np.cumsum(weights[order] * labels[order, np.newaxis].astype(np.float32), axis=0)[steps]
    start = np.zeros((1, weights.shape[1]), np.float32)
    total, hits = np.concatenate([start, total]), np.concatenate([start, hits])
    new_total, new_hits = np.diff(total, axis=0), np.diff(hits, axis=0)
    positives = hits[-1].astype(np.float64)
    negatives = total[-1].astype(np.float64) - positives
    heights = hits[1:] + hits[:-1]
    area = np.einsum("sr,sr->r", new_total - new_hits, heights, dtype=np.float64) / 2

    slope = np.divide(new_hits, new_total, out=np.zeros_like(new_hits), where=new_total > 0)
    growth = np.ones_like(slope)
    np.divide(total[1:], total[:-1], out=growth, where=total[:-1] > 0)
    gained = slope * (new_hits + (hits[1:] - slope * total[1:]) * np.log(growth))
    both = (positives > 0) & (negatives > 0)
    return (
        np.where(both, area / (positives * negatives), np.nan),
        np.where(both, gained.sum(axis=0, dtype=np.float64) / positives, np.nan),
    )
