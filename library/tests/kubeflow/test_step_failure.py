"""A failed step says why, once, on standard error and where Kubernetes shows it."""

from __future__ import annotations

import pytest

from tfxkit.errors import DataError, MachineError, ModelError, StorageError, UsageError
from tfxkit.kubeflow.container import report_failure


def wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("from a worker") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped], ids=["as it is", "from Beam"])
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("Column fare is missing.\nAdd it."), 4),
        (MachineError("No answer in 120 s.\nRun the step again."), 1),
        (ModelError("The loss is NaN.\nLower it."), 1),
        (StorageError("There is no bucket.\nMake one."), 1),
    ],
)
def test_what_a_user_can_mend_is_a_message(tmp_path, capfd, wrap, error, code):
    log = tmp_path / "termination-log"
    log.touch()
    assert report_failure(wrap(error), log) == code
    assert capfd.readouterr().err == f"\n{error}\n"
    assert log.read_text() == str(error)


def test_so_is_a_package_that_cannot_be_run(tmp_path, capfd):
    assert report_failure(UsageError("Build the image again."), tmp_path / "none") == 1
    assert capfd.readouterr().err == "\nBuild the image again.\n"
    assert not (tmp_path / "none").exists()  # outside of Kubernetes


def test_anything_else_is_a_bug_and_shows_its_traceback_and_the_line_of_the_owners_code(
    tmp_path, capfd
):
    log = tmp_path / "termination-log"
    log.touch()
    assert report_failure(wrapped(ValueError("x")), log) == 1
    error = capfd.readouterr().err
    assert "Traceback" in error and "ValueError: x" in error
    message, place = log.read_text().split("\n")
    assert message == "RuntimeError: from a worker"
    assert place.startswith("library/tests/kubeflow/test_step_failure.py, line ")


def test_no_more_is_written_than_the_kubelet_reads(tmp_path):
    log = tmp_path / "termination-log"
    log.touch()
    report_failure(DataError("é" * 5000), log)
    assert log.read_text() == "é" * 2048


def test_a_log_that_is_not_ours_does_no_harm(tmp_path):
    (tmp_path / "termination-log").mkdir()
    assert report_failure(DataError("x"), tmp_path / "termination-log") == 4
