"""Verdict on the answers of a served model, and the result that is written into the blessing."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping

import numpy as np
from tfx import types
from tfx.utils import io_utils

TOLERANCE = 1e-5
NUMBERS_AND_TEXT = "fiuS"  # numpy's kinds: float, int, unsigned int, bytes
PREDICTIONS = "predictions"
RESULT_FILE = "serving_check.json"


class NotBlessedError(Exception):
    """Reason for a refused model: the end of a sentence that begins with the model."""


@dataclasses.dataclass
class ServingResult:
    """Content of `serving_check.json`; None stands for what was not reached.

    Attributes:
        blessed: True if the model may be pushed.
        reason: Reason for a refusal, in one sentence.
        size_mb: Size of the model's files, in MiB.
        num_examples: Number of examples sent.
        load_seconds: Time to load the SavedModel.
        first_answer_ms: Time of the first request after that, with all examples.
        latency_ms: Time for one example, median of the requests that follow.
        fastest_ms: Time of the fastest of these, which is compared with the limit.
        processor_ms: Processor time of the fastest; less than `fastest_ms` if it waited.
        batch_latency_ms: Time for all examples at once, median.
        peak_memory_mb: Resident memory of the serving process, in MiB.
        largest_difference: Difference from the predictions of the model rebuilt from code and
            weights.
    """

    blessed: bool = False
    reason: str | None = None
    size_mb: float | None = None
    num_examples: int = 0
    load_seconds: float | None = None
    first_answer_ms: float | None = None
    latency_ms: float | None = None
    fastest_ms: float | None = None
    processor_ms: float | None = None
    batch_latency_ms: float | None = None
    peak_memory_mb: float | None = None
    largest_difference: float | None = None

    def write(self, blessing: types.Artifact) -> None:
        """Writes an `InfraBlessing` as TFX's InfraValidator does, and the result beside it."""
        blessing.set_int_custom_property("blessed", int(self.blessed))
        blessing.set_int_custom_property("num_examples", self.num_examples)
        if self.reason is not None:
            blessing.set_string_custom_property("reason", self.reason)
        for name in ("load_seconds", "latency_ms", "peak_memory_mb", "largest_difference"):
            value = getattr(self, name)
            if value is not None:
                blessing.set_float_custom_property(name, value)
        marker = "INFRA_BLESSED" if self.blessed else "INFRA_NOT_BLESSED"
        io_utils.write_string_file(os.path.join(blessing.uri, marker), "")
        text = json.dumps(dataclasses.asdict(self), indent=2, allow_nan=False)
        io_utils.write_string_file(os.path.join(blessing.uri, RESULT_FILE), text + "\n")


def check_form(outputs: Mapping[str, np.ndarray], rows: int) -> None:
    """Checks rows, dtype and finiteness of the answer to one request.

    Args:
        outputs: Values of any shape, by name.
        rows: Number of examples in the request.

    Raises:
        NotBlessedError: If there is not one row per example, or a value is not finite.
    """
    if not outputs:
        raise NotBlessedError("has no outputs")
    for name, values in outputs.items():
        if values.ndim == 0 or len(values) != rows:
            shape = "x".join(map(str, values.shape)) or "a single one"
            raise NotBlessedError(
                f"answered {rows} examples with {shape} for values of {name!r}, not one row each"
            )
        if values.dtype.kind not in NUMBERS_AND_TEXT:
            raise NotBlessedError(f"answers {name!r} as {values.dtype}, not numbers or text")
        finite = np.isfinite(values) if values.dtype.kind == "f" else np.array(True)
        if not finite.all():
            row = int(np.argwhere(~finite)[0][0])
            value = values[~finite][0]
            raise NotBlessedError(f"answered example {row} with {name} {value}")


def predictions(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Output to compare: the one called `predictions`, or the only one of floats.

    Raises:
        NotBlessedError: If there is no such output.
    """
    floats = {name: values for name, values in outputs.items() if values.dtype.kind == "f"}
    if PREDICTIONS in floats:
        return floats[PREDICTIONS]
    if len(floats) != 1:
        raise NotBlessedError(
            f"has the outputs {', '.join(outputs)}: none is called {PREDICTIONS!r} or is the only "
            "one of floats"
        )
    return next(iter(floats.values()))


def difference(values: np.ndarray, reference: np.ndarray) -> float:
    """Largest difference, relative where the reference is greater than 1.

    Args:
        values: Finite predictions, one row per example.
        reference: Predictions of another model. The shape (n,) equals (n, 1).

    Returns:
        max |values - reference| / max(1, |reference|).

    Raises:
        NotBlessedError: If the shapes differ.
    """
    values = np.asarray(values, np.float64).reshape(len(values), -1)
    reference = np.asarray(reference, np.float64).reshape(len(reference), -1)
    if values.shape != reference.shape:
        raise NotBlessedError(
            f"predicts in the shape {values.shape}, rebuilt in the shape {reference.shape}"
        )
    distances = np.abs(values - reference) / np.maximum(1.0, np.abs(reference))
    return float(distances.max(initial=0.0))
