"""The expected calibration error as one would write it down, for benchmarks and tests."""

from __future__ import annotations

import numpy as np

NUM_BINS = 15


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """How far predicted probabilities are from observed frequencies, over bins of equal mass.

    Args:
        probabilities: Of shape [rows], of label 1.
        labels: Of shape [rows], 0 or 1.

    Returns:
        The mean over bins of |mean prediction - mean label|, weighted by the rows of each bin.
    """
    order = np.argsort(probabilities, kind="stable")
    gaps = (np.asarray(probabilities, np.float64) - labels)[order]
    return float(sum(abs(part.sum()) for part in np.array_split(gaps, NUM_BINS)) / len(gaps))
