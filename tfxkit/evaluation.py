"""Results of an evaluation, as the Evaluator writes them and everything after it reads them.

Imports nothing heavy: summaries and screens use it without TensorFlow.
"""

from __future__ import annotations

import dataclasses

# Metrics that only describe the rows; they are shown apart and have no threshold.
EXAMPLE_COUNT, MEAN_LABEL = "example_count", "mean_label"
COUNTS = (EXAMPLE_COUNT, MEAN_LABEL)

Metrics = dict[str, float | None]
_REFUSE_UNKNOWN = {"extra": "forbid"}  # where pydantic reads one of these from a file


@dataclasses.dataclass(frozen=True)
class SliceResult:
    """The metrics of one slice of the eval split.

    Attributes:
        slice: Such as `trip_start_hour: 9`, or `payment_type: Cash, trip_start_day: 2`.
        examples: The number of its rows.
        metrics: By name; None where a metric is not defined, such as AUC with one class only.
    """

    __pydantic_config__ = _REFUSE_UNKNOWN

    slice: str
    examples: int
    metrics: Metrics


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
