"""What came out of an evaluation, as the Evaluator writes it beside TFMA's files."""

from __future__ import annotations

import dataclasses
import json
import os

from tfxkit.evaluation import Check, Metrics, SliceResult
from tfxkit.storage.filesystems import fileio

FILE = "result.json"


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """A model's evaluation.

    Attributes:
        metrics: The candidate's on all rows, by name.
        baseline_metrics: The baseline's; empty if there is none.
        slices: The candidate's by slice, sorted by name.
        checks: Each bound, held or not.
        blessed: Whether there are bounds and all of them hold.
    """

    metrics: Metrics
    baseline_metrics: Metrics
    slices: tuple[SliceResult, ...]
    checks: tuple[Check, ...]
    blessed: bool


def write(result: EvaluationResult, evaluation_uri: str) -> None:
    """Writes a result into the folder of the Evaluator's `evaluation`."""
    with fileio.open(os.path.join(evaluation_uri, FILE), "w") as file:
        file.write(json.dumps(dataclasses.asdict(result), indent=2, sort_keys=True))


def read(evaluation_uri: str) -> EvaluationResult:
    """Reads the result from the folder of the Evaluator's `evaluation`."""
    with fileio.open(os.path.join(evaluation_uri, FILE), "r") as file:
        content = json.loads(file.read())
    return EvaluationResult(
        metrics=content["metrics"],
        baseline_metrics=content["baseline_metrics"],
        slices=tuple(SliceResult(**one) for one in content["slices"]),
        checks=tuple(Check(**one) for one in content["checks"]),
        blessed=content["blessed"],
    )
