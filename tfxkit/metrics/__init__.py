"""Metrics: each is defined once, for the Evaluator, the bounds, and the intervals of the report."""

from tfxkit.metrics.definition import Metric, Rows
from tfxkit.metrics.sums import Sums

__all__ = ["Metric", "Rows", "Sums"]
