"""Association of a single column with the label: how much of it the column determines.

The label is predicted from each value of the column, or each of 64 groups of numbers, on one half
of the rows and compared on the other half; otherwise a column of unique names would seem to
determine everything. A few thousand rows suffice.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LEAK = 0.97
"""Association at which a column is taken for a leak of the label, until a person accepts it."""
SAMPLE_ROWS = 3000
_GROUPS = 64  # of numbers, with about equal rows
_FEWEST_ROWS = 100  # fewer prove nothing
_SUM = 0.999  # of the variance: a sum that only predicts the target well explains less
_LEAST_WEIGHT = 0.02  # of a column in a sum, both in standard deviations

Codes = NDArray[np.int64]


def measure_association(codes: Codes, target: NDArray[np.float64], numeric: bool) -> float:
    """Measures how much of a target the values of a column determine.

    Args:
        codes: Of the column's values, see `group_values`.
        target: Classes, or ranks of numbers (see `rank`); NaN where a row has none.
        numeric: True for ranks.

    Returns:
        0 (nothing) to 1 (everything): the share of errors that the column avoids, or for ranks the
        share of their variance that it explains.
    """
    known = np.isfinite(target)
    codes, target = codes[known], target[known]
    if not numeric:
        target = np.unique(target, return_inverse=True)[1].astype(np.float64)
    halves = np.arange(len(target)) % 2 == 0
    guess = _means if numeric else _most_frequent
    lost = to_lose = 0.0
    for learn in (halves, ~halves):
        truth = target[~learn]
        informed = guess(codes, codes[~learn], learn, target)
        blind = guess(0 * codes, 0 * codes[~learn], learn, target)
        lost += _loss(informed, truth, numeric)
        to_lose += _loss(blind, truth, numeric)
    return max(0.0, 1.0 - lost / to_lose) if to_lose else 0.0


def can_be_determined(target: NDArray[np.float64]) -> bool:
    """True if enough rows have a target, and not all the same one."""
    known = target[np.isfinite(target)]
    return len(known) >= _FEWEST_ROWS and len(np.unique(known)) > 1


def group_values(values: NDArray, absent: NDArray[np.bool_]) -> Codes:
    """Code of each value, or of each group of neighbouring numbers; 0 where it is absent."""
    codes = np.unique(values, return_inverse=True)[1]
    if np.issubdtype(values.dtype, np.number) and codes.max(initial=0) >= _GROUPS:
        edges = np.unique(np.quantile(values[~absent], np.linspace(0, 1, _GROUPS + 1)[1:-1]))
        codes = np.searchsorted(edges, values, side="right")
    return np.where(absent, 0, codes + 1).astype(np.int64)


def rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0 to 1, equal for equal values, so that neither unit nor outliers matter."""
    known = np.isfinite(values)
    _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    ranks = np.full(len(values), np.nan)
    ranks[known] = middle[inverse] / max(len(inverse) - 1, 1)
    return ranks


def find_weighted_sum(
    columns: Mapping[str, NDArray[np.float64]], target: NDArray[np.float64]
) -> tuple[str, ...]:
    """Finds numbers whose weighted sum is the target, such as its parts.

    The weights are learned on one half of the rows by least squares, and tested on the other.

    Args:
        columns: Numbers by name; NaN where a row has none.
        target: Numbers.

    Returns:
        The columns that the sum needs; none if it explains less than 99.9 % of the variance.
    """
    names = list(columns)
    table = np.column_stack([columns[name] for name in names])
    known = np.isfinite(table).all(axis=1) & np.isfinite(target)
    table, target = table[known], target[known]
    if not can_be_determined(target):
        return ()
    table = (table - table.mean(axis=0)) / np.where(table.std(axis=0) > 0, table.std(axis=0), 1.0)
    target = (target - target.mean()) / target.std()
    learn = np.arange(len(target)) % 2 == 0
    weights, *_ = np.linalg.lstsq(table[learn], target[learn], rcond=None)
    truth = target[~learn]
    lost, to_lose = np.sum((table[~learn] @ weights - truth) ** 2), np.sum(truth**2)
    if not to_lose or 1 - lost / to_lose < _SUM:
        return ()
    needed = np.abs(weights) >= _LEAST_WEIGHT
    return tuple(name for name, is_needed in zip(names, needed, strict=True) if is_needed)


def _loss(predicted: NDArray[np.float64], truth: NDArray[np.float64], numeric: bool) -> float:
    """Squared error, or number of errors."""
    return float(np.sum((predicted - truth) ** 2 if numeric else predicted != truth))


def _means(
    codes: Codes, queried: Codes, learn: NDArray[np.bool_], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    size = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=size)
    sums = np.bincount(codes[learn], target[learn], size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), target[learn].mean())
    return means[queried]


def _most_frequent(
    codes: Codes, queried: Codes, learn: NDArray[np.bool_], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    classes, size = int(target.max()) + 1, int(codes.max()) + 1
    pairs = codes[learn] * classes + target[learn].astype(np.int64)
    counts = np.bincount(pairs, minlength=size * classes).reshape(size, classes)
    overall = np.bincount(target[learn].astype(np.int64), minlength=classes).argmax()
    best = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), overall)
    return best[queried].astype(np.float64)
