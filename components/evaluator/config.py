"""Builds TFMA's EvalConfig from the description of the data."""

from __future__ import annotations

import json

# `import tensorflow_model_analysis` leaves most of the config protos out (0.52).
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.metrics import COUNTS, MEANS, METRICS, Better, Metric, metric
from tfxkit.config.bounds import Threshold
from tfxkit.config.dataset import Dataset, Task
from tfxkit.features.label import LABEL_KEY


def eval_config(dataset: Dataset) -> config_pb2.EvalConfig:
    """Says what is measured, on which slices, and within which bounds.

    Metrics carry the names of `components.evaluator.metrics`. The label is the transformed one,
    from the model's own signature; slices are cut along raw columns.

    Args:
        dataset: The description of the data.

    Returns:
        The config. Confidence intervals are off: they cost 6 to 40 times the time.

    Raises:
        ValueError: If thresholds or worst slice name a metric that the task does not have, or ask
            for a change of one that has no direction.
    """
    evaluation = dataset.evaluation
    if evaluation.worst_slice is not None:
        metric(dataset.task, evaluation.worst_slice.metric)
    for name in evaluation.thresholds:
        metric(dataset.task, name)
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
    counted = COUNTS if dataset.task is Task.MULTICLASS else COUNTS | MEANS
    metrics_spec = config.metrics_specs.add()
    for name, spec in (counted | METRICS[dataset.task]).items():
        threshold = evaluation.thresholds.get(name)
        metrics_spec.metrics.append(_metric_config(name, spec, threshold))
    return config


def _metric_config(name: str, spec: Metric, threshold: Threshold | None) -> config_pb2.MetricConfig:
    config = config_pb2.MetricConfig(
        class_name=spec.class_name,
        module=spec.module,
        config=json.dumps({"name": name, **spec.options}),
    )
    if threshold is not None:
        # As the threshold of the metric it would hold for each slice, however small.
        config.per_slice_thresholds.add(
            slicing_specs=[config_pb2.SlicingSpec()],
            threshold=_metric_threshold(name, spec.better, threshold),
        )
    return config


def _metric_threshold(
    name: str, better: Better, threshold: Threshold
) -> config_pb2.MetricThreshold:
    result = config_pb2.MetricThreshold()
    if threshold.min is not None:
        result.value_threshold.lower_bound.value = threshold.min
    if threshold.max is not None:
        result.value_threshold.upper_bound.value = threshold.max
    if threshold.max_worsening is not None:
        change = result.change_threshold
        match better:
            case "higher":
                change.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
                change.absolute.value = -threshold.max_worsening
            case "lower":
                change.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
                change.absolute.value = threshold.max_worsening
            case "near one":
                raise ValueError(
                    f"evaluation.thresholds: {name} is best near 1, so a change has no direction; "
                    "bound it with min and max instead of max_worsening"
                )
    return result
