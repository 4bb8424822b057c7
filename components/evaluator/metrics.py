"""The metrics that are measured, by the names that `configs/dataset.yaml` uses for them."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Literal

from tfxkit.config.dataset import Task
from tfxkit.evaluation import EXAMPLE_COUNT, MEAN_LABEL

Better = Literal["higher", "lower", "near one"]

NEED_BOTH_CLASSES = frozenset({"auc", "auc_precision_recall"})


@dataclasses.dataclass(frozen=True)
class Metric:
    """How a metric is measured, and which of two values is the better one.

    Attributes:
        module: Where its class is. It must be ours: see `components.evaluator.extractors`.
        class_name: The class, a `tensorflow_model_analysis.metrics.Metric`.
        better: `near one` is for ratios, for which a change has no direction.
        options: Arguments of the class.
    """

    module: str
    class_name: str
    better: Better
    options: dict[str, str] = dataclasses.field(default_factory=dict)


def _from_sums(what: str, better: Better) -> Metric:
    return Metric("components.evaluator.sums", "FromSums", better, {"what": what})


def _area(curve: str) -> Metric:
    return Metric("components.evaluator.cells", "Area", "higher", {"curve": curve})


# Measured besides; of MEANS, what has no meaning for classes.
COUNTS = {EXAMPLE_COUNT: _from_sums("count", "higher")}
MEANS = {MEAN_LABEL: _from_sums("mean label", "higher")}

_CLASSIFICATION = {
    "auc": _area("roc"),
    "auc_precision_recall": _area("precision recall"),
    "accuracy": _from_sums("accuracy", "higher"),
    "loss": _from_sums("cross entropy", "lower"),
    "expected_calibration_error": Metric(
        "components.evaluator.cells", "ExpectedCalibrationError", "lower"
    ),
}
_CALIBRATION = _from_sums("calibration", "near one")  # mean prediction / mean label

METRICS: dict[Task, dict[str, Metric]] = {
    Task.BINARY: {**_CLASSIFICATION, "calibration": _CALIBRATION},
    Task.MULTICLASS: _CLASSIFICATION,
    Task.REGRESSION: {
        "rmse": _from_sums("root mean squared error", "lower"),
        "mae": _from_sums("absolute error", "lower"),
        "r2": Metric("components.evaluator.determination", "CoefficientOfDetermination", "higher"),
        "squared_pearson_correlation": Metric(
            "components.evaluator.determination", "SquaredCorrelation", "higher"
        ),
        "loss": _from_sums("squared error", "lower"),
        "calibration": _CALIBRATION,
    },
}


def metric(task: Task, name: str) -> Metric:
    """Looks up a metric.

    Raises:
        ValueError: If it does not exist for the task; names the nearest that does.
    """
    known = METRICS[task]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"evaluation: no metric {name!r} for the task {task}; {hint}known: {', '.join(known)}"
        )
    return known[name]


def better(name: str) -> Better:
    """Which of two values of a metric is the better one; the same for all tasks that have it."""
    return next(metrics[name].better for metrics in METRICS.values() if name in metrics)
