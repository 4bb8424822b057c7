"""TFMA's EvalConfig: built from the description of the data, and checked by TFMA."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format

# `import tensorflow_model_analysis` leaves most of the config protos out (0.52).
from tensorflow_model_analysis.proto import config_pb2

from tfxkit.components.evaluator.evaluation import result_name
from tfxkit.config.dataset import Dataset, MetricSettings, Task, Threshold
from tfxkit.evaluation import EXAMPLE_COUNT, MEAN_LABEL, PAIRED
from tfxkit.features.label import LABEL_KEY
from tfxkit.metrics import catalogue
from tfxkit.metrics.definition import HIGHER
from tfxkit.metrics.paired import PairedLoss
from tfxkit.tracebacks import located

METRICS_MODULE = "tfxkit.components.evaluator.metrics"
_GONE = {
    "FairnessIndicators": "it left TFMA for the package fairness-indicators (module: "
    "fairness_indicators.…); without it, evaluation.gaps limits the gap of a metric between groups"
}


def eval_config(dataset: Dataset) -> config_pb2.EvalConfig:
    """Builds TFMA's config of metrics, slices and thresholds.

    The label is the transformed one, from the model's own signature; slices are cut along raw
    columns.

    Args:
        dataset: Description of the data.

    Returns:
        The config. Confidence intervals are off: they cost 6 to 40 times the time.

    Raises:
        ValueError: If a metric or one of its settings does not exist, if a threshold is on a metric
            that is not measured, or on the change of a metric without a direction.
    """
    evaluation = dataset.evaluation
    config = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                label_key=LABEL_KEY,
                preprocessing_function_names=["transform_features"],
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=columns) for columns in evaluation.slices),
        ],
    )
    defined = list(catalogue.definitions(dataset))
    counts = [EXAMPLE_COUNT]
    if dataset.task is not Task.MULTICLASS:  # the mean of classes has no meaning
        counts.append(MEAN_LABEL)
    own = config.metrics_specs.add()
    for name in (*counts, *defined):
        own.metrics.append(_defined(name, dataset))
    if evaluation.paired_test is not None:
        name = f"{PAIRED}{PairedLoss(dataset.task).name}"
        content = json.dumps({"name": name, "task": str(dataset.task)})
        own.metrics.add(class_name="PairedDifference", module=METRICS_MODULE, config=content)
    measured = set(defined)
    for name, settings in evaluation.metrics.items():
        if settings.class_name is not None:
            measured |= _add_class(config, name, settings)
    catalogue.check_thresholds(dataset, measured)
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            name = json.loads(metric.config)["name"]
            if threshold := evaluation.thresholds.get(name):
                # As the metric's plain threshold it would apply to each slice, however small.
                metric.per_slice_thresholds.add(
                    slicing_specs=[config_pb2.SlicingSpec()],
                    threshold=_threshold(catalogue.better(evaluation, name), threshold),
                )
    return config


def has_foreign_metrics(config: config_pb2.EvalConfig) -> bool:
    """True if a metric is a class of TFMA or Keras, which take one row at a time."""
    return any(
        metric.module != METRICS_MODULE for spec in config.metrics_specs for metric in spec.metrics
    )


def sampled_metrics(config: config_pb2.EvalConfig) -> list[str]:
    """Metrics that are measured on a sample of a slice with very many rows."""
    names = []
    for metric in (metric for spec in config.metrics_specs for metric in spec.metrics):
        if metric.class_name == "DefinedMetric" and metric.module == METRICS_MODULE:
            content = json.loads(metric.config)
            settings = MetricSettings.model_validate(content["settings"])
            name, task = content["name"], Task(content["task"])
            if catalogue.define(task, tuple(content["classes"]), name, settings).sampled:
                names.append(name)
    return names


def _defined(name: str, dataset: Dataset) -> config_pb2.MetricConfig:
    settings = dataset.evaluation.metrics.get(name, MetricSettings())
    content = {
        "name": name,
        "task": str(dataset.task),
        "classes": list(dataset.label.classes),
        "settings": settings.model_dump(mode="json", exclude_defaults=True),
    }
    return config_pb2.MetricConfig(
        class_name="DefinedMetric", module=METRICS_MODULE, config=json.dumps(content)
    )


def _add_class(config: config_pb2.EvalConfig, name: str, settings: MetricSettings) -> set[str]:
    """Adds a metric of TFMA or Keras; returns the names of its results."""
    where = f"evaluation.metrics.{name}"
    if "name" in settings.config:
        raise ValueError(
            f"{where}: config.name would rename the result; rename the entry {name} instead"
        )
    content: dict[str, Any] = {"name": name, **settings.config}
    spec = config_pb2.MetricsSpec(query_key=settings.query_key or "")
    try:
        for field in ("binarize", "aggregate"):
            if options := getattr(settings, field):
                json_format.ParseDict(options, getattr(spec, field))
    except json_format.ParseError as error:
        raise ValueError(f"{where}: {error}") from error
    spec.metrics.add(
        class_name=settings.class_name,
        module=settings.module or "",
        config=json.dumps(content),
    )
    names = _results(where, config, spec)
    config.metrics_specs.append(spec)
    return names


def _results(where: str, config: config_pb2.EvalConfig, spec: config_pb2.MetricsSpec) -> set[str]:
    """Makes the computations of a metric, as the Evaluator will; returns the names of its results.

    Raises:
        ValueError: If TFMA or Keras rejects the class or its settings.
    """
    from tensorflow_model_analysis.metrics import metric_specs, metric_types
    from tensorflow_model_analysis.utils.keras_lib import tf_keras

    [metric] = spec.metrics
    known = {*metric_types.registered_metrics(), *_public_classes(tf_keras.metrics)}
    if not metric.module and metric.class_name not in known:
        hint = _GONE.get(metric.class_name) or catalogue.did_you_mean(metric.class_name, known)
        raise ValueError(
            f"{where}: no metric of TFMA or Keras is called {metric.class_name}; {hint}"
        )
    try:
        computations = metric_specs.to_computations([spec], eval_config=config)
    except Exception as error:  # of any kind, from a class with wrong settings
        first_line = str(error).strip().partition("\n")[0]
        message = (
            f"{where}: {metric.class_name} cannot be made with these settings: "
            f"{first_line or type(error).__name__}"
        )
        raise ValueError(located(message, error)) from error
    keys = [key for computation in computations for key in computation.keys]
    return {
        result_name(key.to_proto())
        for key in keys
        if not isinstance(key, metric_types.PlotKey) and not key.name.startswith("_")
    }


def _public_classes(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if isinstance(value, type)]


def _threshold(better: str, threshold: Threshold) -> config_pb2.MetricThreshold:
    result = config_pb2.MetricThreshold()
    if threshold.min is not None:
        result.value_threshold.lower_bound.value = threshold.min
    if threshold.max is not None:
        result.value_threshold.upper_bound.value = threshold.max
    if threshold.max_worsening is not None:
        change = result.change_threshold
        if better == HIGHER:
            change.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
            change.absolute.value = -threshold.max_worsening
        else:
            change.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
            change.absolute.value = threshold.max_worsening
    return result
