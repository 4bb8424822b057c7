"""The ServingCheck component: what InfraValidator is for, without Docker or Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from tfxkit.components.serving_check.executor import Executor
from tfxkit.storage.code_hash import code_hash


class ServingCheckSpec(component_spec.ComponentSpec):
    """What goes in and what comes out."""

    PARAMETERS: ClassVar = {
        "rebuild_fn": component_spec.ExecutionParameter(type=str),
        "split": component_spec.ExecutionParameter(type=str),
        "num_examples": component_spec.ExecutionParameter(type=int),
        "timeout_s": component_spec.ExecutionParameter(type=int),
        "memory_mb": component_spec.ExecutionParameter(type=int),
        "latency_ms": component_spec.ExecutionParameter(type=float),
        "size_mb": component_spec.ExecutionParameter(type=float),
        "strip_features": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar = {
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)
    }


class ServingCheck(base_component.BaseComponent):
    """Loads the model in a fresh process, sends it real requests and judges the answers.

    The process has TensorFlow and nothing of this project, as a model server has; it is not TF
    Serving's own binary. The model passes if it loads and answers within the limits, if each output
    has one row per example, of numbers or text, all finite, and if the predictions equal those of
    the model rebuilt from code and weights to 1e-5 (relative where they are greater than 1).

    A model that fails is not blessed, with a reason; the step itself does not fail. It fails where
    nothing is known of the model: no answer in time, a process that was killed, no memory. TFX
    caches only steps that end well, so an accident of the machine never becomes a verdict.

    Outputs:
        blessing: `InfraBlessing`, as TFX's InfraValidator writes it: the custom property `blessed`
            and a file `INFRA_BLESSED` or `INFRA_NOT_BLESSED`. Custom properties and a file
            `serving_check.json` say why and how fast, see `tfxkit.components.serving_check.result`.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        model: channel.BaseChannel,
        examples: channel.BaseChannel,
        transform_graph: channel.BaseChannel,
        rebuild_fn: str,
        split: str = "eval",
        num_examples: int = 64,
        timeout_s: int = 120,
        memory_mb: int = 4096,
        latency_ms: float = 1000.0,
        size_mb: float = 2048.0,
        strip_features: Sequence[str] = (),
    ) -> None:
        """Constructs the component.

        Args:
            model: `Model` with a SavedModel whose `serving_default` takes serialized tf.Examples.
            examples: `Examples` of raw rows, whose first ones are sent.
            transform_graph: `TransformGraph` that the model was trained with.
            rebuild_fn: Dotted name of `rebuild(model_dir, transform_graph_dir)`, which returns a
                function from serialized examples (list of bytes) to predictions (float array, one
                row per example).
            split: The split that the examples come from.
            num_examples: How many to send.
            timeout_s: Seconds for all of it, after which the step fails; Python and TensorFlow
                alone take 4 to 25 to start.
            memory_mb: Resident memory of the process, in MiB, as a container's limit would count
                it; Python with TensorFlow and no model takes 700.
            latency_ms: For one example, the fastest of several requests, in milliseconds. If the
                fastest took less than this of processor time, the machine was busy: the step fails.
            size_mb: Of all files of the model together, in MiB.
            strip_features: Features that a client does not have, such as what the label is made
                from. The model must answer without them, and answer the same.
        """
        super().__init__(
            ServingCheckSpec(
                model=model,
                examples=examples,
                transform_graph=transform_graph,
                rebuild_fn=rebuild_fn,
                split=split,
                num_examples=num_examples,
                timeout_s=timeout_s,
                memory_mb=memory_mb,
                latency_ms=float(latency_ms),
                size_mb=float(size_mb),
                strip_features=json.dumps(sorted(strip_features)),
                code_hash=code_hash(
                    "tfxkit.components.serving_check", rebuild_fn.rpartition(".")[0]
                ),
                blessing=channel.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
