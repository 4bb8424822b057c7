"""ServingCheck: the purpose of InfraValidator, without Docker or Kubernetes."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Sequence
from concurrent import futures
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, channel, component_spec, standard_artifacts
from tfx.utils import io_utils, path_utils

from tfxkit.components.serving_check import verdict
from tfxkit.components.serving_check.fresh_process import serve
from tfxkit.components.serving_check.probe import is_accident
from tfxkit.components.serving_check.verdict import NotBlessedError, ServingResult
from tfxkit.errors import MachineError, ModelError, StorageError
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash
from tfxkit.tracebacks import own_line

logger = logging.getLogger("tfxkit.components.serving_check")

Artifacts = dict[str, list[types.Artifact]]


class ServingCheckSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of `ServingCheck`."""

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


class ServingCheckExecutor(base_executor.BaseExecutor):
    """Serves the model, checks its answers, and blesses or refuses it."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the blessing, also of a refused model.

        Raises:
            MachineError: If the machine was short of time or memory, so that there is no verdict.
                Only a step that ends well is cached.
        """
        result = ServingResult()
        try:
            _check(input_dict, exec_properties, result)
            result.blessed = True
        except MachineError as accident:
            raise MachineError(
                f"{accident} That is no verdict on the model. Run the step again when the machine "
                "is less busy (on this machine: python -m pipeline resume); if it happens again, "
                "raise serving_check.timeout_s or give the step more memory."
            ) from accident
        except NotBlessedError as fault:
            result.reason = f"The model {fault}."
            logger.warning("Not blessed for serving. %s", result.reason)
        result.write(artifact_utils.get_single_instance(output_dict["blessing"]))


class ServingCheck(base_component.BaseComponent):
    """Loads the model in a fresh process, sends it real requests and checks the answers.

    The process has TensorFlow and nothing of this project, like a model server; it is not TF
    Serving's own binary. The model passes if it loads and answers within the limits, if each output
    has one row per example, of numbers or text, all finite, and if the predictions equal those of
    the model rebuilt from code and weights to 1e-5 (relative where they are greater than 1).

    A model that fails is not blessed, with a reason; the step itself does not fail. It fails
    without a verdict on the model: no answer in time, a killed process, no memory. TFX caches only
    steps that end well, so an accident of the machine never becomes a verdict.

    Outputs:
        blessing: `InfraBlessing`, as TFX's InfraValidator writes it: the custom property `blessed`
            and a file `INFRA_BLESSED` or `INFRA_NOT_BLESSED`. Custom properties and a file
            `serving_check.json` hold reason and timings, see `verdict.ServingResult`.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ServingCheckExecutor)

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
            examples: `Examples` of raw rows, the first of which are sent.
            transform_graph: `TransformGraph` of the training.
            rebuild_fn: Dotted name of `rebuild(model_dir, transform_graph_dir)`, which returns a
                function from serialized examples (list of bytes) to predictions (float array, one
                row per example).
            split: Split of the examples.
            num_examples: Number of examples to send.
            timeout_s: Seconds for the whole check, after which the step fails; Python and
                TensorFlow alone take 4 to 25 to start.
            memory_mb: Limit on the resident memory of the process in MiB, as for a container;
                Python with TensorFlow and no model takes 700.
            latency_ms: Limit on the fastest of several requests with one example, in milliseconds.
                If only its processor time is below the limit, the machine was busy: the step fails.
            size_mb: Limit on the size of all files of the model, in MiB.
            strip_features: Features that a client does not have, such as those that the label is
                computed from. The model must answer without them, and answer the same.
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


def _check(inputs: Artifacts, properties: dict[str, Any], result: ServingResult) -> None:
    model_dir = path_utils.serving_model_path(artifact_utils.get_single_uri(inputs["model"]))
    result.size_mb = round(_size_mb(model_dir), 3)
    if result.size_mb > properties["size_mb"]:
        raise NotBlessedError(
            f"is too large: {result.size_mb:.1f} MB, {properties['size_mb']:g} MB are allowed"
        )
    full = _examples(artifact_utils.get_single_instance(inputs["examples"]), properties)
    result.num_examples = len(full)
    absent = json.loads(properties["strip_features"])
    batch = [_without_features(example, absent) for example in full]
    requests = {"batch": batch, "single": batch[:1], "full": full}
    transform_graph_dir = artifact_utils.get_single_uri(inputs["transform_graph"])
    with futures.ThreadPoolExecutor(1) as beside:  # the fresh process takes seconds to start
        rebuilding = beside.submit(
            _rebuilt, properties["rebuild_fn"], model_dir, transform_graph_dir, full
        )
        answers = serve(
            model_dir, requests, properties["timeout_s"], properties["memory_mb"], result
        )
    for name, examples in requests.items():
        verdict.check_form(answers[name], len(examples))
    _check_latency(result, properties["latency_ms"])
    predictions = verdict.predictions(answers["batch"])
    change = verdict.difference(predictions, verdict.predictions(answers["full"]))
    if change > verdict.TOLERANCE:
        raise NotBlessedError(
            f"predicts otherwise (by {change:.2g}) where {', '.join(absent)} are not given, "
            "as by a client"
        )
    result.largest_difference = verdict.difference(predictions, rebuilding.result())
    if result.largest_difference > verdict.TOLERANCE:
        raise NotBlessedError(
            f"predicts otherwise (by {result.largest_difference:.2g}) than the same model rebuilt "
            "from code and weights"
        )


def _check_latency(result: ServingResult, limit_ms: float) -> None:
    """Compares the fastest request, the one least delayed by other processes, with the limit."""
    fastest, processor = result.fastest_ms or 0.0, result.processor_ms or 0.0
    if fastest <= limit_ms:
        return
    if processor <= limit_ms:
        raise MachineError(
            f"One example takes {fastest:.1f} ms, but only {processor:.1f} ms of processor time; "
            f"serving_check.latency_ms allows {limit_ms:g} ms."
        )
    raise NotBlessedError(
        f"is too slow: one example takes {fastest:.1f} ms, {limit_ms:g} ms are allowed"
    )


def _size_mb(model_dir: str) -> float:
    files = (
        os.path.join(folder, name) for folder, _, names in fileio.walk(model_dir) for name in names
    )
    return sum(fileio.stat(file).length for file in files) / 2**20


def _examples(artifact: types.Artifact, properties: dict[str, Any]) -> list[bytes]:
    split = properties["split"]
    try:
        examples = _first_examples(artifact, split, properties["num_examples"])
    except ValueError as error:
        raise NotBlessedError(f"was not tried: there is no split {split!r}") from error
    if not examples:
        raise NotBlessedError(f"was not tried: the split {split!r} has no examples")
    return examples


def _rebuilt(
    rebuild_fn: str, model_dir: str, transform_graph_dir: str, examples: list[bytes]
) -> np.ndarray:
    module, _, name = rebuild_fn.rpartition(".")
    try:
        rebuild = getattr(importlib.import_module(module), name)
        with tf.device("/CPU:0"):  # as in the fresh process; a GPU's rounding is coarser
            predict = rebuild(model_dir, transform_graph_dir)
            predictions = np.atleast_1d(np.asarray(predict(examples), np.float64))
    except StorageError:
        raise
    except Exception as error:
        logger.warning("%s failed.", rebuild_fn, exc_info=True)
        if is_accident(error):
            raise MachineError(
                f"The model could not be rebuilt by {rebuild_fn}: {type(error).__name__}: {error}."
            ) from error
        place = None if isinstance(error, ModelError) else own_line(error)
        raise NotBlessedError(
            f"cannot be rebuilt by {rebuild_fn}: {type(error).__name__}: {error}"
            + (f" ({place})" if place else "")
        ) from error
    if not np.isfinite(predictions).all():
        raise NotBlessedError("predicts NaN or infinity when rebuilt from code and weights")
    return predictions


def _first_examples(examples: types.Artifact, split: str, count: int) -> list[bytes]:
    """Reads up to `count` serialized tf.Examples, in the order of the split's files.

    Raises:
        ValueError: If the artifact has no such split.
    """
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(fileio.glob(io_utils.all_files_pattern(folder)))
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    dataset = tf.data.TFRecordDataset(files, compression_type=compression).take(count)
    return list(dataset.as_numpy_iterator())


def _without_features(serialized: bytes, names: Sequence[str]) -> bytes:
    """Returns a tf.Example without some of its features."""
    example = tf.train.Example.FromString(serialized)
    for name in names:
        example.features.feature.pop(name, None)
    return example.SerializeToString(deterministic=True)
