"""The whole foreign project on Kubeflow, in the emulator of the backend."""

from __future__ import annotations

import pytest

from tests.foreign.conftest import make_foreign_project
from tests.foreign.test_foreign_features import OWN as FEATURES
from tests.foreign.test_foreign_features import features_on
from tests.foreign.test_foreign_metrics import cost_on
from tests.foreign.trips_database import FILE


@pytest.mark.kubeflow
@pytest.mark.timeout(1500)
def test_source_steps_features_and_metrics_run_there(tmp_path):
    from tests.kubeflow.cluster import running

    project, log = make_foreign_project(tmp_path / "project"), tmp_path / "pushed.txt"
    overlays = [word for name in ("kubeflow", "fast", "cluster") for word in ("--config", name)]
    settings = [
        f"--set={setting}"
        for setting in (
            "data.reader=components.trips",
            f"data.path={project.root / FILE}",
            "steps.scan.enabled=true",
            f"steps.push_log.file={log}",
        )
    ]
    with running(tmp_path / "cluster", project.root / "configs", project.root) as cluster:
        done = project.python("-m", "pipeline", "submit", "--wait", *overlays, *settings)
        runs = list(cluster.backend.runs.values())
        logs = [run.log(task)[-3000:] for run in runs for task in run.failures]
        assert done.returncode == 0, "\n".join([done.stdout, done.stderr, *logs])
        assert len(runs) == 1, done.stdout
        assert len(cluster.versions()) == 1, cluster.versions()
        [run], [version] = runs, cluster.versions()
        listing = cluster.read(run.artifact("Scan", "listing").uri).decode()
        page = cluster.read(run.artifact("Report", "page").uri).decode()
    examples = run.artifact("ExampleGen", "examples").metadata()
    assert examples["spans"] == "[2013, 2014, 2015, 2016]"
    assert examples["reader"] == "components.trips"
    assert examples["input_fingerprint"].startswith("reader:")
    assert f"New model: version {version}, trained on" in log.read_text()
    assert any(line.endswith("/saved_model.pb") for line in listing.splitlines())

    assert "could not be made" not in page
    assert f"Pushed as version {version}" in page
    assert set(FEATURES) <= features_on(page).keys()
    value, low, high = cost_on(page)
    assert low < value < high
