"""Baseline of a run: the served model, and the statistics of its data, as artifacts."""

from tfxkit.components.baseline.component import Baseline

__all__ = ["Baseline"]
