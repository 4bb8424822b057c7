"""The metrics that are measured, by the names that `configs/dataset.yaml` uses for them."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, Literal

from models.dataset import Task

Better = Literal["higher", "lower", "near one"]

EXAMPLE_COUNT = "example_count"
MEAN_LABEL = "mean_label"
NEED_BOTH_CLASSES = frozenset({"auc", "auc_precision_recall"})


@dataclasses.dataclass(frozen=True)
class Metric:
    """How TFMA measures a metric, and which of two values is the better one.

    Attributes:
        class_name: A metric of TFMA; of tf_keras, where TFMA does not know the name; or of
            `module`. TFMA loses its own FBetaScore on the way (0.52), so look at the result.
        better: `near one` is for ratios, for which a change has no direction.
        module: Where the class is, if it is ours.
        options: Arguments of the class.
        macro_averaged: Multiclass: the mean over one-against-the-rest of each class.
    """

    class_name: str
    better: Better
    module: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    macro_averaged: bool = False


_CALIBRATION_ERROR = Metric(
    "ExpectedCalibrationError", "lower", module="components.evaluator.calibration"
)

METRICS: dict[Task, dict[str, Metric]] = {
    Task.BINARY: {
        "auc": Metric("AUC", "higher"),
        "auc_precision_recall": Metric("AUCPrecisionRecall", "higher"),
        "accuracy": Metric("BinaryAccuracy", "higher"),
        "loss": Metric("BinaryCrossEntropy", "lower"),
        "calibration": Metric("Calibration", "near one"),  # mean prediction / mean label
        "expected_calibration_error": _CALIBRATION_ERROR,
    },
    Task.MULTICLASS: {
        "auc": Metric("AUC", "higher", macro_averaged=True),
        "auc_precision_recall": Metric("AUCPrecisionRecall", "higher", macro_averaged=True),
        "accuracy": Metric("SparseCategoricalAccuracy", "higher"),
        "loss": Metric("SparseCategoricalCrossentropy", "lower"),
        "expected_calibration_error": _CALIBRATION_ERROR,
    },
    Task.REGRESSION: {
        "rmse": Metric("RootMeanSquaredError", "lower"),
        "mae": Metric("MeanAbsoluteError", "lower"),
        "r2": Metric(
            "CoefficientOfDetermination", "higher", module="components.evaluator.determination"
        ),
        "squared_pearson_correlation": Metric("SquaredPearsonCorrelation", "higher"),
        "loss": Metric("MeanSquaredError", "lower"),
        "calibration": Metric("Calibration", "near one"),
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
