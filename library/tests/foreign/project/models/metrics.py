"""Our metrics."""

import numpy as np


def cost_of_errors(labels, predictions, weights):
    """A tip that we promised and did not come costs 5, one that we did not see coming 1."""
    promised = predictions > 0.5
    costs = 5 * (promised & (labels == 0)) + 1 * (~promised & (labels == 1))
    return np.average(costs, weights=weights)
