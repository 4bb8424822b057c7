"""The model that is being served now, with the statistics of its data, as artifacts of a run."""

from components.baseline.component import Baseline

__all__ = ["Baseline"]
