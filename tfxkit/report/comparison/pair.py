"""Two runs that can be compared, and how sure it is that one of them is better."""

from __future__ import annotations

import dataclasses
import functools
import logging
from datetime import datetime

from tfxkit.config.dataset import Dataset
from tfxkit.errors import UsageError
from tfxkit.report import bootstrap
from tfxkit.report.bootstrap import Intervals
from tfxkit.report.eval_rows import EvalRows
from tfxkit.report.run import Run
from tfxkit.runs.outcome import OUTCOMES
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Summary
from tfxkit.storage.examples_artifact import FINGERPRINT_PROPERTY

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two runs of a pipeline, each with a model that was measured.

    Attributes:
        older: What is compared with.
        newer: The one that began later.
    """

    older: Run
    newer: Run

    @classmethod
    def read(cls, one: Summary, other: Summary, outputs: Outputs) -> Pair:
        """Puts two runs into their order.

        Raises:
            UsageError: If they are one run, if a run has no model that was measured, or if they
                predict different things.
        """
        if one.run_id == other.run_id:
            raise UsageError(f"Both names are of the run {one.run_id}: name two different ones")
        older, newer = sorted(
            (one, other), key=lambda run: (datetime.fromisoformat(run.started), run.run_id)
        )
        for summary in (older, newer):
            if not summary.metrics:
                raise UsageError(
                    f"The run {summary.run_id} has no model that was measured ({_ended(summary)}), "
                    f"so there is nothing to compare. All runs: {outputs.command('runs')}"
                )
        _check_labels(older, newer)
        return cls(*(Run.read(outputs.runs / run.run_id, outputs) for run in (older, newer)))

    @functools.cached_property
    def _rows(self) -> tuple[EvalRows, EvalRows] | None:
        """What both models answered; None if one cannot be asked any more."""
        try:
            older, newer = self.older.eval_rows, self.newer.eval_rows
        except Exception:  # whatever libraries raise at damaged or missing artifacts
            logger.exception("The models of the two runs could not be asked")
            return None
        return None if older is None or newer is None else (older, newer)

    @functools.cached_property
    def has_answers(self) -> bool:
        """Whether both models' answers are known, so that there are intervals."""
        return self._rows is not None

    @functools.cached_property
    def is_paired(self) -> bool:
        """Whether both models answered the same rows: the same data, split and label alike."""
        if self._rows is None or _data(self.older) != _data(self.newer):
            return False
        older, newer = self._rows
        alike = older.predictions.shape == newer.predictions.shape and older.every == newer.every
        return alike and bool((older.labels == newer.labels).all())

    @functools.cached_property
    def changes(self) -> dict[str, Intervals]:
        """The interval of the change, by slice and metric; the whole is `bootstrap.WHOLE`."""
        if self._rows is None:
            return {}
        older, newer = self._rows
        metrics = self.newer.definitions
        if self.is_paired:
            return bootstrap.intervals(metrics, newer, older).change
        return bootstrap.independent_change(metrics, newer, older)


def _data(run: Run) -> str | None:
    """The fingerprint of the files that were read."""
    examples = run.artifact("ExampleGen", "examples")
    return str(examples.properties.get(FINGERPRINT_PROPERTY)) if examples else None


def _ended(summary: Summary) -> str:
    error = (summary.error or "").partition("\n")[0].rstrip(".")
    label = OUTCOMES[summary.status].label
    return f"{label}: {error}" if error else label


def _check_labels(older: Summary, newer: Summary) -> None:
    described = [Dataset.model_validate(run.config["dataset"]) for run in (older, newer)]
    # How rows without a label are treated does not change what is predicted.
    predicted = [(d.task, d.label.model_copy(update={"missing": "drop"})) for d in described]
    if predicted[0] != predicted[1]:
        told = [
            f"  {run.run_id}: {d.task}, {d.label.model_dump_json(exclude_defaults=True)}"
            for run, d in zip((older, newer), described, strict=True)
        ]
        raise UsageError(
            "The two runs predict different things, so their metrics cannot be compared:\n"
            + "\n".join(told)
        )
