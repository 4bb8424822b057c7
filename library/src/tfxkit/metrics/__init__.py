"""Metrics, each defined once for the Evaluator, its thresholds, and the report's intervals."""

from tfxkit.metrics.definition import Metric, Rows
from tfxkit.metrics.sums import Sums

__all__ = ["Metric", "Rows", "Sums"]
