"""What the steps of both runs did, and how long it took."""

from __future__ import annotations

import dataclasses

from tfxkit.report.comparison.pair import Pair
from tfxkit.runs.summary import State, Step


@dataclasses.dataclass(frozen=True)
class StepChange:
    """A step in both runs; None where a run does not have it."""

    name: str
    older: Step | None
    newer: Step | None

    @property
    def seconds(self) -> float | None:
        """How much longer the newer one took; None unless both ran."""
        ran = [step for step in (self.older, self.newer) if step and step.state is State.RUN]
        return ran[1].seconds - ran[0].seconds if ran[1:] else None


def make(pair: Pair) -> list[StepChange]:
    """Collects the section, in the order of the newer run."""
    older = {step.name: step for step in pair.older.summary.steps}
    newer = {step.name: step for step in pair.newer.summary.steps}
    return [StepChange(name, older.get(name), newer.get(name)) for name in {**newer, **older}]
