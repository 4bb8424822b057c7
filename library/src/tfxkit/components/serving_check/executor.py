"""Has the model served, judges its answers and blesses it, or says why not."""

from __future__ import annotations

import importlib
import json
import logging
import os
from concurrent import futures
from typing import Any

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from tfxkit.components.serving_check import verdict
from tfxkit.components.serving_check.examples import first_examples, without_features
from tfxkit.components.serving_check.fresh_process import serve
from tfxkit.components.serving_check.probe import is_accident
from tfxkit.components.serving_check.result import Result
from tfxkit.components.serving_check.verdict import NotBlessedError
from tfxkit.errors import MachineError, ModelError, StorageError
from tfxkit.storage.filesystems import fileio
from tfxkit.tracebacks import own_line

logger = logging.getLogger("tfxkit.components.serving_check")

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """See `tfxkit.components.serving_check.component.ServingCheck`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the blessing, whatever the model does.

        Raises:
            MachineError: If the machine was short of time or memory, so that nothing is known of
                the model. Only a step that ends well is cached.
        """
        result = Result()
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


def _check(inputs: Artifacts, properties: dict[str, Any], result: Result) -> None:
    model_dir = path_utils.serving_model_path(artifact_utils.get_single_uri(inputs["model"]))
    result.size_mb = round(_size_mb(model_dir), 3)
    if result.size_mb > properties["size_mb"]:
        raise NotBlessedError(
            f"is too large: {result.size_mb:.1f} MB, {properties['size_mb']:g} MB are allowed"
        )
    full = _examples(artifact_utils.get_single_instance(inputs["examples"]), properties)
    result.num_examples = len(full)
    absent = json.loads(properties["strip_features"])
    batch = [without_features(example, absent) for example in full]
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


def _check_latency(result: Result, limit_ms: float) -> None:
    """Compares the fastest of the requests, which other processes have delayed least."""
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
        examples = first_examples(artifact, split, properties["num_examples"])
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
