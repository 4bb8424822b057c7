"""What each step did: when, how long, from what, and whether it was taken from an earlier run."""

from __future__ import annotations

import dataclasses
import os
from datetime import datetime

from pipeline.report import lineage
from pipeline.report.lineage import Graph
from pipeline.report.run import Run
from pipeline.summary import State

MARKS = {State.RUN: "✓", State.CACHED: "=", State.FAILED: "✗", State.SKIPPED: "·"}
WORDS = {
    State.RUN: "run",
    State.CACHED: "reused",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
}


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
    writer = {link.id: name for name, step in run.steps.items() for link in step.outputs}
    longest = max((step.seconds for step in run.summary.steps), default=0.0) or 1.0
    rows = []
    for step in run.summary.steps:
        record = run.steps.get(step.name)
        begun = step.state in (State.RUN, State.FAILED) and record is not None
        rows.append(
            StepRow(
                name=step.name,
                state=step.state,
                started=f"{datetime.fromtimestamp(record.started, zone):%H:%M:%S}"
                if begun and record
                else "",
                seconds=step.seconds,
                share=step.seconds / longest,
                inputs=tuple(Read(i.key, writer.get(i.id)) for i in record.inputs)
                if record
                else (),
                outputs=tuple(
                    Written(o.key, os.path.relpath(o.uri, run.outputs.root), o.id)
                    for o in record.outputs
                )
                if record
                else (),
            )
        )
    after = {step.name: step.after for step in run.summary.steps}
    graph = lineage.draw(run.steps, after) if run.steps else None
    states = dict.fromkeys(run.steps, State.SKIPPED) | {row.name: row.state for row in rows}
    return Steps(rows, graph, states, run.summary.seconds)
