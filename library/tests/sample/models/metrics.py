"""The metric of the tests' own project."""

from __future__ import annotations

import numpy as np


def share_of_hits(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> float:
    """The accuracy of a binary task."""
    return float(np.average((predictions > 0.5) == labels, weights=weights))
