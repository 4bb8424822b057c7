"""Judges the answers of a served model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

TOLERANCE = 1e-5
NUMBERS_AND_TEXT = "fiuS"  # numpy's kinds: float, int, unsigned int, bytes
PREDICTIONS = "predictions"


class NotBlessedError(Exception):
    """Why a model is not fit to be pushed: the end of a sentence that begins with the model."""


def check_form(outputs: Mapping[str, np.ndarray], rows: int) -> None:
    """Checks rows, dtype and finiteness of the answer to one request.

    Args:
        outputs: Name -> values of any shape.
        rows: The number of examples in the request.

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
    """The output to compare: called `predictions`, or the only one of floats.

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
    """The largest difference, relative where the reference is greater than 1.

    Args:
        values: Finite predictions, one row per example.
        reference: The same of another model. A shape of (n,) equals one of (n, 1).

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
