"""The version that a rollback serves, over histories of pushes and copies."""

import json
from pathlib import Path

import pytest

from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import UsageError
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.rollback import version_to_roll_back_to
from tfxkit.storage import served_model

OUTPUTS = Outputs(Path("/nowhere"), ConfigSelection(("fast",)))


def rollback_to(serving_dir: str, wanted: int | None) -> int | None:
    return version_to_roll_back_to(OUTPUTS, serving_dir, wanted)


@pytest.fixture
def history(tmp_path):
    """Makes versions 1, 2, … of models `A`, `B`; `A1` is a copy that was made of version 1."""

    def make(*models: str) -> str:
        for number, model in enumerate(models, start=1):
            for name in served_model.REQUIRED:
                path = tmp_path / str(number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(model[0])
            if origin := model[1:]:
                restored = tmp_path / str(number) / served_model.RESTORED
                restored.write_text(json.dumps({"version": int(origin)}))
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (["A", "B"], 1),
        (["A", "B", "C"], 2),
        (["A", "B", "B", "B"], 1),  # pushed again: still another model than before
        (["A", "B", "C", "B2"], 1),  # a second rollback goes on, not back to C
        (["A", "B", "A1", "C"], 3),  # what was served before C
        (["A", "B", "C", "B2", "C3"], 2),  # after a return to what was rolled back from
    ],
)
def test_a_rollback_goes_to_the_model_before(history, models, expected):
    assert rollback_to(history(*models), None) == expected


@pytest.mark.parametrize("models", [["A"], ["A", "A"], ["A", "B", "A1"]])
def test_there_may_be_none(history, models):
    with pytest.raises(UsageError, match="nothing to roll back to"):
        rollback_to(history(*models), None)


def test_any_other_model_can_be_named(history):
    folder = history("A", "B", "C", "B2")
    assert [rollback_to(folder, version) for version in (1, 2, 3, 4)] == [1, None, 3, None]


def test_what_is_not_there_is_refused(history):
    with pytest.raises(UsageError, match=r"There is no version 9 in .*; there are: 1, 2, 3, 4"):
        rollback_to(history("A", "B", "C", "B2"), 9)
