"""A model served in a fresh process, within limits on time and memory."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tensorflow as tf

from tfxkit.components.serving_check.verdict import NotBlessedError, ServingResult
from tfxkit.errors import MachineError

PROBE = Path(__file__).with_name("probe.py")
# A model server's CPU is enough to check a model, and training may hold the GPU's memory.
ENV = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
POLL_S = 0.02
CRASHES = (signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV)  # caused by the process itself
OUT_OF_MEMORY = re.compile(r"bad_alloc|Cannot allocate memory|[Oo]ut of memory")

Answers = dict[str, dict[str, np.ndarray]]  # request -> output -> values


def serve(
    model_dir: str,
    requests: Mapping[str, Sequence[bytes]],
    timeout_s: int,
    memory_mb: int,
    result: ServingResult,
) -> Answers:
    """Starts a process that loads the model and answers each request.

    Args:
        model_dir: Folder of a SavedModel.
        requests: Serialized tf.Examples by name; `single` (one example) and `batch` are timed.
        timeout_s: Wall-clock seconds for all requests, with the start of TensorFlow.
        memory_mb: MiB of resident memory.
        result: Receives timings and memory, also if the model fails.

    Returns:
        The outputs of the model for each request.

    Raises:
        NotBlessedError: If it cannot be loaded, cannot answer, crashes, or needs too much memory.
        MachineError: If there is no answer, for a reason that may not be the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        work_dir = Path(folder)
        for name, examples in requests.items():
            with tf.io.TFRecordWriter(str(work_dir / f"{name}.tfrecord")) as writer:
                for example in examples:
                    writer.write(example)
        # -P: no imports from the folder of the script.
        program = [sys.executable, "-P", str(PROBE), model_dir, folder, str(timeout_s)]
        ended = run_limited(program, env=ENV, timeout_s=timeout_s, memory_mb=memory_mb)
        result.peak_memory_mb = round(ended.peak_memory_mb, 1)
        if ended.is_accident:
            raise MachineError(f"The process that serves the model {ended.fault}.")
        if ended.fault is not None:
            raise NotBlessedError(ended.fault)
        probed: dict[str, Any] = json.loads((work_dir / "probe.json").read_text())
        if "accident" in probed:
            raise MachineError(f"The model could not be served: {probed['accident']}.")
        if "error" in probed:
            raise NotBlessedError(f"does not serve: {probed['error']}")
        result.load_seconds = probed["load_seconds"]
        result.first_answer_ms = probed["first_answer_ms"]
        result.latency_ms = probed["single_ms"]
        result.fastest_ms = probed["single_fastest_ms"]
        result.processor_ms = probed["single_processor_ms"]
        result.batch_latency_ms = probed["batch_ms"]
        return _answers(work_dir / "answers.npz", requests)


def _answers(path: Path, requests: Mapping[str, Any]) -> Answers:
    answers: Answers = {name: {} for name in requests}
    with np.load(path) as arrays:
        for key, values in arrays.items():
            request, _, output = key.partition("/")
            answers[request][output] = values
    return answers


@dataclasses.dataclass(frozen=True)
class ProcessEnd:
    """End of a program, of its own or by a limit.

    Attributes:
        fault: End of a sentence that begins with the program; None if it ended well.
        peak_memory_mb: Largest resident memory measured, in MiB.
        is_accident: True if the machine may be at fault, so that the program may end well next
            time.
    """

    fault: str | None
    peak_memory_mb: float
    is_accident: bool = False


def run_limited(
    arguments: Sequence[str], env: Mapping[str, str], timeout_s: float, memory_mb: float
) -> ProcessEnd:
    """Runs a program to its end, or stops it at a limit.

    A container's limit counts resident memory. The kernel's own limits count something else:
    RLIMIT_AS the address space, in which TensorFlow maps three times the memory that it uses (and
    hundreds of GiB with a GPU); RLIMIT_DATA leaves out the program itself.

    Args:
        arguments: Program and its arguments.
        env: Environment variables in addition to those of this process.
        timeout_s: Wall-clock seconds.
        memory_mb: MiB of resident memory.

    Returns:
        The end of the program. No answer in time is an accident, since a busy machine makes any
        program slow; so is an end by a signal from outside, as from Linux without free memory.
        Memory beyond the limit and a crash are the program's own fault.
    """
    deadline = time.monotonic() + timeout_s
    peak = 0.0
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                arguments, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            return ProcessEnd(f"could not be started: {error}", peak, is_accident=True)
        try:
            while process.poll() is None:
                peak = max(peak, _resident_mb(process.pid))
                if peak > memory_mb:
                    return ProcessEnd(f"needed more than {memory_mb:.0f} MB of memory", peak)
                if time.monotonic() > deadline:
                    late = f"gave no answer in {timeout_s:.0f} s"
                    return ProcessEnd(late, peak, is_accident=True)
                time.sleep(POLL_S)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    return _process_end(process.returncode, text, peak)


def _resident_mb(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / 2**20
    except psutil.Error:  # it ended meanwhile
        return 0.0


def _process_end(code: int, output: str, peak: float) -> ProcessEnd:
    last_line = output.rsplit("\n", maxsplit=1)[-1]
    if code == 0:
        return ProcessEnd(None, peak)
    if code > 0:  # the program itself catches whatever the model raises
        return ProcessEnd(f"ended with exit code {code}: {last_line}", peak, is_accident=True)
    name = signal.Signals(-code).name
    if -code not in CRASHES:
        return ProcessEnd(f"was killed ({name})", peak, is_accident=True)
    if OUT_OF_MEMORY.search(output):
        return ProcessEnd(f"ran out of memory ({name}): {last_line}", peak, is_accident=True)
    return ProcessEnd(f"crashed the process that served it ({name}): {last_line}", peak)
