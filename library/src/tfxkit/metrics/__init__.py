"""Metrics, each defined once for the Evaluator, its thresholds, and the report's intervals."""

from tfxkit.metrics.definition import Metric, ResampledMetric, Rows, Sums

__all__ = ["Metric", "ResampledMetric", "Rows", "Sums"]
