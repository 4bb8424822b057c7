"""All notebooks, executed by nbmake: on data of other tasks than the sample's, and after a bad run.

On the sample's columns they are executed by tests/foreign/test_foreign_notebooks.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks import own_data
from tests.notebooks.test_committed import NOTEBOOKS
from tests.sample_project import CONFIGS, ROOT
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


def project_after_a_run(root: Path, task: str) -> Path:
    """Sets up a project for data of another kind and runs it; returns its configuration."""
    configs = root / "configs"
    shutil.copytree(CONFIGS, configs)
    own_data.write(root / "own.csv", task)
    told = ["--data", str(root / "own.csv"), "--label", LABEL, "--force"]
    assert cli.main(["init", *told, "--config-dir", str(configs)]) == 0
    (configs / "small.yaml").write_text(own_data.SETTINGS)
    assert run(configs, "small") in (0, 3)  # ran to its end
    return configs


@pytest.fixture(scope="module")
def multiclass(tmp_path_factory) -> Path:
    return project_after_a_run(tmp_path_factory.mktemp("multiclass"), "multiclass")


def test_classes_of_ones_own(multiclass):
    execute(multiclass, "small")


def test_numbers_of_ones_own(tmp_path):
    configs = project_after_a_run(tmp_path, "regression")
    execute(configs, "small", NOTEBOOKS[1:3])  # the others know no task


def test_a_run_that_was_stopped_is_told_of_and_shown(multiclass):
    """After the others: the newest run has statistics, but neither features nor model."""
    [file] = multiclass.parent.glob("data/*/span-1/*.csv")
    file.write_text(file.read_text(encoding="utf-8").replace(",a,", ",new,"), encoding="utf-8")
    assert run(multiclass, "small") == 4
    execute(multiclass, "small", [NOTEBOOKS[0], NOTEBOOKS[3]])
    where = {"config": "small", "config_dir": str(multiclass)}
    stopped = open_run(**where)
    older = open_run("Trainer", **where)
    assert older.summary.run_id < stopped.summary.run_id
    assert f"{stopped.summary.run_id} of {stopped.summary.pipeline}" in str(older)
    with pytest.raises(NothingToShowError, match="has no Trainer"):
        open_run("Trainer", run=stopped.summary.run_id, **where)
    with pytest.raises(NothingToShowError, match="has no Evaluator"):
        stopped.folder("Evaluator", "evaluation")
    with pytest.raises(NothingToShowError, match="There is no folder"):
        open_run(config_dir=str(multiclass / "none"))
