"""The model in the project's README: written once, between two marks, and nothing else touched."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from tfxkit.commands import add_config_options, add_engine_option, config_selection
from tfxkit.config.selection import ConfigSelection
from tfxkit.report.readme import fill_in
from tfxkit.runs.summary import Status, Summary

BEGIN = "# Churn\n\nMine.\n\n<!-- model: the first run that pushes a model writes here, once -->\n"
END = "<!-- end of model -->\n\n## Run it\n"
DATASET = {
    "task": "binary",
    "label": {"column": "left", "positive": "yes"},
    "columns": {
        "fare": {"role": "numeric"},
        "a|b `c`": {"role": "categorical"},
        "id": {"role": "ignored"},
    },
    "evaluation": {"thresholds": {"auc": {"min": 0.7, "max_worsening": 0.01}}},
}


def summary(
    status: Status = Status.PUSHED,
    dataset: object = DATASET,
    config_dir: Path | None = None,
) -> Summary:
    return Summary(
        run_id="20261130-154200",
        pipeline="churn",
        status=status,
        exit_code=0,
        started="2026-11-30T15:42:00+00:00",
        seconds=7,
        pid=1,
        metrics={"auc": 0.87654321, "log_loss": None, "example_count": 2310.0},
        arguments={"from": None, "to": None, "config_dir": str(config_dir)},
        config={"dataset": dataset} if dataset else {},
    )


def selected_by(*options: str) -> ConfigSelection:
    """The selection of a command line."""
    parser = argparse.ArgumentParser()
    add_config_options(parser)
    add_engine_option(parser)
    return config_selection(parser.parse_args(options))


def fill(project: Path, *options: str, config_dir: Path | None = None, **fields: object) -> bool:
    """Fills in the README after a run with the given options."""
    folder = config_dir or project / "configs"
    return fill_in(project, summary(config_dir=folder, **fields), selected_by(*options))


@pytest.fixture
def page(tmp_path):
    file = tmp_path / "README.md"
    file.write_bytes((BEGIN + END).encode())
    return file


def test_the_first_pushed_run_writes_between_the_marks(page, tmp_path):
    page.chmod(0o640)
    assert fill(tmp_path)
    text = page.read_text()
    assert text.startswith(BEGIN) and text.endswith(END)
    written = text.removeprefix(BEGIN).removesuffix(END)
    assert (
        "Binary classification of `left` = `yes` from 2 columns, measured on 2,310 rows" in written
    )
    assert "on 30 November 2026 (run 20261130-154200" in written
    assert "| AUC | 0.8765 | ≥ 0.7, ≤ 0.01 worse than before |" in written
    assert "| Log loss | – |  |" in written
    assert "example" not in written.lower()
    assert "| numeric | `fare` |" in written
    assert "| categorical | `` a\\|b `c` `` |" in written
    assert "| ignored | `id` |" in written
    assert page.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["README.md"]

    assert not fill(tmp_path)
    assert page.read_text() == text


def test_line_ends_stay_as_they_are(page, tmp_path):
    page.write_bytes((BEGIN + END).replace("\n", "\r\n").encode())
    assert fill(tmp_path)
    content = page.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 12


@pytest.mark.parametrize(
    "text",
    [
        "# Churn\n",
        BEGIN,
        END,
        BEGIN + "I know better.\n" + END,
        BEGIN + END + BEGIN + END,
        "",
    ],
)
def test_a_readme_without_two_marks_and_nothing_between_stays(text, page, tmp_path):
    page.write_text(text)
    assert not fill(tmp_path)
    assert page.read_text() == text


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.PUSHED])
def test_a_run_that_pushed_nothing_writes_nothing(status, page, tmp_path):
    assert not fill(tmp_path, status=status)
    assert page.read_text() == BEGIN + END


@pytest.mark.parametrize(
    "options",
    [
        ("--config", "fast"),
        ("--config", "local"),
        ("--set", "train.epochs=2"),
        ("--engine", "flink"),
        ("--config-dir", "trial"),
    ],
    ids=" ".join,
)
def test_a_run_with_options_is_not_the_projects_model(options, page, tmp_path):
    assert not fill(tmp_path, *options)
    assert page.read_bytes() == (BEGIN + END).encode()


def test_a_configuration_outside_the_project_is_not_the_projects(page, tmp_path):
    assert not fill(tmp_path, config_dir=tmp_path / "trials" / "configs")
    assert page.read_bytes() == (BEGIN + END).encode()
    assert fill(tmp_path)


def test_what_cannot_be_described_or_written_is_left(page, tmp_path, caplog):
    assert not fill(tmp_path, dataset={"task": "none"})
    assert not fill(tmp_path, dataset=None)
    assert not fill(tmp_path / "nowhere")
    assert "README.md is left as it is" in caplog.text
    assert page.read_text() == BEGIN + END

    content = (BEGIN + END).encode("utf-16")
    page.write_bytes(content)
    assert not fill(tmp_path)
    assert page.read_bytes() == content
    page.unlink()
    page.mkdir()
    assert not fill(tmp_path)
