"""What an own metric of TFMA needs around its Beam combiner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types, metric_util

MakeCombiner = Callable[[metric_types.MetricKey, Any], beam.CombineFn]


def computations(make_combiner: MakeCombiner) -> Any:
    """The computations of a metric of one number.

    Args:
        make_combiner: Takes the metric's key and the EvalConfig; what it makes gives the number
            under that key.

    Returns:
        What the constructor of `metric_types.Metric` takes.
    """

    def compute(
        name: str = "",
        eval_config: Any = None,
        model_name: str = "",
        output_name: str = "",
        example_weighted: bool = False,
    ) -> list[metric_types.MetricComputation]:
        """TFMA looks at the names of these arguments to know what to pass (all positional)."""
        key = metric_types.MetricKey(
            name=name,
            model_name=model_name,
            output_name=output_name,
            example_weighted=example_weighted,
        )
        combiner = make_combiner(key, eval_config)
        return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]

    return metric_util.merge_per_key_computations(compute)
