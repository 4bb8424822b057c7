"""`summary.json`: what a run did, and how it ended. Documented in docs/summary.md."""

from __future__ import annotations

import enum
import os
import sys
from pathlib import Path
from typing import Any

import pydantic

from tfxkit.config.frozen import Frozen


class State(enum.StrEnum):
    """What became of a step. `skipped`: not reached, or not asked for."""

    RUN = "run"
    CACHED = "cached"
    FAILED = "failed"
    SKIPPED = "skipped"


class Status(enum.StrEnum):
    """How a run ended; `running` in the file of a dead process means that it was killed."""

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


# Nothing is left to do for these; a run that ended otherwise can be resumed.
ENDED = (Status.PUSHED, Status.ALREADY_SERVED, Status.NOT_BLESSED, Status.DONE)


class Step(Frozen):
    """One step of the DAG."""

    name: str
    state: State
    seconds: float


class SliceMetrics(Frozen):
    """The metrics of one slice of the eval split, such as `trip_start_hour: 9`."""

    slice: str
    examples: int | None
    metrics: dict[str, float | None]


class Check(Frozen):
    """One bound that the model was held to."""

    name: str
    passed: bool
    detail: str


class GapSummary(Frozen):
    """How far a metric lies apart in the groups of a slice."""

    metric: str
    slice: str = pydantic.Field(description="The columns that make the groups.")
    gap: float | None = pydantic.Field(description="The highest value less the lowest.")
    baseline_gap: float | None
    lowest: str = pydantic.Field(description="The group with the lowest value.")
    highest: str
    groups: int = pydantic.Field(description="Groups with rows enough and a value.")
    max: float | None = pydantic.Field(description="The bound, if there is one.")


class BaselineSummary(Frozen):
    """The model that was served when the run began."""

    version: str | None
    reason: str | None = pydantic.Field(
        default=None, description="Why there is none, or why not this one."
    )
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
    auc: float | None = pydantic.Field(
        default=None, description="Binary task: of the whole eval split."
    )
    expected_calibration_error: float | None = pydantic.Field(
        default=None, description="Binary task: 15 equal-mass bins, the whole eval split."
    )
    training_seconds: float | None = pydantic.Field(default=None, description="Of the fit alone.")
    metrics: dict[str, float | None] = pydantic.Field(
        default={}, description="Of the whole eval split."
    )
    slices: tuple[SliceMetrics, ...] = ()
    gaps: tuple[GapSummary, ...] = ()
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

    def bounds(self) -> dict[str, Any]:
        """The bounds by metric that the configuration of the run had."""
        return self.config.get("dataset", {}).get("evaluation", {}).get("thresholds") or {}

    def write(self, run_dir: Path) -> None:
        """Writes the file at once or not at all."""
        draft = run_dir / f".summary-{os.getpid()}.json"
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(self.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())  # else the name may survive a power cut, and be empty
            draft.replace(run_dir / "summary.json")
        finally:
            draft.unlink(missing_ok=True)


def read(run_dir: Path) -> Summary:
    """Reads the summary of a run.

    Raises:
        FileNotFoundError: If the folder holds none.
        pydantic.ValidationError: If it does not have this form.
    """
    return Summary.model_validate_json((run_dir / "summary.json").read_text(encoding="utf-8"))


def history(runs: Path) -> list[Summary]:
    """The summaries of all runs, oldest first; folders without a readable one are left out."""
    found = []
    for file in sorted(runs.glob("*/summary.json")):
        if file.parent.is_symlink():
            continue
        try:
            found.append(read(file.parent))
        except (pydantic.ValidationError, OSError):
            sys.stderr.write(f"Left out, since it cannot be read: {file}\n")
    return found
