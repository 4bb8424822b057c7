"""What the page says first, where it takes no run to know."""

from __future__ import annotations

import pytest

from tests.pipeline.report.made_run import made_run
from tfxkit.evaluation import Check
from tfxkit.report import verdict
from tfxkit.runs.summary import Status


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (0, "Pushed as version 3: it is held to no threshold, and the serving check passed."),
        (1, "Pushed as version 3: its one threshold holds, and the serving check passed."),
        (2, "Pushed as version 3: both thresholds hold, and the serving check passed."),
        (3, "Pushed as version 3: all 3 thresholds hold, and the serving check passed."),
    ],
)
def test_the_answer_counts_the_bounds(bounds, told, tmp_path):
    """Nothing is said of a serving check where the pipeline has none."""
    checks = tuple(Check(name=f"{n}: min", passed=True, detail="") for n in range(bounds))
    pushed = {"thresholds": checks, "pushed_path": "serving_model/3"}
    without_check = made_run(tmp_path / "a", Status.PUSHED, **pushed)
    assert verdict.make(without_check).sentence.strip() == told.replace(
        ", and the serving check passed", ""
    )
    run = made_run(tmp_path / "b", Status.PUSHED, **pushed, serving_check={"blessed": True})
    assert verdict.make(run).sentence.strip() == told
