"""Script of the fresh process: loads a model, sends it requests, writes its answers.

Imports TensorFlow and nothing of this project or TFX, since a model server has neither. The script
makes no verdict: it writes all answers, or the error.

    python probe.py MODEL_DIR WORK_DIR SECONDS

WORK_DIR holds `<request>.tfrecord` files. Written there: `answers.npz`, with an array
`<request>/<output>` each, and `probe.json`, with timings, an `error` of the model, or an `accident`
of the machine.
"""

from __future__ import annotations

import functools
import gc
import json
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

gc.disable()  # the imports make hundreds of thousands of objects, and none of them is garbage

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

gc.freeze()
gc.enable()

SINGLE_CALLS, BATCH_CALLS = 20, 5  # enough for a median, and still fast
# Errors that prove nothing about the model: the next attempt may succeed.
_ACCIDENTS = (
    MemoryError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    tf.errors.UnauthenticatedError,
    tf.errors.UnavailableError,
)


class _CannotServeError(Exception):
    """The text is for the user."""


# A wrong path is wrong at each attempt.
_WRONG_PATHS = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def is_accident(error: Exception) -> bool:
    """Returns True for an accident (memory, disk, network), False for an error of the model."""
    if isinstance(error, OSError) and not isinstance(error, _WRONG_PATHS):
        # Errors of the operating system have a number; TensorFlow's for "no SavedModel" has none.
        return error.errno is not None
    return isinstance(error, _ACCIDENTS)


def main(model_dir: str, work_dir: Path) -> None:
    """Writes `probe.json` and, without an error, `answers.npz`."""
    try:
        content = _probe(model_dir, work_dir)
    except _CannotServeError as error:
        accident = isinstance(error.__cause__, Exception) and is_accident(error.__cause__)
        content = {"accident" if accident else "error": str(error)}
    (work_dir / "probe.json").write_text(json.dumps(content))


def _probe(model_dir: str, work_dir: Path) -> dict[str, Any]:
    start = time.perf_counter()
    loaded = _attempt("it cannot be loaded", lambda: tf.saved_model.load(model_dir))
    load_seconds = time.perf_counter() - start
    serve = _serving_function(loaded)

    answers: dict[str, Any] = {}
    timings: dict[str, Any] = {"load_seconds": round(load_seconds, 3)}
    for path in sorted(work_dir.glob("*.tfrecord")):
        rows = list(tf.data.TFRecordDataset([str(path)]).as_numpy_iterator())
        start = time.perf_counter()
        outputs = _attempt(
            f"it cannot answer the {path.stem} request", functools.partial(serve, rows)
        )
        timings.setdefault("first_answer_ms", _milliseconds(start))
        answers |= {f"{path.stem}/{name}": values for name, values in outputs.items()}
        calls = SINGLE_CALLS if len(rows) == 1 else BATCH_CALLS
        timings |= {f"{path.stem}_{key}": ms for key, ms in _time(calls, serve, rows).items()}
    np.savez(work_dir / "answers.npz", **answers)
    return timings


def _serving_function(loaded: Any) -> Callable[[list[bytes]], dict[str, np.ndarray]]:
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        raise _CannotServeError("it has no signature serving_default")
    inputs = signature.structured_input_signature[1]
    if [spec.dtype for spec in inputs.values()] != [tf.string]:
        arguments = ", ".join(f"{name} ({spec.dtype.name})" for name, spec in inputs.items())
        raise _CannotServeError(
            f"serving_default takes {arguments}, not one tensor of serialized examples"
        )
    [name] = inputs

    def serve(rows: list[bytes]) -> dict[str, np.ndarray]:
        outputs = signature(**{name: tf.constant(rows)})
        arrays = {key: value.numpy() for key, value in outputs.items()}
        return {
            key: value.astype(bytes) if value.dtype == object else value
            for key, value in arrays.items()
        }

    return serve


def _attempt(failure: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        first_line = str(error).strip().split("\n", maxsplit=1)[0]
        raise _CannotServeError(f"{failure}: {type(error).__name__}: {first_line}") from error


def _milliseconds(start: float) -> float:
    return round((time.perf_counter() - start) * 1e3, 3)


def _time(calls: int, serve: Callable[[list[bytes]], Any], rows: list[bytes]) -> dict[str, float]:
    """Milliseconds of several calls: the median, the fastest, and its processor time."""
    timings = []
    for _ in range(calls):
        processor, clock = time.process_time(), time.perf_counter()
        serve(rows)
        timings.append((time.perf_counter() - clock, time.process_time() - processor))
    fastest, processor_time = min(timings)
    seconds = {
        "ms": statistics.median(clock for clock, _ in timings),
        "fastest_ms": fastest,
        "processor_ms": processor_time,
    }
    return {key: round(value * 1e3, 3) for key, value in seconds.items()}


if __name__ == "__main__":
    # The parent enforces the time limit; this alarm is for a parent that is gone.
    signal.alarm(int(sys.argv[3]) + 5)
    main(sys.argv[1], Path(sys.argv[2]))
    gc.freeze()  # else the garbage collector visits all modules once more at exit
