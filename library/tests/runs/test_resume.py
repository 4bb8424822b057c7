"""`resume` after a run that needs none; after one that does, see tests/reliability."""

import pytest

pytestmark = pytest.mark.slow


def test_nothing_to_resume_after_a_good_run(project, capsys):
    runs = list(project.outputs.runs.iterdir())
    assert project.pipeline("resume") == 0
    assert "nothing to resume" in capsys.readouterr().out
    assert list(project.outputs.runs.iterdir()) == runs
