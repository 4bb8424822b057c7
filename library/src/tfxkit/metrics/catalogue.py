"""Metrics by their names in `configs/dataset.yaml`, and the direction of better values."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Iterable

from tfxkit.config.dataset import Dataset, Evaluation, MetricSettings, Task
from tfxkit.evaluation import COUNTS, EXAMPLE_COUNT
from tfxkit.metrics import builtin, functions
from tfxkit.metrics.definition import HIGHER, LOWER, UNKNOWN, Metric, sign

# Probability above which the answer of a binary model counts as a yes, unless a metric sets its own
# `threshold`.
DECISION_THRESHOLD = 0.5
# Names in earlier runs, and their current names.
RENAMED = {"auc_precision_recall": "pr_auc", "loss": "log_loss"}
_LOSS_OF_REGRESSION = "mse"
_IN_ARRAY = re.compile(r"/\d+$")


@dataclasses.dataclass(frozen=True)
class Options:
    """Settings of a built-in metric, see `tfxkit.config.dataset.MetricSettings`."""

    threshold: float = DECISION_THRESHOLD
    for_class: int | None = None
    k: int = 2
    quantile: float = 0.5


@dataclasses.dataclass(frozen=True)
class Entry:
    """A built-in metric.

    Attributes:
        define: Makes its definition.
        better: Direction of better values.
        options: Names of its options.
        always: True if it is measured without being configured.
    """

    define: Callable[[Options], Metric]
    better: str = HIGHER
    options: frozenset[str] = frozenset()
    always: bool = True


def _optional(define: Callable[[Options], Metric], *options: str, better: str = HIGHER) -> Entry:
    return Entry(define, better, frozenset(options), always=False)


def _of_counts(name: str, *options: str) -> Entry:
    return _optional(lambda o: builtin.of_counts(name, o.threshold, o.for_class), *options)


_COUNT = Entry(lambda _: builtin.count())
_MEAN_LABEL = Entry(lambda _: builtin.mean_label())
_CALIBRATION = Entry(lambda _: builtin.calibration(), "near 1")
_CLASSIFICATION = {
    "auc": Entry(lambda _: builtin.Area(builtin.area_under_roc)),
    "pr_auc": Entry(lambda _: builtin.Area(builtin.area_under_precision_recall)),
    "accuracy": Entry(lambda o: builtin.accuracy(o.threshold), options=frozenset({"threshold"})),
    "log_loss": Entry(lambda _: builtin.log_loss(), LOWER),
    "expected_calibration_error": Entry(lambda _: builtin.CalibrationError(), LOWER),
}
_COUNTED = ("precision", "recall", "f1", "specificity")

CATALOGUE: dict[Task, dict[str, Entry]] = {
    Task.BINARY: {
        **_CLASSIFICATION,
        "calibration": _CALIBRATION,
        **{name: _of_counts(name, "threshold") for name in _COUNTED},
    },
    Task.MULTICLASS: {
        **_CLASSIFICATION,
        "accuracy": Entry(lambda o: builtin.accuracy(o.threshold)),
        **{name: _of_counts(name, "for_class") for name in _COUNTED},
        "top_k_accuracy": _optional(lambda o: builtin.top_k_accuracy(o.k), "k"),
    },
    Task.REGRESSION: {
        "rmse": Entry(lambda _: builtin.rmse(), LOWER),
        "mae": Entry(lambda _: builtin.mae(), LOWER),
        "r2": Entry(lambda _: builtin.r2()),
        "squared_pearson_correlation": Entry(lambda _: builtin.squared_correlation()),
        "mse": Entry(lambda _: builtin.mse(), LOWER),
        "calibration": _CALIBRATION,
        "mape": _optional(lambda _: builtin.mape(), better=LOWER),
        "quantile_loss": _optional(
            lambda o: builtin.quantile_loss(o.quantile), "quantile", better=LOWER
        ),
        "medae": _optional(lambda _: functions.MedianAbsoluteError(), better=LOWER),
    },
}
# Packages with metric classes whose code only changes with their version.
LIBRARIES = ("tensorflow_model_analysis", "tf_keras", "keras", "tensorflow")
# The direction of the classes of TFMA and tf_keras.metrics. Any other class has none until `better`
# states it: a wrong guess would bless a worse model.
_HIGHER_CLASSES = """
    AUC AUCPrecisionRecall Accuracy BalancedAccuracy BinaryAccuracy BinaryIoU Bleu
    COCOAveragePrecision COCOAverageRecall COCOMeanAveragePrecision COCOMeanAverageRecall
    CategoricalAccuracy CoefficientOfDiscrimination CosineSimilarity DiagnosticOddsRatio
    ExactMatch F1Score FBetaScore FowlkesMallowsIndex Informedness IoU Markedness
    MatthewsCorrelationCoefficient MaxRecall MeanIoU NDCG NPV NegativePredictiveValue
    ObjectDetectionMaxRecall ObjectDetectionPrecision ObjectDetectionPrecisionAtRecall
    ObjectDetectionRecall OneHotIoU OneHotMeanIoU PPV PositiveLikelihoodRatio Precision
    PrecisionAtRecall R2Score Recall RecallAtFalsePositiveRate RecallAtPrecision
    RelativeCoefficientOfDiscrimination Rouge SemanticSegmentationTruePositive
    SensitivityAtSpecificity SetMatchPrecision SetMatchRecall SparseCategoricalAccuracy
    SparseTopKCategoricalAccuracy Specificity SpecificityAtSensitivity
    SquaredPearsonCorrelation TN TNR TP TPR ThreatScore TopKCategoricalAccuracy TrueNegatives
    TruePositives
"""
_LOWER_CLASSES = """
    BinaryCrossEntropy BinaryCrossentropy CategoricalCrossEntropy CategoricalCrossentropy
    CategoricalHinge FN FNR FP FPR FallOut FalseDiscoveryRate FalseNegatives FalseOmissionRate
    FalsePositives Hinge KLDivergence LogCoshError MeanAbsoluteError MeanAbsolutePercentageError
    MeanRelativeError MeanSquaredError MeanSquaredLogarithmicError MinLabelPosition MissRate
    NegativeLikelihoodRatio Poisson RootMeanSquaredError SemanticSegmentationFalsePositive
    SparseCategoricalCrossentropy SquaredHinge
"""
CLASS_DIRECTIONS = {
    **dict.fromkeys(_HIGHER_CLASSES.split(), HIGHER),
    **dict.fromkeys(_LOWER_CLASSES.split(), LOWER),
    "Calibration": _CALIBRATION.better,
}


def settings_of(dataset: Dataset) -> dict[str, MetricSettings]:
    """Settings of all metrics of a model, in their order in reports."""
    always = [name for name, entry in CATALOGUE[dataset.task].items() if entry.always]
    return {name: MetricSettings() for name in always} | dataset.evaluation.metrics


def define(task: Task, classes: tuple[str, ...], name: str, settings: MetricSettings) -> Metric:
    """Defines a built-in metric, or a function of the project.

    Args:
        task: Task of the model.
        classes: Classes of the label; multiclass only.
        name: Name of the metric in the results.
        settings: Settings of the metric; without `class_name`.

    Raises:
        ValueError: If there is no such metric or setting; the message names the nearest one.
    """
    if settings.function is not None:
        try:
            return functions.load(settings.function)
        except ValueError as error:
            raise ValueError(f"evaluation.metrics.{name}: {error}") from error
    if name in COUNTS:
        return (_COUNT if name == EXAMPLE_COUNT else _MEAN_LABEL).define(Options())
    entry = _entry(task, name, settings)
    options = settings.model_dump(
        exclude_none=True, include={"threshold", "for_class", "k", "quantile"}
    )
    if useless := sorted(options.keys() - entry.options):
        known = ", ".join(sorted(entry.options)) or "no settings"
        raise ValueError(
            f"evaluation.metrics.{name}: {', '.join(useless)} is no setting of "
            f"{settings.metric or name} for the task {task}, which has {known}"
        )
    if settings.for_class is not None:
        if settings.for_class not in classes:
            raise ValueError(
                f"evaluation.metrics.{name}: no class {settings.for_class!r}; "
                f"{did_you_mean(settings.for_class, classes)}"
            )
        options["for_class"] = classes.index(settings.for_class)
    return entry.define(Options(**options))


def _entry(task: Task, name: str, settings: MetricSettings) -> Entry:
    base = settings.metric or name
    known = CATALOGUE[task]
    if base in known:
        return known[base]
    hint = did_you_mean(base, known)
    kinds = "" if settings.metric else ". A class of TFMA needs class_name, a function function"
    raise ValueError(
        f"evaluation.metrics.{name}: no metric {base!r} for the task {task}; {hint}{kinds}"
    )


def definitions(dataset: Dataset) -> dict[str, Metric]:
    """Defines all metrics except those of TFMA and Keras, by name.

    Raises:
        ValueError: If `evaluation.metrics` has an unknown metric or setting.
    """
    return {
        name: define(dataset.task, dataset.label.classes, name, settings)
        for name, settings in settings_of(dataset).items()
        if settings.class_name is None
    }


def base_name(name: str) -> str:
    """Entry of a result; some classes have several results, such as `ndcg/top_k:3`."""
    return name.partition("/")[0]


def better(evaluation: Evaluation, name: str) -> str:
    """Direction of better values of a metric: `higher`, `lower`, `near X`, or `unknown`.

    Args:
        evaluation: Settings of metrics that are not built in.
        name: Name of the metric, also of one from an earlier version.
    """
    settings = evaluation.metrics.get(base_name(name), MetricSettings())
    if settings.better is not None:
        return settings.better
    if settings.class_name is not None:
        return _class_direction(settings.class_name, settings.module or "")
    base = settings.metric or name
    known = {key: entry for entries in CATALOGUE.values() for key, entry in entries.items()}
    entry = known.get(RENAMED.get(base, base))
    return entry.better if entry and settings.function is None else HIGHER


def _class_direction(class_name: str, module: str) -> str:
    package, *inner = module.split(".")
    if package and package not in LIBRARIES:
        return UNKNOWN
    # Losses are minimized; CosineSimilarity has the opposite sign as a metric.
    return LOWER if "losses" in inner else CLASS_DIRECTIONS.get(class_name, UNKNOWN)


def check_direction(evaluation: Evaluation, name: str, where: str) -> None:
    """Refuses `max_worsening` for a metric whose change has no known direction.

    Args:
        evaluation: Settings of metrics that are not built in.
        name: Name of the metric.
        where: Place of `max_worsening` in the configuration.

    Raises:
        ValueError: If the metric is best near a number, or its direction is unknown.
    """
    direction = better(evaluation, name)
    if direction == UNKNOWN:
        raise ValueError(
            f"{where}: max_worsening of {name}: it is unknown whether higher or lower values of "
            f"this class are better; set evaluation.metrics.{base_name(name)}.better"
        )
    if not sign(direction):
        raise ValueError(
            f"{where}: {name} is best {direction}, so a change has no direction; set min and max "
            "instead of max_worsening"
        )


def renamed(task: Task, name: str) -> str:
    """Current name of a metric of an earlier run."""
    if name == "loss" and task is Task.REGRESSION:
        return _LOSS_OF_REGRESSION
    return RENAMED.get(name, name)


def check_name(task: Task, name: str, known: Iterable[str], where: str) -> None:
    """Refuses the name of a metric that is not measured.

    Raises:
        ValueError: With the nearest metric that is measured, or the setting that adds this one.
    """
    known = list(known)
    if name in known:
        return
    if (new := renamed(task, name)) in known:
        raise ValueError(f"{where}: {name!r} is called {new!r} now; did you mean {new!r}?")
    optional = [key for key, entry in CATALOGUE[task].items() if not entry.always]
    if name in optional:
        raise ValueError(
            f"{where}: {name!r} is measured only where it is asked for: add `{name}:` to "
            "evaluation.metrics"
        )
    hint = did_you_mean(name, known)
    raise ValueError(f"{where}: no metric {name!r} for the task {task}; {hint}")


def check_thresholds(dataset: Dataset, measured: Collection[str]) -> None:
    """Refuses thresholds that no evaluation can apply.

    Args:
        dataset: Description with thresholds on all rows, on slices and on gaps.
        measured: Names of all metrics that are measured.

    Raises:
        ValueError: If a threshold is on a metric that is not measured, or on the change of a metric
            without a direction.
    """
    evaluation = dataset.evaluation
    worst = evaluation.worst_slice
    named = [(name, "thresholds") for name in evaluation.thresholds]
    named += [(worst.metric, "worst_slice")] if worst is not None else []
    named += [(gap.metric, "gaps") for gap in evaluation.gaps]
    for name, section in named:
        # The length of an array that a class returns is unknown before the measurement.
        result = _IN_ARRAY.sub("", name) if name not in measured else name
        check_name(dataset.task, result, sorted(measured), f"evaluation.{section}")
    for name, threshold in evaluation.thresholds.items():
        if threshold.max_worsening is not None:
            check_direction(evaluation, name, "evaluation.thresholds")
    if worst is not None and worst.max_worsening is not None:
        check_direction(evaluation, worst.metric, "evaluation.worst_slice")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Hint with the nearest known name, or with all of them if none is near."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
