"""`summary.json`: the steps, results and outcome of a run. Documented on the page `summary`."""

from __future__ import annotations

import enum
import os
import sys
from pathlib import Path
from typing import Any

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.errors import UsageError
from tfxkit.evaluation import EXAMPLE_COUNT, Check, GapResult, Leak, SliceResult
from tfxkit.runs.outputs import SUMMARY_FILE, Outputs

__all__ = ["State", "Status", "Step", "Summary", "find_run", "history", "read"]


class State(enum.StrEnum):
    """State of a step. `skipped`: not reached, or not selected."""

    RUN = "run"
    CACHED = "cached"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


class Status(enum.StrEnum):
    """Outcome of a run; `running` in the file of a dead process means that it was killed."""

    RUNNING = "running"
    PUSHED = "pushed"
    ALREADY_SERVED = "already_served"
    DONE = "done"
    FAILED = "failed"
    NOT_BLESSED = "not_blessed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


EXIT_CODES = {
    Status.PUSHED: 0,
    Status.ALREADY_SERVED: 0,
    Status.DONE: 0,
    Status.FAILED: 1,
    Status.NOT_BLESSED: 3,
    Status.STOPPED: 4,
    Status.INTERRUPTED: 130,
}


# Key of `versions` for this library. Runs of 0.1 do not have it.
LIBRARY = "tfxkit"
# Keys that 0.1 wrote beside the same values in `metrics`.
_REPEATED = ("auc", "expected_calibration_error")

# A run with another status can be resumed.
ENDED = (Status.PUSHED, Status.ALREADY_SERVED, Status.NOT_BLESSED, Status.DONE)


class Step(Frozen):
    """One step of the DAG."""

    name: str
    state: State
    seconds: float
    after: tuple[str, ...] = pydantic.Field(
        default=(), description="The steps that it waits for, whether or not it reads from them."
    )


class BaselineSummary(Frozen):
    """The model that was served when the run started."""

    version: str | None
    reason: str | None = pydantic.Field(default=None, description="Reason for having none.")
    metrics: dict[str, float | None] = {}


class Summary(Frozen):
    """The content of `summary.json`."""

    run_id: str
    pipeline: str
    status: Status
    exit_code: int | None
    started: str = pydantic.Field(description="ISO 8601 with offset.")
    seconds: float
    pid: int
    training_seconds: float | None = pydantic.Field(default=None, description="Of the fit alone.")
    metrics: dict[str, float | None] = pydantic.Field(
        default={}, description="Of the whole eval split."
    )
    slices: tuple[SliceResult, ...] = ()
    gaps: tuple[GapResult, ...] = ()
    sampled: dict[str, int] = pydantic.Field(
        default={}, description="Metrics measured on a uniform sample of the rows: its size."
    )
    thresholds: tuple[Check, ...] = ()
    baseline: BaselineSummary | None = None
    blessed: bool | None = None
    serving_check: dict[str, Any] | None = None
    pushed_path: str | None = None
    already_served: bool | None = None
    data_gate: tuple[str, ...] = pydantic.Field(
        default=(), description="What the gate noticed but let pass."
    )
    leaks: tuple[Leak, ...] = pydantic.Field(
        default=(), description="Features that alone determine nearly all of the label."
    )
    warnings: tuple[str, ...] = pydantic.Field(
        default=(), description="Of steps that succeeded: the custom property `warning` of outputs."
    )
    error: str | None = None
    spans: tuple[int, ...] = ()
    left_out: int = pydantic.Field(default=0, description="Rows without a label.")
    steps: tuple[Step, ...] = ()
    versions: dict[str, str] = {}
    commit: str | None = pydantic.Field(
        default=None,
        description="Git commit of the code; + behind it: with changes that are not committed.",
    )
    arguments: dict[str, Any] = pydantic.Field(
        default={}, description="--from, --to and --config-dir."
    )
    config: dict[str, Any] = {}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_repetitions(cls, tree: Any) -> Any:
        """Accepts the summaries of 0.1, so that its runs are shown and compared like others."""
        if isinstance(tree, dict):
            return {key: value for key, value in tree.items() if key not in _REPEATED}
        return tree

    @property
    def evaluated_rows(self) -> int:
        """The number of rows in the eval split; 0 if nothing was evaluated."""
        return int(self.metrics.get(EXAMPLE_COUNT) or 0)

    def configured_thresholds(self) -> dict[str, Any]:
        """The thresholds of the run's configuration, by metric."""
        return self.config.get("dataset", {}).get("evaluation", {}).get("thresholds") or {}

    def write(self, run_dir: Path) -> None:
        """Writes the file as a whole or not at all."""
        draft = run_dir / f".summary-{os.getpid()}.json"
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(self.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())  # else the name may survive a power cut, and be empty
            draft.replace(run_dir / SUMMARY_FILE)
        finally:
            draft.unlink(missing_ok=True)


def read(run_dir: Path) -> Summary:
    """Reads the summary of a run.

    Raises:
        FileNotFoundError: If the folder has none.
        pydantic.ValidationError: If the file is not a valid summary.
    """
    return Summary.model_validate_json((run_dir / SUMMARY_FILE).read_text(encoding="utf-8"))


def find_run(outputs: Outputs, name: str) -> Summary:
    """The summary of a run.

    Args:
        outputs: The pipeline's outputs.
        name: A run id, the beginning of one, or `latest`.

    Raises:
        UsageError: If no run matches, or more than one.
    """
    runs = history(outputs.runs)
    if not runs:
        raise UsageError(f"There are no runs in {outputs.runs} yet: {outputs.command('run')}")
    if name == "latest":
        # By the link: names are times, and clocks are set back.
        newest = (outputs.runs / "latest").resolve().name
        matches = [run for run in runs if run.run_id == newest]
        if not matches:
            raise UsageError(
                f"The summary of the newest run, {newest}, cannot be read. What that run finished "
                f"is kept: {outputs.command('run')}"
            )
        return matches[0]
    matches = [run for run in runs if run.run_id == name]
    matches = matches or [run for run in runs if run.run_id.startswith(name)]
    if len(matches) != 1:
        word = "No run" if not matches else "More than one run"
        ids = ", ".join(run.run_id for run in (matches or runs)[-5:])
        raise UsageError(f"{word} is called {name!r}; there are: {ids}")
    return matches[0]


def history(runs: Path) -> list[Summary]:
    """The summaries of all runs, oldest first, except for unreadable ones."""
    summaries = []
    for file in sorted(runs.glob(f"*/{SUMMARY_FILE}")):
        if file.parent.is_symlink():
            continue
        try:
            summaries.append(read(file.parent))
        except (pydantic.ValidationError, OSError):
            sys.stderr.write(f"Left out, since it cannot be read: {file}\n")
    return summaries
