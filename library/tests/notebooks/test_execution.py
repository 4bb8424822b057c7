"""All notebooks, executed by nbmake: on the sample, on data of other tasks, after a bad run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks import own_data
from tests.notebooks.test_committed import NOTEBOOKS
from tests.sample_project import CONFIGS, ROOT, SAMPLE
from tfxkit import cli
from tfxkit.runs.opened_run import NothingToShowError, open_run

pytestmark = pytest.mark.notebooks
LABEL = "price; €"


def execute(configs: Path, overlays: str, notebooks=NOTEBOOKS) -> None:
    """Runs notebooks, all of whose cells have to come to a good end.

    One after the other: kernels that start at once can take each other's ports, and one of them
    then never answers (jupyter_client 8, connect.py, write_connection_file).
    """
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    environment = {
        "PIPELINE_CONFIG_DIR": str(configs),
        "PIPELINE_CONFIG": overlays,
        "PYTHONPATH": os.pathsep.join(paths),
    }
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*pytest_, "--nbmake", "--nbmake-timeout=120", *map(str, notebooks)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:]


def run(configs: Path, *overlays: str) -> int:
    named = [word for overlay in overlays for word in ("--config", overlay)]
    return cli.main(["run", "--config-dir", str(configs), *named])


@pytest.mark.parametrize(
    ("task", "notebooks"),
    [("multiclass", NOTEBOOKS), ("regression", NOTEBOOKS[1:3])],  # the others know no task
    ids=["multiclass", "regression"],
)
def test_data_of_ones_own(task, notebooks, tmp_path):
    shutil.copytree(CONFIGS, tmp_path / "configs")
    own_data.write(tmp_path / "own.csv", task)
    told = ["--data", str(tmp_path / "own.csv"), "--label", LABEL, "--force"]
    assert cli.main(["init", *told, "--config-dir", str(tmp_path / "configs")]) == 0
    (tmp_path / "configs" / "small.yaml").write_text(own_data.SETTINGS)
    assert run(tmp_path / "configs", "small") in (0, 3)  # ran to its end
    execute(tmp_path / "configs", "small", notebooks)


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    """The tests' project after a good run; its configuration."""
    root = tmp_path_factory.mktemp("sample")
    shutil.copytree(SAMPLE, root, dirs_exist_ok=True)
    assert run(root / "configs", "fast") == 0
    return root / "configs"


def test_the_sample(sample):
    execute(sample, "fast")


def test_a_run_that_was_stopped_is_told_of_and_shown(sample):
    """After the others: the newest run has statistics, but neither features nor model."""
    for file in sample.parent.glob("data/taxi/*/*.csv"):
        file.write_text(file.read_text().replace("Cash", "Cheque"))
    assert run(sample, "fast") == 4
    execute(sample, "fast", [NOTEBOOKS[0], NOTEBOOKS[3]])
    where = {"config": "fast", "config_dir": str(sample)}
    stopped = open_run(**where)
    older = open_run("Trainer", **where)
    assert older.summary.run_id < stopped.summary.run_id
    assert f"{stopped.summary.run_id} of {stopped.summary.pipeline}" in str(older)
    with pytest.raises(NothingToShowError, match="has no Trainer"):
        open_run("Trainer", run=stopped.summary.run_id, **where)
    with pytest.raises(NothingToShowError, match="has no Evaluator"):
        stopped.folder("Evaluator", "evaluation")
    with pytest.raises(NothingToShowError, match="There is no folder"):
        open_run(config_dir=str(sample / "none"))
