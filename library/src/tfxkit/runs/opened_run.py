"""Opens a run for the notebooks: the newest one with the required steps, or a named one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.config.dataset import Dataset
from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import UsageError
from tfxkit.runs.outcome import label_of
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.run_log import import_tensorflow
from tfxkit.runs.summary import State, Summary, find_run, history

if TYPE_CHECKING:
    from tfxkit.runs.metadata import Artifact

__all__ = ["NothingToShowError", "OpenedRun", "open_run"]


class NothingToShowError(UsageError):
    """A run or an output that does not exist; a notebook shows only the message."""

    def _render_traceback_(self) -> list[str]:  # the name that IPython looks for
        return [str(self)]


@dataclasses.dataclass(frozen=True)
class OpenedRun:
    """A run and its artifacts.

    Attributes:
        summary: The content of its `summary.json`.
        dataset: Its description of the data.
        outputs: Of its pipeline.
        artifacts: The output artifacts by step and key, of the steps that succeeded.
        status: Its outcome, in one or two words.
        newer: Sentences about newer runs that lack one of the steps.
    """

    summary: Summary
    dataset: Dataset
    outputs: Outputs
    artifacts: Mapping[str, Mapping[str, Artifact]]
    status: str
    newer: tuple[str, ...] = ()

    def folder(self, step: str, key: str) -> str:
        """The folder of an output artifact.

        Raises:
            NothingToShowError: If the run has none.
        """
        artifact = self.artifacts.get(step, {}).get(key)
        if artifact is None:
            raise NothingToShowError(f"{_sentence(self.summary, self.status)} It has no {step}.")
        return artifact.uri

    def has(self, step: str, key: str) -> bool:
        """True if there is such an artifact, and it is no placeholder."""
        artifact = self.artifacts.get(step, {}).get(key)
        return artifact is not None and not artifact.is_absent

    def __str__(self) -> str:
        """A sentence about each newer run and this one, the newest first."""
        return "\n".join((*self.newer, _sentence(self.summary, self.status)))


def open_run(
    *steps: str, run: str | None = None, config: str | None = None, config_dir: str | None = None
) -> OpenedRun:
    """Opens the newest run that has the steps, or the one that is named.

    Also imports TensorFlow, whose messages would fill the screen otherwise.

    Args:
        *steps: Steps whose outputs the run must have.
        run: A run id or its beginning; `PIPELINE_RUN` if None, and if that is not set the newest.
        config: Overlays, with commas between them; `PIPELINE_CONFIG` if None, else `local`.
        config_dir: The folder of configurations; `PIPELINE_CONFIG_DIR` if None.

    Raises:
        NothingToShowError: If there is no such run, or it lacks one of the steps.
    """
    import_tensorflow()
    run = run or os.environ.get("PIPELINE_RUN") or None
    overlays = config or os.environ.get("PIPELINE_CONFIG") or "local"
    folder = config_dir or os.environ.get("PIPELINE_CONFIG_DIR")
    selection = ConfigSelection(
        tuple(overlays.split(",")), config_dir=Path(folder) if folder else None
    )
    try:
        outputs = Outputs.of(selection)
        newest = find_run(outputs, run or "latest")
        candidates = [newest] if run else reversed(history(outputs.runs))
    except UsageError as error:
        raise NothingToShowError(str(error)) from None
    newer: list[str] = []
    for summary in candidates:
        opened = _open(outputs, summary, tuple(newer))
        lacking = [step for step in steps if step not in opened.artifacts]
        if not lacking:
            return opened
        newer.append(f"{_sentence(summary, opened.status)} It has no {lacking[0]}.")
    raise NothingToShowError("\n".join(newer))


def _open(outputs: Outputs, summary: Summary, newer: tuple[str, ...]) -> OpenedRun:
    from tfxkit.runs.metadata import RunMetadata

    done = {step.name for step in summary.steps if step.state in (State.RUN, State.CACHED)}
    artifacts = RunMetadata(outputs.metadata, summary.run_id).outputs()
    return OpenedRun(
        summary=summary,
        dataset=Dataset.model_validate(summary.config["dataset"]),
        outputs=outputs,
        artifacts={step: artifacts[step] for step in artifacts if step in done},
        status=label_of(outputs, summary),
        newer=newer,
    )


def _sentence(summary: Summary, status: str) -> str:
    error = f": {summary.error.splitlines()[0].rstrip('.')}." if summary.error else "."
    return f"Run {summary.run_id} of {summary.pipeline}, begun {summary.started}: {status}{error}"
