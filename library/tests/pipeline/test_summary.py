"""The summary: one form, documented, written whole, read back equal."""

import re
from pathlib import Path

import pydantic
import pytest

from tfxkit.runs import summary
from tfxkit.runs.summary import EXIT_CODES, Status, Step, Summary

DOC = (Path(__file__).parents[2] / "docs" / "summary.md").read_text()


def a_summary(run_id="20260101-000000", status=Status.PUSHED) -> Summary:
    return Summary(
        run_id=run_id,
        pipeline="taxi",
        status=status,
        exit_code=EXIT_CODES.get(status),
        started="2026-01-01T00:00:00+00:00",
        seconds=1.5,
        pid=1,
        steps=(Step(name="ExampleGen", state="run", seconds=0.5),),
        metrics={"auc": 0.9, "undefined": None},
    )


def test_it_reads_back_equal(tmp_path):
    a_summary().write(tmp_path)
    assert summary.read(tmp_path) == a_summary()
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_every_key_and_every_status_is_documented():
    documented = set(re.findall(r"^\| `(\w+)`", DOC, re.MULTILINE))
    assert documented == Summary.model_fields.keys() | set(Status)
    for status, code in EXIT_CODES.items():
        assert f"| `{status}` | {code} |" in DOC


def test_unknown_keys_are_refused(tmp_path):
    a_summary().write(tmp_path)
    file = tmp_path / "summary.json"
    file.write_text(file.read_text().replace('"seconds"', '"secs"', 1))
    with pytest.raises(pydantic.ValidationError, match="secs"):
        summary.read(tmp_path)


def test_what_0_1_wrote_twice_is_read_once(tmp_path):
    a_summary().write(tmp_path)
    file = tmp_path / "summary.json"
    file.write_text(file.read_text().replace('"seconds"', '"auc": 0.9, "seconds"', 1))
    assert summary.read(tmp_path) == a_summary()


def test_the_history_is_in_order_and_leaves_damaged_files_out(tmp_path):
    for run_id in ("20260103-000000", "20260101-000000", "20260102-000000"):
        (tmp_path / run_id).mkdir()
        a_summary(run_id).write(tmp_path / run_id)
    (tmp_path / "20260102-000000" / "summary.json").write_text('{"half')
    (tmp_path / "latest").symlink_to("20260103-000000")
    assert [run.run_id for run in summary.history(tmp_path)] == [
        "20260101-000000",
        "20260103-000000",
    ]
