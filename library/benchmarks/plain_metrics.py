"""Metrics as one would write them down, for benchmarks and tests."""

from __future__ import annotations

import math

import numpy as np

NUM_BINS = 15


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error, over bins of equal mass.

    Args:
        probabilities: Of shape [rows], of label 1.
        labels: Of shape [rows], 0 or 1.

    Returns:
        The mean over bins of |mean prediction - mean label|, weighted by the rows of each bin.
    """
    order = np.argsort(probabilities, kind="stable")
    gaps = (np.asarray(probabilities, np.float64) - labels)[order]
    return float(sum(abs(part.sum()) for part in np.array_split(gaps, NUM_BINS)) / len(gaps))


def areas_under_curves(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """The areas under the ROC and the precision-recall curve, walked step by step.

    Args:
        labels: Of shape [rows], 0 or 1, both there.
        scores: Of shape [rows]; rows with the same one are one step.

    Returns:
        Both; precision between two steps is interpolated as Davis and Goadrich (2006) have it.
    """
    positives, hits, rows, roc, precision_recall = int(labels.sum()), 0, 0, 0.0, 0.0
    for score in np.unique(scores)[::-1]:
        step = labels[scores == score]
        new, of = int(step.sum()), len(step)
        roc += (of - new) * (hits + new / 2)
        # Within the step the hits are a + b x for x rows, so precision is b + a / x.
        b = new / of
        a = hits - b * rows
        precision_recall += b * (b * of + a * (math.log((rows + of) / rows) if rows else 0.0))
        hits, rows = hits + new, rows + of
    return roc / (positives * (rows - positives)), precision_recall / positives
