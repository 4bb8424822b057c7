"""Where data and models are held to bounds: sections `validation` and `evaluation` of the dataset.

`configs/dataset.yaml` says how far data may move before the gate stops a run, and how good a model
must be to be pushed.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen


class Threshold(Frozen):
    """Bounds of one metric; a model outside any of them is not blessed."""

    min: float | None = None
    max: float | None = None
    max_worsening: float | None = pydantic.Field(
        default=None,
        ge=0,
        description="By how much the metric may be worse than the baseline's (absolute).",
    )


class WorstSlice(Frozen):
    """Bounds on each of the slices that have enough rows to be judged, thus on the worst."""

    metric: str
    min: float | None = None
    max: float | None = None
    max_worsening: float | None = pydantic.Field(
        default=None,
        ge=0,
        description="By how much the metric of any slice may be worse than the baseline's there.",
    )
    min_examples: int = pydantic.Field(default=100, ge=1)

    @pydantic.model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.min is None) == (self.max is None):
            raise ValueError("give either min (higher is better) or max (lower is better)")
        return self


class Evaluation(Frozen):
    """Where the model is measured, and when it is good enough.

    The names of the metrics are those of `components.evaluator.metrics`.
    """

    slices: tuple[Annotated[tuple[str, ...], pydantic.Field(min_length=1)], ...] = pydantic.Field(
        default=(), description="Columns to slice by, each entry one column or several crossed."
    )
    thresholds: dict[str, Threshold] = {}
    worst_slice: WorstSlice | None = None

    @pydantic.model_validator(mode="after")
    def _worst_of_something(self) -> Self:
        if self.worst_slice is not None and not self.slices:
            raise ValueError("worst_slice needs slices")
        return self


Distance = Annotated[float, pydantic.Field(ge=0, le=1)]


class Comparator(Frozen):
    """How far a column's distribution may move. A missing value counts as a value of its own."""

    infinity_norm: Distance | None = pydantic.Field(
        default=None, description="Text: the largest change of any value's share of the rows."
    )
    jensen_shannon: Distance | None = pydantic.Field(
        default=None, description="Numbers: the Jensen-Shannon divergence over quantiles, in bits."
    )

    @pydantic.model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.infinity_norm is None and self.jensen_shannon is None:
            raise ValueError("give infinity_norm (text) or jensen_shannon (numbers)")
        return self


class Validation(Frozen):
    """When the data gate stops the run."""

    stop_at: Literal["warning", "error", "never"] = pydantic.Field(
        default="error", description="The least severe finding that stops the run."
    )
    max_association: Distance | None = pydantic.Field(
        default=0.95,
        description="A warning if a single feature says more of the label: 0 is nothing, 1 all.",
    )
    max_repeated: Distance | None = pydantic.Field(
        default=0.1, description="A warning if a larger share of the rows repeats others."
    )
    drift: dict[str, Comparator] = pydantic.Field(
        default={}, description="Per column, against the data that the served model was trained on."
    )
    skew: dict[str, Comparator] = pydantic.Field(
        default={}, description="Per column, against the statistics of served requests."
    )
    serving_statistics: str | None = pydantic.Field(
        default=None,
        description="The file with those statistics: a DatasetFeatureStatisticsList, as TFDV and "
        "StatisticsGen (FeatureStats.pb) write it; a path that all steps can read.",
    )

    @pydantic.model_validator(mode="after")
    def _skew_against_something(self) -> Self:
        if bool(self.skew) != (self.serving_statistics is not None):
            raise ValueError("skew and serving_statistics need one another")
        return self
