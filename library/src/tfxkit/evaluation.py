"""Results of an evaluation, as the Evaluator writes them and everything after it reads them.

Imports nothing heavy: summaries and screens use it without TensorFlow.
"""

from __future__ import annotations

import dataclasses

# Metrics that only describe the rows; they are shown apart and have no threshold.
EXAMPLE_COUNT, MEAN_LABEL = "example_count", "mean_label"
COUNTS = (EXAMPLE_COUNT, MEAN_LABEL)
# Before the name of the loss that both models are compared by, row by row. No metric of a project
# has a blank in its name.
PAIRED = "paired "

Metrics = dict[str, float | None]
_REFUSE_UNKNOWN = {"extra": "forbid"}  # where pydantic reads one of these from a file


@dataclasses.dataclass(frozen=True)
class SliceResult:
    """The metrics of one slice of the eval split.

    Attributes:
        slice: Such as `trip_start_hour: 9`, or `payment_type: Cash, trip_start_day: 2`.
        examples: The number of its rows.
        metrics: By name; None where a metric is not defined, such as AUC with one class only.
        columns: The columns that it is cut along.
    """

    __pydantic_config__ = _REFUSE_UNKNOWN

    slice: str
    examples: int
    metrics: Metrics
    columns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Check:
    """One threshold that the model was held to.

    Attributes:
        name: Such as `auc: min`, or `accuracy: worst slice`.
        passed: Whether it holds.
        detail: Value and threshold in words; the reason, where it does not hold.
    """

    __pydantic_config__ = _REFUSE_UNKNOWN

    name: str
    passed: bool
    detail: str


@dataclasses.dataclass(frozen=True)
class Leak:
    """A feature that alone determines nearly all of the label.

    Attributes:
        column: Its name.
        association: The share of the label that it determines.
        accepted: True if `configs/dataset.yaml` declares it known at prediction time.
    """

    __pydantic_config__ = _REFUSE_UNKNOWN

    column: str
    association: float
    accepted: bool


@dataclasses.dataclass(frozen=True)
class GapResult:
    """Measured gap of a metric between the groups of a slice.

    Attributes:
        metric: Its name.
        slice: The columns that make the groups.
        gap: The highest value less the lowest; None if fewer than two groups have one.
        baseline_gap: That of the baseline; None if there is none.
        lowest: The group with the lowest value; empty if there is none.
        highest: The group with the highest value.
        groups: The number of groups with rows enough in which the metric is defined.
        max: The largest gap of a model that is blessed, if there is a threshold.
    """

    __pydantic_config__ = _REFUSE_UNKNOWN

    metric: str
    slice: str
    gap: float | None
    baseline_gap: float | None
    lowest: str
    highest: str
    groups: int
    max: float | None
