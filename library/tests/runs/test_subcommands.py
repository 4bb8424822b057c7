"""Subcommands around a run, on real runs: show, runs, schema, clean, `--from` after a failure."""

import io
import os
import shutil

import numpy as np
import pytest

from tfxkit.metrics import Rows
from tfxkit.metrics.definition import measurer
from tfxkit.report import features
from tfxkit.report import page as report_page
from tfxkit.report.run import Run
from tfxkit.runs.summary import Status

pytestmark = pytest.mark.slow


def test_show_and_runs_tell_what_happened(project, capfd):
    summary = project.latest()
    assert project.pipeline("show") == 0
    shown = capfd.readouterr().out
    assert "Approved and pushed" in shown and f"{summary.metrics['auc']:.4g}" in shown
    assert f"predict FILE.csv --config fast --config-dir {project.configs}\n" in shown
    assert all(step.name in shown for step in summary.steps)
    assert project.pipeline("show", summary.run_id[:10]) == 0
    assert project.pipeline("runs") == 0
    assert f"{summary.run_id}  pushed" in capfd.readouterr().out
    assert project.pipeline("show", "1999") == 2
    assert summary.run_id in capfd.readouterr().err


TAKE_A_NAME = [
    ("show",),
    ("report", "--no-open"),
    ("report", "--no-open", "--compare", "latest"),
    ("lineage",),
    ("resume",),
    ("rollback",),
    ("run", "--from"),
    ("run", "--to"),
    ("schema", "accept"),
]


@pytest.mark.parametrize("subcommand", TAKE_A_NAME, ids=" ".join)
@pytest.mark.parametrize("name", ["../../../outside", "/etc"])
def test_a_name_that_is_a_path_leads_nowhere(project, subcommand, name, capfd):
    """Not even to what would be a version or a run, were it inside."""
    [version], outside = project.served(), project.root / "outside"
    shutil.copytree(project.outputs.serving / version, outside)
    shutil.copytree(project.outputs.runs / "latest", outside, dirs_exist_ok=True)
    try:
        code = project.pipeline(*subcommand, name)
    except SystemExit as refused:  # by the parser of the command line
        code = refused.code
    out, err = capfd.readouterr()
    assert code == 2, out
    assert "Traceback" not in err and 0 < len(err.splitlines()) < 12
    assert "carries" not in err and str(outside) not in err


def test_a_killed_run_is_called_so(project, capfd):
    running = project.latest().model_copy(update={"status": Status.RUNNING, "exit_code": None})
    running.write(project.outputs.runs / running.run_id)
    assert project.pipeline("runs") == 0
    assert "killed" in capfd.readouterr().out
    assert project.pipeline("show") == 0
    assert "killed. Resume with: python -m pipeline resume --config fast" in capfd.readouterr().out
    with (project.outputs.runs / running.run_id / "run.log").open("a") as log:
        log.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
    assert project.pipeline("show") == 0
    assert "killed. Memory ran out" in capfd.readouterr().out


def test_the_report_of_a_run(project, capfd):
    file = project.outputs.runs / project.latest().run_id / "report.html"
    first = file.read_text()
    assert project.pipeline("report", "--no-open") == 0
    assert capfd.readouterr().out == f"{file}\n"
    file.unlink()  # as after a kill
    assert project.pipeline("report", "--no-open") == 0
    assert file.read_text() == first
    (project.configs / "model_card.yaml").write_text("limits: [It knows <b>nothing</b> of rain.]\n")
    os.utime(file, (0, 0))
    assert project.pipeline("report", "--no-open") == 0
    assert "It knows &lt;b&gt;nothing&lt;/b&gt; of rain." in project.report()


def test_the_numbers_of_the_report_are_those_of_the_evaluator(project):
    run = Run.read(project.outputs.runs / "latest", project.outputs)
    measured = run.summary.metrics
    rows = run.eval_rows
    assert len(rows.labels) == measured["example_count"]
    once = np.ones((len(rows.labels), 1), np.float32)
    measure = measurer(run.definitions, Rows.of(rows.labels, rows.predictions))
    for name, value in measure(once).items():
        assert value[0] == pytest.approx(measured[name], rel=2e-3), name
    interval = run.uncertainty.candidate[""]["auc"]
    assert interval.low < measured["auc"] < interval.high
    counted = {name: len(indices) for name, indices in rows.slices().items()}
    assert counted == {one.slice: one.examples for one in run.summary.slices}


def test_a_report_that_cannot_be_written_is_named_and_the_run_ends_as_it_has(
    project, monkeypatch, capfd
):
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(report_page, "write_report", fail)
    assert project.pipeline("run", "--to", "ImportSchemaGen") == 0
    assert "No report could be written: OSError: No space left" in capfd.readouterr().out


def test_an_artifact_that_is_gone_takes_one_part_of_the_report_only(project):
    run_dir = project.outputs.runs / project.latest().run_id
    statistics = Run.read(run_dir, project.outputs).artifact("StatisticsGen", "statistics")
    shutil.rmtree(statistics.uri)
    page = report_page.write_report(run_dir, project.outputs).read_text()
    assert page.count("could not be made") == 1
    assert "AUC" in page and 'id="step-Trainer"' in page


def test_a_summary_that_cannot_be_read_is_named(project, capfd):
    file = project.outputs.runs / project.latest().run_id / "summary.json"
    file.write_text(file.read_text().replace('"run_id"', '"id"'))
    assert project.pipeline("runs") == 0
    assert str(file) in capfd.readouterr().err


def test_a_configuration_that_no_longer_holds_cannot_be_resumed(project, capfd):
    last = project.latest()
    last.model_copy(update={"status": Status.FAILED, "config": {"gone": 1}}).write(
        project.outputs.runs / last.run_id
    )
    assert project.pipeline("resume") == 2
    assert "use run instead" in capfd.readouterr().err


def test_a_change_that_is_accepted_passes_the_gate(project, capfd):
    for number in range(1, 5):
        span = project.span(number)
        span.write_text(span.read_text().replace("Cash", "Cheque"))
    assert project.pipeline("run", "--set", "dataset.validation.drift=null") == 4
    assert "payment_type" in capfd.readouterr().out
    schema = project.configs / "schema.pbtxt"
    before = schema.read_text()
    assert project.pipeline("schema", "diff") == 0
    diff = capfd.readouterr().out
    assert "payment_type" in diff and "Cheque" in diff
    assert schema.read_text() == before
    assert project.pipeline("schema", "accept", "payment_type") == 0
    assert "Cheque" in schema.read_text() and schema.read_text().startswith(before[:200])
    settings = ["--set", "dataset.validation.drift=null", "--to", "DataGate"]
    assert project.pipeline("run", *settings) == 0
    assert project.latest().status == Status.DONE


def test_from_goes_back_to_a_run_that_came_so_far(project, capfd):
    project.span(2).write_text("")
    assert project.pipeline("run") == 4
    assert project.pipeline("run", "--from", "Pusher") == 0
    assert project.latest().status == Status.ALREADY_SERVED
    assert project.pipeline("run", "--from", "Trainer", "--to", "Transform") == 2
    assert "comes before" in capfd.readouterr().err


def test_clean_keeps_models_unless_told(project, capfd, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    served = project.served()
    assert project.pipeline("clean") == 2  # no terminal for the question
    assert "--yes" in capfd.readouterr().err
    assert project.outputs.metadata.exists()
    assert project.pipeline("clean", "--yes") == 0
    left = {path.name for path in project.outputs.root.iterdir()}
    assert left == {"serving_model", ".lock"}
    assert project.served() == served
    assert project.pipeline("clean", "--all", "--yes") == 0
    assert project.served() == []
    assert project.pipeline("clean") == 0
    assert "Nothing to remove" in capfd.readouterr().out


def test_of_many_rows_the_report_looks_at_the_features_of_a_part(project, monkeypatch):
    run = Run.read(project.outputs.runs / "latest", project.outputs)
    whole = features.build_features(run)
    monkeypatch.setattr(features, "MOST_ROWS", 100)
    part = features.build_features(run)
    assert whole.every == {"train": 1, "eval": 1}
    assert part.every["train"] > part.every["eval"] > 1
    assert [row.name for row in part.rows] == [row.name for row in whole.rows]
    assert [row.missing for row in part.rows] != [row.missing for row in whole.rows]
