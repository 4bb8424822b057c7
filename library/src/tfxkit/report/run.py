"""A run, and a pair of runs, as their pages see them: summaries, artifacts and predictions."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tfx.utils import path_utils

from tfxkit.config.dataset import Dataset
from tfxkit.errors import UsageError
from tfxkit.metrics import Metric, catalogue
from tfxkit.report import bootstrap
from tfxkit.report.bootstrap import Intervals, Uncertainty
from tfxkit.report.eval_rows import EvalRows, load_eval_rows
from tfxkit.runs import summary as summaries
from tfxkit.runs.metadata import Artifact, Execution, RunMetadata, first_outputs
from tfxkit.runs.outcome import OUTCOMES
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Summary
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import FINGERPRINT_PROPERTY

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Run:
    """Source of all sections of a page.

    Attributes:
        run_dir: The folder of the run.
        outputs: Of the pipeline.
        summary: Of the run.
        dataset: The description of the data that the run had.
        steps: The executions in ML Metadata, by step.
        artifacts: By step and key; failed steps have none.
    """

    run_dir: Path
    outputs: Outputs
    summary: Summary
    dataset: Dataset
    steps: Mapping[str, Execution]
    artifacts: Mapping[str, Mapping[str, Artifact]]

    @classmethod
    def read(cls, run_dir: Path, outputs: Outputs) -> Run:
        """Reads summary and metadata; costly properties are computed on first use."""
        summary = summaries.read(run_dir)
        steps = RunMetadata(outputs.metadata, summary.run_id).steps()
        return cls(
            run_dir=run_dir,
            outputs=outputs,
            summary=summary,
            dataset=Dataset.model_validate(summary.config["dataset"]),
            steps=steps,
            artifacts=first_outputs({name: step for name, step in steps.items() if step.succeeded}),
        )

    def artifact(self, step: str, key: str) -> Artifact | None:
        """Output of a step; None if the step did not finish, or wrote a placeholder."""
        artifact = self.artifacts.get(step, {}).get(key)
        return None if artifact is None or artifact.is_absent else artifact

    def shorten_paths(self, text: str) -> str:
        """Makes the paths in a text relative to the outputs of the pipeline."""
        return text.replace(f"{self.outputs.root}{os.sep}", "")

    @property
    def config_dir(self) -> Path:
        """The folder of configurations that the run was started with."""
        return Path(self.summary.arguments["config_dir"])

    @property
    def model_dir(self) -> str | None:
        """The SavedModel that was trained."""
        return _model_dir(self.artifact("Trainer", "model"))

    @property
    def served_dir(self) -> str | None:
        """A copy of the model that was served when the run began."""
        return _model_dir(self.artifact("Baseline", "model"))

    @functools.cached_property
    def is_served(self) -> bool:
        """True if the model is the very one that was being served."""
        if self.model_dir is None or self.served_dir is None:
            return False
        return served_model.fingerprint(self.model_dir) == served_model.fingerprint(self.served_dir)

    @functools.cached_property
    def training(self) -> dict | None:
        """The record of the training, see `tfxkit.storage.served_model.TRAINING`."""
        return (
            served_model.read_json(self.model_dir, served_model.TRAINING)
            if self.model_dir
            else None
        )

    @functools.cached_property
    def eval_rows(self) -> EvalRows | None:
        """Predictions of the new model, if it was evaluated."""
        return self._predictions(self.model_dir)

    @functools.cached_property
    def served_rows(self) -> EvalRows | None:
        """Predictions of the served model, if there is one and it differs from the new model."""
        rows = None if self.is_served else self._predictions(self.served_dir)
        if rows is None or self.eval_rows is None:
            return None
        # A label that is made in another way makes other rows: nothing to compare then.
        alike = rows.predictions.shape == self.eval_rows.predictions.shape
        return rows if alike and (rows.labels == self.eval_rows.labels).all() else None

    @functools.cached_property
    def definitions(self) -> dict[str, Metric]:
        """Definitions of the metrics, without functions that the project no longer has."""
        definitions = {}
        for name, settings in catalogue.settings_of(self.dataset).items():
            if settings.class_name is None:
                try:
                    classes = self.dataset.label.classes
                    definitions[name] = catalogue.define(self.dataset.task, classes, name, settings)
                except ValueError:  # a function that is gone since
                    logger.exception("The metric %s has no interval", name)
        return definitions

    @functools.cached_property
    def uncertainty(self) -> Uncertainty | None:
        """Intervals of all metrics; None if the model cannot be called."""
        try:
            if self.eval_rows is None:
                return None
            return bootstrap.intervals(self.definitions, self.eval_rows, self.served_rows)
        except Exception:  # whatever libraries raise at a wrong signature or at damaged files
            logger.exception("The model could not be called, so there are no intervals")
            return None

    def _predictions(self, model_dir: str | None) -> EvalRows | None:
        examples = self.artifact("ExampleGen", "examples")
        if model_dir is None or examples is None or not self.summary.metrics:
            return None
        slices = self.dataset.evaluation.slices
        return load_eval_rows(model_dir, examples.uri, slices, self.run_dir)


@dataclasses.dataclass(frozen=True)
class RunPair:
    """Two runs of a pipeline, each with an evaluated model.

    Attributes:
        older: The run to compare with.
        newer: The run that began later.
    """

    older: Run
    newer: Run

    @classmethod
    def read(cls, one: Summary, other: Summary, outputs: Outputs) -> RunPair:
        """Reads two runs and puts them in chronological order.

        Raises:
            UsageError: If they are the same run, if a run has no evaluated model, or if their
                labels differ.
        """
        if one.run_id == other.run_id:
            raise UsageError(f"Both names are of the run {one.run_id}: name two different ones")
        older, newer = sorted(
            (one, other), key=lambda run: (datetime.fromisoformat(run.started), run.run_id)
        )
        for summary in (older, newer):
            if not summary.metrics:
                raise UsageError(
                    f"The run {summary.run_id} has no model that was measured "
                    f"({_outcome(summary)}), so there is nothing to compare. All runs: "
                    f"{outputs.command('runs')}"
                )
        _check_labels(older, newer)
        return cls(*(Run.read(outputs.runs / run.run_id, outputs) for run in (older, newer)))

    @functools.cached_property
    def _rows(self) -> tuple[EvalRows, EvalRows] | None:
        """Predictions of both models; None if a model cannot be called any more."""
        try:
            older, newer = self.older.eval_rows, self.newer.eval_rows
        except Exception:  # whatever libraries raise at damaged or missing artifacts
            logger.exception("The models of the two runs could not be called")
            return None
        return None if older is None or newer is None else (older, newer)

    @functools.cached_property
    def has_predictions(self) -> bool:
        """True if the predictions of both models are available, so that there are intervals."""
        return self._rows is not None

    @functools.cached_property
    def is_paired(self) -> bool:
        """True if both models were evaluated on the same rows: same data, split and label."""
        if self._rows is None or _data_fingerprint(self.older) != _data_fingerprint(self.newer):
            return False
        older, newer = self._rows
        alike = older.predictions.shape == newer.predictions.shape and older.every == newer.every
        return alike and bool((older.labels == newer.labels).all())

    @functools.cached_property
    def changes(self) -> dict[str, Intervals]:
        """Intervals of the change, by slice and metric; the whole is `bootstrap.WHOLE`."""
        if self._rows is None:
            return {}
        older, newer = self._rows
        metrics = self.newer.definitions
        if self.is_paired:
            return bootstrap.intervals(metrics, newer, older).change
        return bootstrap.independent_change(metrics, newer, older)


def _model_dir(artifact: Artifact | None) -> str | None:
    return path_utils.serving_model_dir(artifact.uri) if artifact else None


def _data_fingerprint(run: Run) -> str | None:
    examples = run.artifact("ExampleGen", "examples")
    return str(examples.properties.get(FINGERPRINT_PROPERTY)) if examples else None


def _outcome(summary: Summary) -> str:
    error = (summary.error or "").partition("\n")[0].rstrip(".")
    label = OUTCOMES[summary.status].label
    return f"{label}: {error}" if error else label


def _check_labels(older: Summary, newer: Summary) -> None:
    datasets = [Dataset.model_validate(run.config["dataset"]) for run in (older, newer)]
    # The treatment of rows without a label does not change what is predicted.
    targets = [(d.task, d.label.model_copy(update={"missing": "drop"})) for d in datasets]
    if targets[0] != targets[1]:
        lines = [
            f"  {run.run_id}: {d.task}, {d.label.model_dump_json(exclude_defaults=True)}"
            for run, d in zip((older, newer), datasets, strict=True)
        ]
        raise UsageError(
            "The two runs predict different things, so their metrics cannot be compared:\n"
            + "\n".join(lines)
        )
