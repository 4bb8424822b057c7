"""Description of the data, the only one: features, model, evaluation and gates all read it.

`configs/dataset.yaml` is validated into a `Dataset`. Steps never open that file: they get the part
they need as JSON in their exec properties (`Dataset.for_model`), so that the cache and remote
workers see exactly what they depend on. Its sections `evaluation` and `validation` are here, too.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen

__all__ = ["Column", "Dataset", "DateOrder", "DatePart", "Label", "Role", "Task"]


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


class DatePart(enum.StrEnum):
    """Feature of a point in time."""

    TREND = "trend"
    TIME_OF_DAY = "time_of_day"
    TIME_OF_WEEK = "time_of_week"
    TIME_OF_YEAR = "time_of_year"


# Options of each role besides `why`; any other would silently have no effect.
_OPTIONS = {
    Role.NUMERIC: {"fill", "buckets"},
    Role.BUCKETIZED: {"fill", "buckets"},
    Role.CATEGORICAL: {"fill", "vocabulary_size", "min_count"},
    Role.HASHED: {"fill", "buckets"},
    Role.TIMESTAMP: {"unit", "order", "parts"},
    Role.TEXT: {"buckets"},
    Role.IGNORED: set(),
}


# The units of numeric timestamps.
TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_S = 24 * 60 * 60
# The seconds of a day, a week and a mean year, by the part of a date that is the place in it.
CYCLES_S = {
    DatePart.TIME_OF_DAY: _DAY_S,
    DatePart.TIME_OF_WEEK: 7 * _DAY_S,
    DatePart.TIME_OF_YEAR: 365.2425 * _DAY_S,
}


class Column(Frozen):
    """Role of a raw column, and its options.

    The model learns from a missing value as from any other, unless `fill` replaces it. A value that
    the training data did not have is out of vocabulary (`categorical`), or lies beyond the
    outermost quantile (`numeric`, `bucketized`). Text that is no date (`timestamp` with
    `unit: text`) is missing.
    """

    role: Role
    why: str = pydantic.Field(default="", description="A note for the reader; changes nothing.")
    known: bool = pydantic.Field(
        default=False,
        description="True accepts a column that nearly determines the label: it is known at "
        "prediction time.",
    )
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
    parts: Annotated[tuple[DatePart, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        default=tuple(DatePart),
        description="Features of a timestamp: its rank (trend), and its place in day, week, year.",
    )

    @pydantic.model_validator(mode="after")
    def _options_fit_role(self) -> Self:
        options = {"role", "why"} | _OPTIONS[self.role]
        options |= {"known"} if self.role is not Role.IGNORED else set()
        if useless := sorted(self.model_fields_set - options - _defaults(self)):
            raise ValueError(f"role {self.role} has no option {', '.join(useless)}")
        numeric = self.role in (Role.NUMERIC, Role.BUCKETIZED)
        if numeric and isinstance(self.fill, str):
            raise ValueError(f"role {self.role} needs a number for fill, not {self.fill!r}")
        if self.unit != "text" and "order" not in _defaults(self):
            raise ValueError("`order` applies only to text dates: set `unit: text`.")
        if len(set(self.parts)) < len(self.parts):
            raise ValueError("parts: each can be named once")
        return self


def _defaults(column: Column) -> set[str]:
    """Options with their default value: a dumped column has all options."""
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
    negative: str | None = pydantic.Field(
        default=None,
        description="Binary: the value that counts as 0. Any other value is then an error; without "
        "this key, every value except `positive` counts as 0.",
    )
    classes: tuple[str, ...] = pydantic.Field(
        default=(), description="Multiclass: the classes, in order."
    )
    missing: Literal["refuse", "drop"] = pydantic.Field(
        default="refuse",
        description="Rows without a label: refuse to train, or drop them as the data is read.",
    )


class Threshold(Frozen):
    """Thresholds of one metric; a model outside any of them is not approved."""

    min: float | None = None
    max: float | None = None
    max_worsening: float | None = pydantic.Field(
        default=None,
        ge=0,
        description="By how much the metric may be worse than the baseline's (absolute).",
    )


class MetricSettings(Frozen):
    """Entry of `evaluation.metrics`: a metric and its settings.

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
    def _one_definition(self) -> Self:
        ours = {"metric", "threshold", "for_class", "k", "quantile"}
        theirs = {"class_name", "module", "config", "query_key", "binarize", "aggregate"}
        settings = {"class_name": theirs, "function": {"function"}}
        key = next((key for key in settings if getattr(self, key) is not None), "metric")
        known = settings.get(key, ours)
        configured = {name for name in type(self).model_fields if getattr(self, name)}
        if useless := sorted(configured - known - {"better"}):
            raise ValueError(f"{', '.join(useless)}: no setting of a metric that has {key}")
        if key == "metric" and self.better:
            raise ValueError("better: the metrics of the pipeline have their direction")
        return self


class WorstSlice(Frozen):
    """Thresholds for the worst of the slices with enough rows to be judged."""

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
    def _one_threshold(self) -> Self:
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
        default=None, ge=0, description="The largest gap of a model that is approved."
    )
    min_examples: int = pydantic.Field(
        default=100, ge=1, description="Rows that a group needs to take part."
    )


class PairedTest(Frozen):
    """Comparison with the baseline by the loss of each row of the eval split.

    A model is not approved if it is significantly worse: if the whole interval of the difference,
    paired by rows, lies above the tolerance. The loss is the log loss, or the squared error of a
    regression. The unit of the tolerance is the baseline's loss, or what it gains on a constant
    prediction, if that is less.
    """

    confidence: Annotated[float, pydantic.Field(ge=0.5, lt=1)] = pydantic.Field(
        default=0.95, description="Of the two-sided interval of the difference."
    )
    tolerance: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=0.05,
        description="The largest worsening that is never refused, as a share of the baseline's "
        "loss or gain: training with another seed changes the loss, too.",
    )


# TFMA hides a metric whose name begins with an underscore; a slash comes before a sub key.
MetricName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][\w@.-]*$")]


class Evaluation(Frozen):
    """Slices and metrics of the evaluation, and the thresholds of a model that is approved.

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
    paired_test: PairedTest | None = pydantic.Field(
        default=PairedTest(),
        description="Refuses a model that is significantly worse than the served one on the same "
        "rows; null switches it off.",
    )
    gaps: tuple[Gap, ...] = pydantic.Field(
        default=(), description="Differences between the groups of a slice, such as for fairness."
    )

    @pydantic.field_validator("metrics", mode="before")
    @classmethod
    def _short_forms(cls, metrics: Any) -> Any:
        """Expands `[recall, f1]`, and `recall:` without a value, to metrics without settings."""
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
    def _some_limit(self) -> Self:
        if self.infinity_norm is None and self.jensen_shannon is None:
            raise ValueError("give infinity_norm (text) or jensen_shannon (numbers)")
        return self


class Validation(Frozen):
    """Findings at which the data gate stops the run."""

    stop_at: Literal["warning", "error", "never"] = pydantic.Field(
        default="error", description="The least severe finding that stops the run."
    )
    max_association: Distance | None = pydantic.Field(
        default=0.95,
        description="A warning if a single feature is associated with the label more strongly than "
        "this, and an error from 0.97: 0 is independent, 1 determines it. See `known` of a column.",
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


class Dataset(Frozen):
    """Description of the data as a whole: `configs/dataset.yaml`."""

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
        if label.negative is not None and label.negative == label.positive:
            raise ValueError("label: positive and negative must be two values")
        if label.negative is not None and label.positive is None:
            raise ValueError("label: negative needs positive")
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
        """Part that features and model depend on, as JSON-ready values."""
        part = self.model_dump(
            mode="json",
            include={"task": True, "label": True, "columns": True},
            # Only ExampleGen reads such a column, if anything does.
            exclude={"label": {"missing"}, "columns": {"__all__": {"why"}}},
        )
        for column in part["columns"].values():
            if not column["known"]:  # read by the data gate only
                del column["known"]
            if column["parts"] == list(DatePart):  # the cache of a project without this key holds
                del column["parts"]
        return part

    def features(self) -> dict[str, Column]:
        """Columns that the model sees, in the order of the description."""
        return {name: c for name, c in self.columns.items() if c.role is not Role.IGNORED}

    def label_values(self) -> tuple[str, ...]:
        """Values that the label can have, as text; empty if this description leaves them open."""
        label = self.label
        if self.task is Task.REGRESSION or label.greater_than is not None:
            return ()
        if self.task is Task.MULTICLASS:
            return label.classes
        if label.positive is None:
            return ("0", "1")
        return () if label.negative is None else (label.negative, label.positive)

    def shows_values(self, column: str) -> bool:
        """True if a report may show values of the column: it is no identifier, name or sentence."""
        if column in (self.label.column, self.label.times):
            return True
        options = self.columns.get(column)
        return options is not None and options.role not in (Role.IGNORED, Role.HASHED, Role.TEXT)

    def required_columns(self) -> tuple[str, ...]:
        """Raw columns without which a row is dropped."""
        sources = (self.label.column, self.label.times) if self.label.missing == "drop" else ()
        return tuple(name for name in sources if name is not None)

    def label_sources(self) -> frozenset[str]:
        """Raw columns that only the label is made from: absent at serving."""
        sources = {self.label.column, self.label.times} - {None} - self.features().keys()
        return frozenset(name for name in sources if name is not None)
