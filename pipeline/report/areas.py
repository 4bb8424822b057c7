"""The areas under the ROC and the precision-recall curve, for many weightings of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Weights: TypeAlias = NDArray[np.float32]  # [rows, resamples]: how often a resample has a row


def areas_under_curves(labels: Array, scores: Array) -> Callable[[Weights], tuple[Array, Array]]:
    """Prepares the areas of scores, whose order is the same in each resample.

    Rows with the same score are one step of the curves. Between the steps, precision is
    interpolated as Keras does it (Davis and Goadrich, 2006, "The relationship between
    precision-recall and ROC curves"). Only steps with a hit, a row of the class that is asked
    for, add to an area; of twenty classes that is one step in twenty for each.

    Args:
        labels: Of shape [rows]: 1 for a hit, 0 for a miss.
        scores: Of shape [rows].

    Returns:
        A function of weights. It returns the areas under the ROC and the precision-recall curve,
        both of shape [resamples]; NaN for a resample with one class only.
    """
    order = np.argsort(-scores, kind="stable")
    hit = labels[order] > 0
    step = np.cumsum(np.diff(scores[order], prepend=np.inf) != 0) - 1
    has_hit = np.bincount(step, hit) > 0
    count = int(has_hit.sum())
    # Of each row the next step with a hit, which may be its own; `count` behind the last one.
    place: Indices = (np.cumsum(has_hit) - has_hit)[step]
    inside = has_hit[step]
    # Of each such step three sums: of the rows since the one before, of its own, of its own hits.
    target = [place, count + 1 + place[inside], 2 * count + 1 + place[hit]]
    source = np.concatenate([order, order[inside], order[hit]]).astype(np.int32)
    ends = np.searchsorted(np.concatenate(target), np.arange(3 * count + 2))
    once = np.ones(len(source), np.float32)
    sums = sparse.csr_array((once, source, ends), shape=(3 * count + 1, len(order)))

    def areas(weights: Weights) -> tuple[Array, Array]:
        since, new_total, new_hits = np.split(sums @ weights, [count + 1, 2 * count + 1])
        # Whole numbers, exact in float32 up to 16 million rows.
        total, hits = np.cumsum(since, axis=0), np.cumsum(new_hits, axis=0)
        total, everything = total[:-1], total[-1].astype(np.float64)
        before = total - new_total
        positives = new_hits.sum(axis=0, dtype=np.float64)
        negatives = everything - positives
        # Twice the misses above each step, where half of its own count.
        above = total + before - 2 * hits + new_hits
        area = negatives * positives - np.einsum("sr,sr->r", new_hits, above, dtype=np.float64) / 2

        # Where there is nothing to divide by, there is nothing to gain either.
        slope = new_hits / np.maximum(new_total, 1)
        growth = np.log(np.maximum(total, 1) / np.maximum(before, 1))
        gained = slope * (new_hits + (hits - slope * total) * growth)
        gained = gained.sum(axis=0, dtype=np.float64)
        undefined = np.full_like(positives, np.nan)
        both = (positives > 0) & (negatives > 0)
        return (
            np.divide(area, positives * negatives, out=undefined.copy(), where=both),
            np.divide(gained, positives, out=undefined, where=both),
        )

    return areas
