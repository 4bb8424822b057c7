"""The expected calibration error over bins of equal mass.

How far predicted probabilities are from observed frequencies (Naeini, Cooper and Hauskrecht, 2015,
"Obtaining well calibrated probabilities using Bayesian binning"; bins of equal mass as in Nguyen
and O'Connor, 2015). The cells are shared out among the bins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 15


def equal_mass_error(cells: NDArray[np.float64], num_bins: int) -> float:
    """The expected calibration error of rows that are counted in cells.

    Args:
        cells: In the order of their predictions, a row each: the number of rows in the cell, the
            sum of their predictions and the sum of their outcomes. A cell on the border of two
            bins is shared between them.
        num_bins: The number of bins. Where the rows cannot be parted equally, the first bins have
            one more, as in `np.array_split`.

    Returns:
        The error, from 0 to 1; NaN without any row.
    """
    rows = np.append(0.0, np.cumsum(cells[:, 0]))
    if not rows[-1]:
        return float("nan")
    size, extra = divmod(rows[-1], num_bins)
    number = np.arange(num_bins + 1)
    borders = number * size + np.minimum(number, extra)
    gap = np.append(0.0, np.cumsum(cells[:, 1] - cells[:, 2]))
    return float(np.abs(np.diff(np.interp(borders, rows, gap))).sum() / rows[-1])
