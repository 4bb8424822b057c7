"""Sections `validation` and `evaluation` of `configs/dataset.yaml`.

How far data may move before the gate stops a run; by which metrics a model is measured, and how
good it must be to be pushed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen


class Threshold(Frozen):
    """Thresholds of one metric; a model outside any of them is not blessed."""

    min: float | None = None
    max: float | None = None
    max_worsening: float | None = pydantic.Field(
        default=None,
        ge=0,
        description="By how much the metric may be worse than the baseline's (absolute).",
    )


class MetricSettings(Frozen):
    """One entry of `evaluation.metrics`: which metric its name stands for, and its settings.

    A metric of the pipeline (`metric`, or the entry's name), a class of TFMA or Keras
    (`class_name`), or a function of the project (`function`).
    """

    metric: str | None = pydantic.Field(
        default=None, description="A metric of the pipeline; the entry's name if not given."
    )
    threshold: Annotated[float, pydantic.Field(gt=0, lt=1)] | None = pydantic.Field(
        default=None, description="Binary: a probability above it counts as a yes; 0.5 by default."
    )
    for_class: str | None = pydantic.Field(
        default=None, description="Multiclass: one class against the rest, not the mean of all."
    )
    k: int | None = pydantic.Field(
        default=None, ge=1, description="top_k_accuracy: among how many classes; 2 by default."
    )
    quantile: Annotated[float, pydantic.Field(gt=0, lt=1)] | None = pydantic.Field(
        default=None, description="quantile_loss: the quantile that is predicted; 0.5 by default."
    )

    class_name: str | None = pydantic.Field(
        default=None, description="A class of TFMA or tf_keras, as in EvalConfig's MetricConfig."
    )
    module: str | None = pydantic.Field(
        default=None, description="Where the class is, if it is none of TFMA's and Keras' metrics."
    )
    config: dict[str, Any] = pydantic.Field(default={}, description="Arguments of the class.")
    query_key: str | None = pydantic.Field(
        default=None, description="The column whose equal values make a query, as in MetricsSpec."
    )
    binarize: dict[str, Any] = pydantic.Field(default={}, description="As in MetricsSpec.")
    aggregate: dict[str, Any] = pydantic.Field(default={}, description="As in MetricsSpec.")

    function: str | None = pydantic.Field(
        default=None,
        pattern=r"^\w+(\.\w+)+$",
        description="Dotted name of a function (labels, predictions, weights) -> float.",
    )
    better: str | None = pydantic.Field(
        default=None,
        pattern=r"^(higher|lower|near -?\d+(\.\d+)?)$",
        description="Direction of better values: higher, lower, or near a number.",
    )

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> Self:
        ours = {"metric", "threshold", "for_class", "k", "quantile"}
        theirs = {"class_name", "module", "config", "query_key", "binarize", "aggregate"}
        kinds = {"class_name": theirs, "function": {"function"}}
        kind = next((key for key in kinds if getattr(self, key) is not None), "metric")
        known = kinds.get(kind, ours)
        given = {name for name in type(self).model_fields if getattr(self, name)}
        if useless := sorted(given - known - {"better"}):
            raise ValueError(f"{', '.join(useless)}: no setting of a metric that has {kind}")
        if kind == "metric" and self.better:
            raise ValueError("better: the metrics of the pipeline have their direction")
        return self


class WorstSlice(Frozen):
    """Thresholds for each of the slices that have enough rows to be judged, thus on the worst."""

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


class Gap(Frozen):
    """Gap of a metric between the groups of a slice, from the lowest value to the highest."""

    metric: str
    slice: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        description="The columns of one of the slices."
    )
    max: float | None = pydantic.Field(
        default=None, ge=0, description="The largest gap of a model that is blessed."
    )
    min_examples: int = pydantic.Field(
        default=100, ge=1, description="Rows that a group needs to take part."
    )


# TFMA hides a metric whose name begins with an underscore; a slash comes before a sub key.
MetricName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][\w@.-]*$")]


class Evaluation(Frozen):
    """Where the model is measured, by which metrics, and when it is good enough.

    The names of the metrics are those of `tfxkit.metrics.catalogue` and of `metrics`.
    """

    metrics: dict[MetricName, MetricSettings] = pydantic.Field(
        default={}, description="Metrics beside those that every model is measured by."
    )
    slices: tuple[Annotated[tuple[str, ...], pydantic.Field(min_length=1)], ...] = pydantic.Field(
        default=(), description="Columns to slice by, each entry one column or several crossed."
    )
    thresholds: dict[str, Threshold] = {}
    worst_slice: WorstSlice | None = None
    gaps: tuple[Gap, ...] = pydantic.Field(
        default=(), description="Differences between the groups of a slice, such as for fairness."
    )

    @pydantic.field_validator("metrics", mode="before")
    @classmethod
    def _short_forms(cls, metrics: Any) -> Any:
        """`[recall, f1]` and `recall:` with nothing behind it stand for metrics as they are."""
        if isinstance(metrics, list | tuple):
            return {name: {} for name in metrics}
        if isinstance(metrics, Mapping):
            return {name: {} if value is None else value for name, value in metrics.items()}
        return metrics

    @pydantic.model_validator(mode="after")
    def _worst_of_something(self) -> Self:
        if self.worst_slice is not None and not self.slices:
            raise ValueError("worst_slice needs slices")
        sliced = {tuple(sorted(columns)) for columns in self.slices}
        for gap in self.gaps:
            if tuple(sorted(gap.slice)) not in sliced:
                raise ValueError(
                    f"gaps: the model is not sliced by {', '.join(gap.slice)}; add "
                    f"[{', '.join(gap.slice)}] to slices"
                )
        return self


Distance = Annotated[float, pydantic.Field(ge=0, le=1)]


class Comparator(Frozen):
    """Limits to the drift of a column; missing values count as a value of their own."""

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
        description="A warning if a single feature is associated with the label more strongly than "
        "this: 0 is independent, 1 determines it.",
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
