"""The one description of the data that features, model, evaluation and gates all read.

`configs/dataset.yaml` is validated into a `Dataset`. Steps never open that file: they get the part
they need as JSON in their exec properties (`Dataset.for_model`), so that the cache and remote
workers see exactly what they depend on.
"""

from __future__ import annotations

import enum
from typing import Any, Literal

import pydantic


class Frozen(pydantic.BaseModel):
    """Immutable, and refuses keys that it does not know."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Task(enum.StrEnum):
    """What the label is, and with it the model's head, its loss and its metrics."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Role(enum.StrEnum):
    """How a column is used as a feature."""

    NUMERIC = "numeric"
    BUCKETIZED = "bucketized"
    CATEGORICAL = "categorical"
    HASHED = "hashed"
    TIMESTAMP = "timestamp"
    IGNORED = "ignored"


class Column(Frozen):
    """How one column of the raw data becomes a feature."""

    role: Role
    why: str = pydantic.Field("", description="A note for the reader; changes nothing.")


class Label(Frozen):
    """Where the label comes from.

    A plain label is the value of `column`. With `greater_than` (binary only) the label is 1 where
    `column > greater_than * times`, `times` being another column of the same row (1 if not given).
    """

    column: str
    times: str | None = None
    greater_than: float | None = None
    positive: str | None = pydantic.Field(None, description="Binary: the value that counts as 1.")
    classes: tuple[str, ...] = pydantic.Field((), description="Multiclass: the classes, in order.")


class Threshold(Frozen):
    """Bounds of one metric; a model outside any of them is not blessed."""

    min: float | None = None
    max: float | None = None
    max_worsening: float | None = pydantic.Field(
        None, description="By how much the metric may be worse than the baseline's (absolute)."
    )


class WorstSlice(Frozen):
    """A bound on the worst of the slices that have enough rows to be judged."""

    metric: str
    min: float | None = None
    max: float | None = None
    min_examples: int = 100


class Evaluation(Frozen):
    """Where the model is measured, and when it is good enough."""

    slices: tuple[tuple[str, ...], ...] = pydantic.Field(
        (), description="Columns to slice by, each entry one column or several crossed."
    )
    thresholds: dict[str, Threshold] = {}
    worst_slice: WorstSlice | None = None


class Comparator(Frozen):
    """How far a column's distribution may move; one of the two distances of TFDV."""

    infinity_norm: float | None = pydantic.Field(None, description="Categorical columns, 0 to 1.")
    jensen_shannon: float | None = pydantic.Field(None, description="Numeric columns, 0 to 1.")


class Validation(Frozen):
    """When the data gate stops the run."""

    stop_at: Literal["warning", "error", "never"] = "error"
    drift: dict[str, Comparator] = pydantic.Field(
        {}, description="Per column, against the data that the served model was trained on."
    )
    skew: dict[str, Comparator] = pydantic.Field(
        {}, description="Per column, against the statistics of served requests."
    )


class Dataset(Frozen):
    """The description as a whole: `configs/dataset.yaml`."""

    task: Task
    label: Label
    columns: dict[str, Column]
    evaluation: Evaluation = Evaluation()
    validation: Validation = Validation()

    def for_model(self) -> dict[str, Any]:
        """The part that features and model depend on, as JSON-ready values."""
        return self.model_dump(mode="json", include={"task", "label", "columns"})

    def label_sources(self) -> frozenset[str]:
        """The raw columns that the label is made from: never features, not there at serving."""
        return frozenset(c for c in (self.label.column, self.label.times) if c is not None)
