"""`submit --target kubeflow`: the official client against a server that speaks the v2beta1 API."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kfp_server_api
import pytest
import yaml

from tests.kubeflow.emulator.api.server import ApiServer
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.idle import IdleSteps, NoFiles
from tests.kubeflow.small_packages import Script, spec_of
from tests.sample_project import CONFIGS
from tfxkit import cli
from tfxkit.kubeflow import remote_run
from tfxkit.kubeflow.clients.kubeflow import Nodes
from tfxkit.runs.summary import State

IMAGE = {"container": {"image": "example.org/small:1"}}
STEPS = {
    "First": Script(**IMAGE, inputs={"data_path": "data_path", "limit": "limit"}),
    "Second": Script(**IMAGE, task={"dependentTasks": ["First"]}),
    "Third": Script(**IMAGE, task={"dependentTasks": ["Second"]}),
}
INPUTS = {
    "data_path": {"parameterType": "STRING", "defaultValue": "s3://data/taxi"},
    "spans": {"parameterType": "STRING", "defaultValue": "all"},
    "limit": {"parameterType": "STRUCT", "defaultValue": {"a": 1}},
}
SETTINGS = {"Second_executor": {"nodeSelector": {"labels": {"pool": "big"}}}}


@pytest.fixture
def steps() -> IdleSteps:
    return IdleSteps()


@pytest.fixture
def server(steps, tmp_path):
    settings = Settings(executor_logs=False, claims={"pipeline-data": tmp_path})
    backend = Backend(NoFiles(), steps, tmp_path / "backend", settings)
    with backend, ApiServer(backend) as api:
        yield api


@pytest.fixture
def package(tmp_path) -> Path:
    spec = spec_of(STEPS, INPUTS) | {"defaultPipelineRoot": "s3://bucket/root"}
    spec["components"]["First"]["inputDefinitions"]["parameters"]["limit"] = {
        "parameterType": "STRUCT"
    }
    spec["root"]["dag"]["tasks"]["First"]["cachingOptions"] = {"enableCache": True}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": SETTINGS}}}}
    file = tmp_path / "package.yaml"
    file.write_text(yaml.safe_dump_all(json.loads(json.dumps([spec, platform]))))
    return file


@pytest.fixture
def submit(package, tmp_path, capfd, monkeypatch):
    """Calls the subcommand on the package; the exit code, and what a person sees."""
    monkeypatch.setenv("HOME", str(tmp_path))  # no kubeconfig, no context of the client's
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(remote_run, "POLL_S", 0.05)

    def call(host: str | None, *args: str) -> tuple[int, str]:
        settings = [f"outputs={tmp_path}/outputs", *([f"kubeflow.host={host}"] if host else [])]
        options = [part for setting in settings for part in ("--set", setting)]
        options += ["--config-dir", str(CONFIGS)]
        code = cli.main(["submit", str(package), *options, *args])
        seen = capfd.readouterr()
        assert "Traceback" not in seen.out + seen.err
        assert len((seen.out + seen.err).splitlines()) < 25
        return code, seen.out + seen.err

    return call


def runs_of(server) -> list[dict]:
    return [server.runs._given[key] for key in server.runs._given]


def test_the_package_arrives_whole_with_its_root_and_what_was_given(server, submit):
    code, seen = submit(
        server.url, "--name", "nightly", "--experiment", "taxi", "--data-path", "s3://data/new"
    )
    assert code == 0
    (run,) = runs_of(server)
    assert run["display_name"] == "nightly"
    assert run["runtime_config"] == {
        "parameters": {"data_path": "s3://data/new"},
        "pipeline_root": "s3://bucket/root",
    }
    spec, platform = run["pipeline_spec"]["pipeline_spec"], run["pipeline_spec"]["platform_spec"]
    caching = {name: task.get("cachingOptions") for name, task in tasks(spec).items()}
    assert caching == {"First": {"enableCache": True}, "Second": None, "Third": None}
    assert platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"] == SETTINGS
    experiment = server.experiments.find(run["experiment_id"])
    assert experiment["display_name"] == "taxi"
    (run_id,) = server.runs._given
    assert f"Run {run_id} of small on kubeflow" in seen
    assert f"{server.url}/#/runs/details/{run_id}" in seen


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


def test_an_experiment_is_made_once_and_named_after_the_pipeline(server, submit):
    assert submit(server.url)[0] == submit(server.url)[0] == 0
    first, second = runs_of(server)
    assert first["experiment_id"] == second["experiment_id"]
    assert server.experiments.find(first["experiment_id"])["display_name"] == "small"


def test_waiting_shows_each_step_and_ends_with_the_run(server, submit):
    code, seen = submit(server.url, "--wait")
    assert code == 0
    lines = [line.split() for line in seen.splitlines()]
    assert [line[1] for line in lines if line[:1] == ["✓"]] == ["First", "Second", "Third"]
    assert "Succeeded" in seen


@pytest.mark.slow
def test_without_a_file_the_pipeline_is_compiled_first(server, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(remote_run, "POLL_S", 0.05)
    settings = ["kubeflow.image=example.org/taxi:1", f"outputs={tmp_path}"]
    settings.append(f"kubeflow.host={server.url}")
    options = [part for setting in settings for part in ("--set", setting)]
    options += ["--config-dir", str(CONFIGS)]
    code = cli.main(["submit", "--wait", "--threshold", "auc.min=0.9", *options])
    lines = capfd.readouterr().out.splitlines()
    assert code == 0
    done = [line.split()[1] for line in lines if line.startswith("✓")]
    assert len(done) == 12
    assert done.index("ExampleGen") < done.index("Trainer") < done.index("Pusher")
    assert done[-1] == "Report"
    (run,) = runs_of(server)
    assert run["runtime_config"]["parameters"]["thresholds"]["auc"]["min"] == 0.9


def test_a_failed_step_is_named_with_the_way_to_its_log(server, steps, submit):
    steps.codes["Second"] = 1
    code, seen = submit(server.url, "--wait", "--set", "kubeflow.namespace=null")
    (run_id,) = server.runs._given
    assert code == 1
    assert [line.split()[:2] for line in seen.splitlines() if "Third" in line] == [["·", "Third"]]
    assert "✗ Second" in seen
    assert "Failed: Second\n" in seen
    assert f"kubectl logs -n kubeflow -l pipeline/runid={run_id} -c main" in seen
    assert f"{server.url}/#/runs/details/{run_id}" in seen


def test_control_c_ends_the_watching_and_not_the_run(submit, monkeypatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(remote_run.time, "sleep", interrupt)
    answers = {
        "experiments": (200, '{"experiments": [{"experiment_id": "1"}]}'),
        "runs": (200, '{"run_id": "r-1"}'),
        "r-1": (200, '{"run_id": "r-1", "state": "RUNNING"}'),
    }
    with scripted(answers) as (url, _):
        code, seen = submit(url, "--wait")
    assert code == 130
    assert "No longer watching; the run goes on: " in seen
    assert "Succeeded" not in seen


def test_a_schedule_becomes_a_recurring_run_with_seconds(server, submit):
    code, seen = submit(server.url, "--schedule", "30 6 * * 1-5", "--spans", "newest")
    assert code == 0
    (recurring,) = server.recurring_runs._items.values()
    assert recurring["trigger"]["cron_schedule"]["cron"] == "0 30 6 * * 1-5"
    assert recurring["no_catchup"] is True
    assert recurring["mode"] == "ENABLE"
    assert recurring["runtime_config"]["parameters"] == {"spans": "newest"}
    assert recurring["runtime_config"]["pipeline_root"] == "s3://bucket/root"
    assert f"recurringrun/details/{recurring['recurring_run_id']}" in seen


WRONG = [
    (["--parameter", "spanss=1"], "no parameter 'spanss'; did you mean spans?"),
    (["--parameter", "limit=7"], "limit: '7' is no STRUCT, the type in the package"),
    (["--parameter", "limit={"], "limit: '{' is not valid YAML"),
    (["--parameter", "limit"], "write it as NAME=VALUE"),
    (["--parameter", "spans=1", "--spans", "2"], "spans is given twice"),
    (["--spans", "last:0"], "spans: String should match pattern"),
    (["--data-path", "data/taxi"], "'data/taxi' does not exist inside the containers"),
    (["--threshold", "auc.min=0.9"], "no parameter 'thresholds'"),
    (["--schedule", "0 30 6 * * *"], "has 6 fields"),
    (["--schedule", "30 6 * * 7"], "day of week: '7' is not one of 0 to 6"),
    (["--schedule", "5/15 * * * *"], "write 5/15 as 5-59/15"),
    (["--schedule", "0 6 * * *", "--timezone", "Europe/Berlin"], "--timezone is for Vertex"),
    (["--timezone", "Europe/Berlin"], "belongs to a --schedule"),
    (["--schedule", "0 6 * * *", "--wait"], "--wait is for a run that starts now"),
    (["--set", "kubeflow.image=new:2"], "--set kubeflow.image would change nothing"),
    (["--set", "model.width=64"], "--set model.width would change nothing"),
    (["--config", "local"], "There is no section kubeflow"),
]


@pytest.mark.parametrize(("args", "told"), WRONG, ids=[" ".join(args) for args, _ in WRONG])
def test_what_is_wrong_is_told_before_anything_is_sent(args, told, submit):
    with scripted({}) as (url, handler):
        code, seen = submit(None if "--config" in args else url, *args)
    assert code == 2
    assert told in seen
    assert handler.headers_seen == []


def test_a_package_that_would_be_refused_is_not_sent(server, submit, package):
    documents = list(yaml.safe_load_all(package.read_text()))
    documents[0]["schemaVersion"] = "2.0.0"
    package.write_text(yaml.safe_dump_all(documents))
    code, seen = submit(server.url)
    assert code == 2
    assert "The package would be refused by kubeflow" in seen
    assert "schema version 2.0.0" in seen
    assert not server.runs._given


def test_the_examples_of_the_configuration_are_not_sent(server, submit, package):
    package.write_text(package.read_text().replace("example.org/small", "registry.example.com/x"))
    code, seen = submit(server.url)
    assert code == 2
    assert "kubeflow.image: registry.example.com/x:1" in seen
    assert "make image IMAGE=NAME" in seen
    assert not server.runs._given


# Servers that say no.


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with what `answers` has for the end of the path; keeps the headers it was sent."""

    answers: dict[str, tuple[int, str]]
    headers_seen: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.headers_seen.append(self.headers.get("Authorization", ""))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        last = self.path.partition("?")[0].rpartition("/")[2]
        status, body = self.answers.get(last, (200, "{}"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 - the names are http.server's


@contextlib.contextmanager
def scripted(answers: dict[str, tuple[int, str]]):
    handler = type("Handler", (Scripted,), {"answers": answers, "headers_seen": []})
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}", handler
    finally:
        httpd.shutdown()
        httpd.server_close()


REFUSALS = [
    ({"healthz": (401, '{"message": "token expired"}')}, ["(401): token expired", "log in again"]),
    ({"healthz": (403, '{"message": "no"}')}, ["refuses (403): no", "kubeflow-edit"]),
    ({"healthz": (404, "nothing here")}, ["(404)", "Is the address right"]),
    ({"healthz": (200, "<html>Log in</html>")}, ["a page for people, a login most likely"]),
    ({"healthz": (503, "upstream")}, ["refuses (503)"]),
    ({"healthz": (200, '{"multi_user": true}')}, ["serves several users", "kubeflow.namespace"]),
    (
        {"experiments": (400, '{"message": "Invalid input error: no such namespace"}')},
        ["refuses (400): Invalid input error: no such namespace"],
    ),
    (
        {
            "experiments": (200, '{"experiments": [{"experiment_id": "1"}]}'),
            "runs": (500, '{"message": "Failed to create a workflow"}'),
        },
        ["refuses (500): Failed to create a workflow"],
    ),
]


@pytest.mark.parametrize(("answers", "told"), REFUSALS, ids=[told[0] for _, told in REFUSALS])
def test_what_a_server_refuses_is_one_clear_screen(answers, told, submit):
    with scripted(answers) as (url, _):
        code, seen = submit(url)
    assert code == 2
    for text in (*told, url):
        assert text in seen


def test_no_server_is_told_at_once(submit):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{unused.getsockname()[1]}"
    code, seen = submit(host)
    assert code == 2
    assert f"Kubeflow's API at {host} cannot be reached: " in seen
    assert "Connection refused" in seen


def test_without_an_address_the_ways_to_give_one_are_named(submit, monkeypatch):
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    code, seen = submit(None)
    assert code == 2
    assert "kubeflow.host in the configuration, or KF_PIPELINES_ENDPOINT" in seen


def test_the_address_may_come_from_the_environment(server, submit, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", server.url)
    assert submit(None)[0] == 0
    assert len(runs_of(server)) == 1


def test_a_token_file_is_used_and_the_token_is_written_nowhere(submit, tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text("very-secret")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(token))
    with scripted({"healthz": (401, '{"message": "unknown"}')}) as (url, handler):
        _, seen = submit(url)
    assert set(handler.headers_seen) == {"Bearer very-secret"}
    logs = "".join(file.read_text() for file in (tmp_path / "outputs").rglob("*.log"))
    assert "very-secret" not in seen + logs


def test_a_token_file_that_is_not_there_is_named(submit, tmp_path, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "gone"))
    with scripted({}) as (url, _):
        code, seen = submit(url)
    assert code == 2
    assert f"{tmp_path / 'gone'}: No such file or directory" in seen


def test_a_token_file_that_is_a_folder_is_named(submit, tmp_path, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path))
    with scripted({}) as (url, _):
        code, seen = submit(url)
    assert code == 2
    assert f"{tmp_path}: Is a directory" in seen


def test_a_token_that_expires_while_watching_ends_the_watching_only(submit):
    answers = {
        "experiments": (200, '{"experiments": [{"experiment_id": "1"}]}'),
        "runs": (200, '{"run_id": "r-1"}'),
        "r-1": (401, '{"message": "expired"}'),
    }
    with scripted(answers) as (url, _):
        code, seen = submit(url, "--wait")
    assert code == 1
    assert "(401): expired" in seen
    assert "the run goes on" in seen


# What the API reports of a run is nodes of Argo, of which several make a step.


def node(name: str, state: str | None, begin: int = 0, end: int = 0):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return kfp_server_api.V2beta1PipelineTaskDetail(
        display_name=name,
        state=state,
        start_time=start + timedelta(seconds=begin),
        end_time=start + timedelta(seconds=end),
    )


def test_a_step_is_running_from_its_driver_on():
    nodes = Nodes([node("A-driver", "RUNNING"), node("B-driver", None)])
    assert (nodes.step("A", over=False).running, nodes.step("A", over=False).state) == (True, None)
    assert not nodes.step("B", over=False).running
    assert not nodes.step("C", over=False).running


def test_a_driver_that_fails_is_a_step_that_fails():
    step = Nodes([node("A-driver", "FAILED", 0, 3)]).step("A", over=True)
    assert (step.state, step.seconds) == (State.FAILED, 3.0)
    assert "driver failed" in step.error


def test_what_argo_omits_was_skipped_when_the_run_is_over():
    assert Nodes([node("A-driver", None), node("A", None)]).step("A", over=True).state == (
        State.SKIPPED
    )


def test_a_cached_step_is_one_whose_executor_was_skipped():
    run = [node("A", "SUCCEEDED", 5, 9), node("executor", "SUCCEEDED", 5, 9)]
    cached = [node("B", "SUCCEEDED", 12, 12), node("executor", "SKIPPED", 12, 12)]
    nodes = Nodes([*run, *cached])
    assert nodes.step("A", over=True).state == State.RUN
    assert nodes.step("B", over=True).state == State.CACHED
