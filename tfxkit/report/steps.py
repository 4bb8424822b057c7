"""What each step did: when, how long, from what, and whether it was taken from an earlier run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from datetime import datetime

from tfxkit.report import lineage
from tfxkit.report.lineage import Graph
from tfxkit.report.run import Run
from tfxkit.runs.metadata import Execution
from tfxkit.runs.summary import State


@dataclasses.dataclass(frozen=True)
class Read:
    """An input: its name, and the step of this run that wrote it."""

    key: str
    source: str | None


@dataclasses.dataclass(frozen=True)
class Written:
    """An output: its name, its folder from the pipeline's outputs on, its number."""

    key: str
    path: str
    id: int


@dataclasses.dataclass(frozen=True)
class StepRow:
    """A step."""

    name: str
    state: State
    started: str
    seconds: float
    share: float
    inputs: tuple[Read, ...]
    outputs: tuple[Written, ...]


@dataclasses.dataclass(frozen=True)
class Steps:
    """The section."""

    rows: list[StepRow]
    graph: Graph | None
    states: dict[str, State]
    seconds: float


def make(run: Run) -> Steps:
    """Collects the section."""
    zone = datetime.fromisoformat(run.summary.started).tzinfo
    writer = {artifact.id: name for name, step in run.steps.items() for artifact in step.written()}
    longest = max((step.seconds for step in run.summary.steps), default=0.0) or 1.0
    rows = []
    for step in run.summary.steps:
        record = run.steps.get(step.name)
        begun = step.state in (State.RUN, State.FAILED, State.INTERRUPTED) and record is not None
        rows.append(
            StepRow(
                name=step.name,
                state=step.state,
                started=f"{datetime.fromtimestamp(record.started, zone):%H:%M:%S}"
                if begun and record
                else "",
                seconds=step.seconds,
                share=step.seconds / longest,
                inputs=_inputs(record, writer) if record else (),
                outputs=_outputs(run, record) if record else (),
            )
        )
    after = {step.name: step.after for step in run.summary.steps}
    graph = lineage.draw(run.steps, after) if run.steps else None
    states = dict.fromkeys(run.steps, State.SKIPPED) | {row.name: row.state for row in rows}
    return Steps(rows, graph, states, run.summary.seconds)


def _inputs(execution: Execution, writer: Mapping[int, str]) -> tuple[Read, ...]:
    return tuple(
        Read(key, writer.get(artifact.id))
        for key, artifacts in execution.inputs.items()
        for artifact in artifacts
    )


def _outputs(run: Run, execution: Execution) -> tuple[Written, ...]:
    return tuple(
        Written(key, os.path.relpath(artifact.uri, run.outputs.root), artifact.id)
        for key, artifacts in execution.outputs.items()
        for artifact in artifacts
    )
