"""A run as its report sees it: the summary, and the artifacts of the steps that came to an end."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from tfx.utils import path_utils

from tfxkit.config.dataset import Dataset
from tfxkit.metrics import Metric, catalogue
from tfxkit.report import bootstrap, eval_rows
from tfxkit.report.bootstrap import Uncertainty
from tfxkit.report.eval_rows import EvalRows
from tfxkit.runs import summary as summaries
from tfxkit.runs.metadata import Artifact, Execution, RunMetadata, first_outputs
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Summary
from tfxkit.storage import served_model

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Run:
    """What the sections are made from.

    Attributes:
        run_dir: The folder of the run.
        outputs: Of the pipeline.
        summary: Of the run.
        dataset: The description of the data that the run had.
        steps: What the metadata file knows of each step.
        artifacts: By step and key; of steps that failed there are none.
    """

    run_dir: Path
    outputs: Outputs
    summary: Summary
    dataset: Dataset
    steps: Mapping[str, Execution]
    artifacts: Mapping[str, Mapping[str, Artifact]]

    @classmethod
    def read(cls, run_dir: Path, outputs: Outputs) -> Run:
        """Reads all but what is costly."""
        summary = summaries.read(run_dir)
        steps = RunMetadata(outputs.metadata, summary.run_id).steps()
        return cls(
            run_dir=run_dir,
            outputs=outputs,
            summary=summary,
            dataset=Dataset.model_validate(summary.config["dataset"]),
            steps=steps,
            artifacts=first_outputs({name: one for name, one in steps.items() if one.succeeded}),
        )

    def artifact(self, step: str, key: str) -> Artifact | None:
        """An output; None if the step did not come to its end, or if it says that there is none."""
        found = self.artifacts.get(step, {}).get(key)
        return None if found is None or found.is_absent else found

    def shown(self, text: str) -> str:
        """A text with paths in it, shortened to what lies in the outputs of the pipeline."""
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
        """The answers of the new model, if it was evaluated."""
        return self._ask(self.model_dir)

    @functools.cached_property
    def served_rows(self) -> EvalRows | None:
        """The answers of the model being served, if there is one and it is another."""
        rows = None if self.is_served else self._ask(self.served_dir)
        if rows is None or self.eval_rows is None:
            return None
        # A label that is made in another way makes other rows: nothing to compare then.
        alike = rows.predictions.shape == self.eval_rows.predictions.shape
        return rows if alike and (rows.labels == self.eval_rows.labels).all() else None

    @functools.cached_property
    def definitions(self) -> dict[str, Metric]:
        """The definitions of the metrics, as far as the project still has them."""
        found = {}
        for name, settings in catalogue.settings_of(self.dataset).items():
            if settings.class_name is None:
                try:
                    classes = self.dataset.label.classes
                    found[name] = catalogue.define(self.dataset.task, classes, name, settings)
                except ValueError:  # a function that is gone since
                    logger.exception("The metric %s has no interval", name)
        return found

    @functools.cached_property
    def uncertainty(self) -> Uncertainty | None:
        """The intervals of all metrics; None if a model gives no answers, as one may not."""
        try:
            if self.eval_rows is None:
                return None
            return bootstrap.intervals(self.definitions, self.eval_rows, self.served_rows)
        except Exception:  # whatever libraries raise at a wrong signature or at damaged files
            logger.exception("The model could not be asked, so there are no intervals")
            return None

    def _ask(self, model_dir: str | None) -> EvalRows | None:
        examples = self.artifact("ExampleGen", "examples")
        if model_dir is None or examples is None or not self.summary.metrics:
            return None
        slices = self.dataset.evaluation.slices
        return eval_rows.load(model_dir, examples.uri, slices, self.run_dir)


def _model_dir(artifact: Artifact | None) -> str | None:
    return path_utils.serving_model_dir(artifact.uri) if artifact else None
