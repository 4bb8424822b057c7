"""Two compiled projects, submitted with the official client, run step by step to pushed models.

The second run is that of the foreign project (tests/foreign): source, steps, features, network and
metrics of its owner's, and data of the same columns. Its model is compared with the first one.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sample_project
from tests.foreign.conftest import ForeignProject, make_foreign_project
from tests.foreign.test_foreign_features import OWN as FEATURES
from tests.foreign.test_foreign_features import features_on
from tests.foreign.test_foreign_metrics import cost_on
from tests.foreign.trips_database import FILE
from tests.kubeflow.cluster import Cluster, running
from tests.kubeflow.emulator.run import Run
from tests.project_with_runs import ROWS_PER_SPAN, Project, make_project

pytestmark = [pytest.mark.kubeflow, pytest.mark.timeout(900)]

BEHIND_THE_GATE = ("Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher", "Report")


@dataclasses.dataclass(frozen=True)
class Submitted:
    """Outcome of a submission, and the model served then."""

    code: int
    run: Run
    screen: str
    versions: list[str]

    def explain(self) -> str:
        logs = [self.run.log(task) for task in self.run.failures if task in self.run.phases()]
        return "\n".join([self.screen, *(log[-3000:] for log in logs)])


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def cluster(project, tmp_path_factory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster"), project.configs) as cluster:
        for number in range(1, 5):
            cluster.put_span(number, project.span(number).read_text())
        yield cluster


@pytest.fixture(scope="module")
def submit(cluster, tmp_path_factory):
    def submit(*arguments: str) -> Submitted:
        screen = tmp_path_factory.mktemp("screen") / "screen"
        code, run = cluster.submit(*arguments, screen=screen)
        return Submitted(code, run, screen.read_text(), cluster.versions())

    return submit


@pytest.fixture(scope="module")
def first(cluster, submit) -> Submitted:
    """With a training that is killed once."""
    cluster.to_kill = "Trainer"
    submitted = submit()
    cluster.to_kill = ""
    return submitted


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> ForeignProject:
    """The foreign project, without a run."""
    return make_foreign_project(tmp_path_factory.mktemp("foreign") / "project")


@pytest.fixture(scope="module")
def second(first, cluster, foreign) -> Submitted:
    """The foreign project, on the rows of its database."""
    shutil.copy(cluster.configs / "cluster.yaml", foreign.root / "configs")
    overlays = [word for name in ("kubeflow", "fast", "cluster") for word in ("--config", name)]
    settings = (
        f"kubeflow.steps.all.env.PYTHONPATH={foreign.root}",  # the packages of its own image
        "data.reader=components.trips",
        f"data.path={foreign.root / FILE}",
        "steps.scan.enabled=true",
        f"steps.push_log.file={foreign.root / 'pushed.txt'}",
    )
    chosen = [word for setting in settings for word in ("--set", setting)]
    done = foreign.python("-m", "pipeline", "submit", "--wait", *overlays, *chosen)
    run = list(cluster.backend.runs.values())[-1]
    return Submitted(done.returncode, run, done.stdout + done.stderr, cluster.versions())


@pytest.fixture(scope="module")
def bad(second, cluster, submit) -> Submitted:
    """A span whose fares are in cents, taken by a parameter of the run."""
    rows = list(csv.DictReader(io.StringIO(_later_rows(3))))
    for row in rows:
        row["fare"] = str(float(row["fare"] or 0) * 100)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    cluster.put_span(5, text.getvalue())
    return submit("--spans", "5")


def _later_rows(span: int) -> str:
    """Rows of a span that the small project leaves out."""
    header, *rows = sample_project.span(span).read_text().splitlines()
    return "\n".join([header, *rows[ROWS_PER_SPAN:]]) + "\n"


def test_the_first_run_pushes_a_model(first):
    assert first.code == 0, first.explain()
    assert set(first.run.phases().values()) == {"Succeeded"}
    assert len(first.versions) == 1
    examples = first.run.artifact("ExampleGen", "examples").metadata()
    assert examples["spans"] == "[1, 2, 3, 4]"
    assert examples["input_fingerprint"].startswith("content:")


def test_the_run_leaves_its_report_as_an_artifact_of_the_type_that_the_ui_shows(first, cluster):
    artifact = first.run.artifact("Report", "page")
    assert artifact.type_name == "system.HTML" and artifact.uri.endswith("/page.html")
    page = cluster.read(artifact.uri).decode()
    version = first.versions[0]
    assert f"Pushed as version {version}" in page
    assert "nothing to compare with" in page
    assert "could not be made" not in page and "did not come so far" not in page


def test_it_predicts_what_a_local_run_with_the_same_data_and_seed_predicts(
    first, cluster, project, tmp_path
):
    assert project.pipeline("run") == 0, project.latest().error
    [local] = project.outputs.serving.glob("[0-9]*")
    there = _predictions(project.span(2), cluster.fetch_version(first.versions[0], tmp_path))
    here = _predictions(project.span(2), local)
    assert there == pytest.approx(here, abs=1e-4)
    assert len({round(value, 3) for value in there}) > 10


def _predictions(file: Path, version: Path) -> list[float]:
    from tfxkit.runs.prediction import predict

    output = io.BytesIO()
    predict(str(file), str(version), output)
    rows = list(csv.DictReader(io.StringIO(output.getvalue().decode())))
    [name] = rows[0].keys() - csv.DictReader(file.open()).fieldnames
    return [float(row[name]) for row in rows]


def test_a_step_that_is_killed_is_tried_again_and_goes_on_where_it_was(first, cluster):
    assert "Epoch 1 of" in first.run.log("Trainer", 0)
    assert "Epoch 1 of" not in first.run.log("Trainer", 1)
    assert not cluster.keys("checkpoints/"), "a training that ended leaves nothing"


def test_the_second_run_is_compared_with_the_served_model_and_pushed(first, second):
    assert second.code == 0, second.explain()
    baseline = second.run.artifact("Baseline", "model").metadata()
    assert baseline["served_version"] == first.versions[0]
    assert second.versions[0] == first.versions[0] and len(second.versions) == 2
    pushed = second.run.artifact("Pusher", "pushed_model").metadata()
    assert pushed["pushed_destination"] == f"s3://taxi/serving/{second.versions[1]}"


def test_source_and_steps_of_the_projects_own_run_there(second, cluster, foreign):
    examples = second.run.artifact("ExampleGen", "examples").metadata()
    assert examples["spans"] == "[2013, 2014, 2015, 2016]"
    assert examples["reader"] == "components.trips"
    assert examples["input_fingerprint"].startswith("reader:")
    pushed = (foreign.root / "pushed.txt").read_text()
    assert f"New model: version {second.versions[1]}, trained on" in pushed
    listing = cluster.read(second.run.artifact("Scan", "listing").uri).decode()
    assert any(line.endswith("/saved_model.pb") for line in listing.splitlines())


def test_features_and_metrics_of_the_projects_own_are_in_the_report(second, cluster):
    page = cluster.read(second.run.artifact("Report", "page").uri).decode()
    assert "could not be made" not in page
    assert f"Pushed as version {second.versions[1]}" in page
    assert set(FEATURES) <= features_on(page).keys()
    value, low, high = cost_on(page)
    assert low < value < high


def test_data_that_does_not_pass_stops_at_the_gate_and_nothing_is_pushed(second, bad):
    assert bad.code == 1
    phases = bad.run.phases()
    assert phases["DataGate"] == "Failed"
    assert {phases[step] for step in BEHIND_THE_GATE} == {"Omitted"}
    assert bad.versions == second.versions
    assert bad.run.artifact("ExampleGen", "examples").metadata()["spans"] == "[5]"


def test_the_screen_and_the_log_of_the_step_say_why(bad):
    assert "Failed: DataGate" in bad.screen
    log = bad.run.log("DataGate")
    assert "fare" in log and "drift" in log and "Traceback" not in log
