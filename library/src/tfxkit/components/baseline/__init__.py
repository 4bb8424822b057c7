"""The model that is being served now, with the statistics of its data, as artifacts of a run."""

from tfxkit.components.baseline.component import Baseline

__all__ = ["Baseline"]
