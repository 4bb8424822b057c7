"""The one description of the data that features, model, evaluation and gates all read.

`configs/dataset.yaml` is validated into a `Dataset`. Steps never open that file: they get the part
they need as JSON in their exec properties (`Dataset.for_model`), so that the cache and remote
workers see exactly what they depend on.
"""

from __future__ import annotations

import enum
from typing import Any, Literal, Self

import pydantic

from tfxkit.config.bounds import Evaluation, Validation
from tfxkit.config.frozen import Frozen

__all__ = ["Column", "Dataset", "DateOrder", "Label", "Role", "Task"]


class Task(enum.StrEnum):
    """Kind of the label, and with it the model's head, its loss and its metrics."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Role(enum.StrEnum):
    """Use of a column as a feature."""

    NUMERIC = "numeric"
    BUCKETIZED = "bucketized"
    CATEGORICAL = "categorical"
    HASHED = "hashed"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    IGNORED = "ignored"


class DateOrder(enum.StrEnum):
    """Order of year, month and day in a date."""

    YMD = "ymd"
    DMY = "dmy"
    MDY = "mdy"


# What each role understands besides `why`; anything else would be silently without effect.
_OPTIONS = {
    Role.NUMERIC: {"fill", "buckets"},
    Role.BUCKETIZED: {"fill", "buckets"},
    Role.CATEGORICAL: {"fill", "vocabulary_size", "min_count"},
    Role.HASHED: {"fill", "buckets"},
    Role.TIMESTAMP: {"unit", "order"},
    Role.TEXT: {"buckets"},
    Role.IGNORED: set(),
}


# The units of numeric timestamps.
TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Column(Frozen):
    """Role of a raw column, and its options.

    A missing value is a value of its own, from which the model learns, unless `fill` says what it
    counts as. A value that the training data did not have is out of vocabulary: also a value of
    its own (`categorical`), or lies beyond the outermost quantile (`numeric`, `bucketized`). Text
    that is no date (`timestamp` with `unit: text`) is missing.
    """

    role: Role
    why: str = pydantic.Field(default="", description="A note for the reader; changes nothing.")
    fill: int | float | str | None = pydantic.Field(
        default=None,
        description="What a missing value counts as; a number where the role needs one.",
    )
    buckets: int | None = pydantic.Field(
        default=None,
        ge=2,
        description="Numeric, bucketized: quantiles. Hashed, text: hash buckets.",
    )
    vocabulary_size: int | None = pydantic.Field(
        default=None, ge=1, description="Keep the most frequent values only; the rest count as one."
    )
    min_count: int = pydantic.Field(
        default=1, ge=1, description="Values in fewer training rows count as out of vocabulary."
    )
    unit: Literal["s", "ms", "us", "ns", "text"] = pydantic.Field(
        default="s",
        description="What a timestamp counts since 1970-01-01 UTC; text for dates and times, such "
        "as 2024-02-29 or 2024-02-29T18:30:00+01:00.",
    )
    order: DateOrder = pydantic.Field(
        default=DateOrder.YMD,
        description="Of year, month and day in text: dmy for 29/02/2024, mdy for 02/29/2024.",
    )

    @pydantic.model_validator(mode="after")
    def _options_fit_role(self) -> Self:
        known = {"role", "why"} | _OPTIONS[self.role]
        if useless := sorted(self.model_fields_set - known - _defaults(self)):
            raise ValueError(f"role {self.role} has no option {', '.join(useless)}")
        numeric = self.role in (Role.NUMERIC, Role.BUCKETIZED)
        if numeric and isinstance(self.fill, str):
            raise ValueError(f"role {self.role} needs a number for fill, not {self.fill!r}")
        if self.unit != "text" and "order" not in _defaults(self):
            raise ValueError("`order` applies only to text dates: set `unit: text`.")
        return self


def _defaults(column: Column) -> set[str]:
    """The options that stand at their default: a dumped column names all of them."""
    fields = Column.model_fields
    return {name for name in fields if getattr(column, name) == fields[name].default}


class Label(Frozen):
    """Source of the label.

    A plain label is the value of `column`. With `greater_than` (binary only) the label is 1 where
    `column > greater_than * times`, `times` being another column of the same row (1 if not given);
    where one of them is missing it is 0, unless such rows are dropped.
    """

    column: str
    times: str | None = None
    greater_than: float | None = None
    positive: str | None = pydantic.Field(
        default=None, description="Binary: the value that counts as 1."
    )
    classes: tuple[str, ...] = pydantic.Field(
        default=(), description="Multiclass: the classes, in order."
    )
    missing: Literal["refuse", "drop"] = pydantic.Field(
        default="refuse",
        description="Rows without a label: refuse to train, or drop them as the data is read.",
    )


class Dataset(Frozen):
    """The description as a whole: `configs/dataset.yaml`."""

    task: Task
    label: Label
    columns: dict[str, Column]
    evaluation: Evaluation = Evaluation()
    validation: Validation = Validation()

    @pydantic.model_validator(mode="after")
    def _label_fits_task(self) -> Self:
        label, task = self.label, self.task
        if task is not Task.BINARY and (label.greater_than is not None or label.positive):
            raise ValueError("label: greater_than and positive are for the task binary")
        if label.greater_than is not None and label.positive is not None:
            raise ValueError("label: give either greater_than or positive")
        if label.times is not None and label.greater_than is None:
            raise ValueError("label: times needs greater_than")
        if (task is Task.MULTICLASS) != bool(label.classes):
            raise ValueError("label: classes are for the task multiclass, which needs them")
        if len(set(label.classes)) != len(label.classes) or len(label.classes) == 1:
            raise ValueError("label: classes must be two or more, each named once")
        if label.column in self.features():
            raise ValueError(f"the label's column {label.column!r} cannot be a feature")
        return self

    @pydantic.model_validator(mode="after")
    def _sections_name_known_columns(self) -> Self:
        named = {
            "evaluation.slices": {name for entry in self.evaluation.slices for name in entry},
            "validation.drift": self.validation.drift.keys(),
            "validation.skew": self.validation.skew.keys(),
        }
        for section, names in named.items():
            if unknown := sorted(names - self.columns.keys()):
                raise ValueError(f"{section}: no such column: {', '.join(unknown)}")
        return self

    def for_model(self) -> dict[str, Any]:
        """The part that features and model depend on, as JSON-ready values."""
        return self.model_dump(
            mode="json",
            include={"task": True, "label": True, "columns": True},
            # What only ExampleGen needs to know, or nobody.
            exclude={"label": {"missing"}, "columns": {"__all__": {"why"}}},
        )

    def features(self) -> dict[str, Column]:
        """The columns that the model sees, in the order of the description."""
        return {name: c for name, c in self.columns.items() if c.role is not Role.IGNORED}

    def required_columns(self) -> tuple[str, ...]:
        """The raw columns without which a row is dropped."""
        sources = (self.label.column, self.label.times) if self.label.missing == "drop" else ()
        return tuple(name for name in sources if name is not None)

    def label_sources(self) -> frozenset[str]:
        """The raw columns that only the label is made from: not there at serving."""
        sources = {self.label.column, self.label.times} - {None} - self.features().keys()
        return frozenset(name for name in sources if name is not None)
