"""Serves requests with a model in a fresh process, within limits."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfxkit.components.serving_check import limits
from tfxkit.components.serving_check.result import Result
from tfxkit.components.serving_check.verdict import NotBlessedError
from tfxkit.errors import MachineError

PROBE = Path(__file__).with_name("probe.py")
# A model server's CPU is enough to check a model, and training may hold the GPU's memory.
ENV = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

Answers = dict[str, dict[str, np.ndarray]]  # request -> output -> values


def serve(
    model_dir: str,
    requests: Mapping[str, Sequence[bytes]],
    timeout_s: int,
    memory_mb: int,
    result: Result,
) -> Answers:
    """Starts a process that loads the model and answers each request.

    Args:
        model_dir: A SavedModel.
        requests: Name -> serialized tf.Examples; `single` (one example) and `batch` are timed.
        timeout_s: Wall-clock seconds for all of it, the start of TensorFlow included.
        memory_mb: MiB of resident memory.
        result: Timings and memory are noted here, also if the model fails.

    Returns:
        What the model answered to each request.

    Raises:
        NotBlessedError: If it cannot be loaded, cannot answer, crashes, or needs too much memory.
        MachineError: If there is no answer, for a reason that need not be the model's.
    """
    with tempfile.TemporaryDirectory() as folder:
        work_dir = Path(folder)
        for name, examples in requests.items():
            with tf.io.TFRecordWriter(str(work_dir / f"{name}.tfrecord")) as writer:
                for example in examples:
                    writer.write(example)
        # -P: the folder of the script is no place to import from.
        program = [sys.executable, "-P", str(PROBE), model_dir, folder, str(timeout_s)]
        ended = limits.run(program, env=ENV, timeout_s=timeout_s, memory_mb=memory_mb)
        result.peak_memory_mb = round(ended.peak_memory_mb, 1)
        if ended.is_accident:
            raise MachineError(f"The process that serves the model {ended.fault}.")
        if ended.fault is not None:
            raise NotBlessedError(ended.fault)
        found: dict[str, Any] = json.loads((work_dir / "probe.json").read_text())
        if "accident" in found:
            raise MachineError(f"The model could not be served: {found['accident']}.")
        if "error" in found:
            raise NotBlessedError(f"does not serve: {found['error']}")
        result.load_seconds = found["load_seconds"]
        result.first_answer_ms = found["first_answer_ms"]
        result.latency_ms = found["single_ms"]
        result.fastest_ms = found["single_fastest_ms"]
        result.processor_ms = found["single_processor_ms"]
        result.batch_latency_ms = found["batch_ms"]
        return _answers(work_dir / "answers.npz", requests)


def _answers(path: Path, requests: Mapping[str, Any]) -> Answers:
    answers: Answers = {name: {} for name in requests}
    with np.load(path) as arrays:
        for key, values in arrays.items():
            request, _, output = key.partition("/")
            answers[request][output] = values
    return answers
