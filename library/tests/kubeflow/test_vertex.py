"""`submit --target vertex`: what the official client sends, to a server on the loopback."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth
import google.auth.exceptions
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform

from tests.kubeflow.overlays import PIPELINE
from tests.sample_project import CONFIGS
from tfxkit import cli
from tfxkit.kubeflow import remote_run
from tfxkit.kubeflow.package import read_package, write_package

PARENT = "projects/acme/locations/europe-west4"
KEY = f"{PARENT}/keyRings/ring/cryptoKeys/key"
SETTINGS = {
    "data.path": "gs://acme/taxi",
    "vertex.image": "europe-west4-docker.pkg.dev/acme/pipelines/taxi:1",
    "vertex.pipeline_root": "gs://acme/root",
    "vertex.serving": "gs://acme/serving",
    "vertex.checkpoints": "gs://acme/checkpoints",
    "vertex.project": "acme",
    "vertex.location": "europe-west4",
    "vertex.service_account": "runner@acme.iam.gserviceaccount.com",
    "vertex.network": "projects/7/global/networks/vpc",
    "vertex.encryption_key": KEY,
}
# Not in the package.
HOW_TO_SEND = [
    f"vertex.{key}"
    for key in ("project", "location", "service_account", "network", "encryption_key")
]


class Vertex:
    """The parts of Vertex AI that the client calls.

    Attributes:
        requests: What came, as method, path with query, body.
        states: What a job says of itself, one after another; the last for good.
        answers: Instead of the usual answer, by method and end of the path: status and message.
        loses: Ends of paths; what is posted there is carried out, and the connection breaks.
        made: What was created, by name.
        labels: Those of jobs, in place of what was sent.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.states: list[dict[str, Any]] = [{"state": "PIPELINE_STATE_RUNNING"}]
        self.answers: dict[tuple[str, str], tuple[int, str]] = {}
        self.loses: set[str] = set()
        self.made: dict[str, Any] = {}
        self.labels: dict[str, str] = {}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        self.requests.append((method, path, body))
        plain = path.partition("?")[0]
        for (of, end), (status, message) in self.answers.items():
            if method == of and plain.endswith(end):
                return status, {"error": {"code": status, "message": message}}
        if method == "POST" and plain.endswith("/pipelineJobs"):
            job_id = re.search(r"pipelineJobId=([-a-z0-9]+)", path)[1]
            name = f"{PARENT}/pipelineJobs/{job_id}"
            self.made[name] = {"name": name, "labels": self.labels or body["labels"]}
            return 200, {"name": name, "state": "PIPELINE_STATE_PENDING"}
        if method == "POST":
            name = f"{PARENT}/schedules/42"
            self.made[name] = body | {"name": name}
            return 200, {"name": name}
        if plain.endswith("/schedules"):
            return 200, {"schedules": list(self.made.values())}
        name = plain.removeprefix("/v1/")
        if name not in self.made:
            return 404, {"error": {"code": 404, "message": f"{name} not found"}}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return 200, {**self.made[name], **state}

    def sent(self, end: str) -> tuple[str, Any]:
        """Path and body of the one POST to a collection."""
        (found,) = [
            (path, body)
            for method, path, body in self.requests
            if method == "POST" and path.partition("?")[0].endswith(end)
        ]
        return found


@contextlib.contextmanager
def served(vertex: Vertex) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw else None
            status, reply = vertex.answer(self.command, self.path, body)
            end = self.path.partition("?")[0].rpartition("/")[2]
            if self.command == "POST" and end in vertex.loses:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the names are http.server's

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        httpd.server_close()


class Credentials(AnonymousCredentials):
    """Of somebody whom Vertex does not know, and who stays so."""

    def refresh(self, request: Any) -> None:
        pass


@pytest.fixture
def google_cloud(monkeypatch):
    """Anonymous credentials, and a fresh state of the client's own."""
    monkeypatch.setattr(google.auth, "default", lambda **_: (Credentials(), None))
    monkeypatch.setattr(remote_run, "POLL_S", 0.02)
    monkeypatch.setattr(remote_run, "LOOK_UP_PATIENCE_S", 0)
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    fresh = type(aiplatform.initializer.global_config)()
    monkeypatch.setattr(aiplatform.initializer, "global_config", fresh)
    monkeypatch.setattr(aiplatform, "init", fresh.init)


@pytest.fixture
def vertex(google_cloud):
    vertex = Vertex()
    with served(vertex) as url:
        aiplatform.init(api_endpoint=url)
        yield vertex


@pytest.fixture
def package(compiled, tmp_path) -> Path:
    file = tmp_path / "package.yaml"
    wanted = [f"{key}={value}" for key, value in SETTINGS.items()]
    write_package(compiled("vertex", *wanted), file)
    return file


@pytest.fixture
def submit(package, tmp_path, capfd):
    def call(*args: str) -> tuple[int, str]:
        settings = [f"{key}={SETTINGS[key]}" for key in HOW_TO_SEND]
        settings.append(f"outputs={tmp_path}/outputs")
        options = [part for setting in settings for part in ("--set", setting)]
        options += ["--config-dir", str(CONFIGS)]
        code = cli.main(["submit", str(package), "--target", "vertex", *options, *args])
        seen = capfd.readouterr()
        assert "Traceback" not in seen.out + seen.err
        assert len((seen.out + seen.err).splitlines()) < 25
        return code, seen.out + seen.err

    return call


def test_the_request_says_all_that_is_configured(submit, vertex, package):
    code, seen = submit("--name", "nightly", "--spans", "newest", "--threshold", "auc.min=0.9")
    assert code == 0
    path, job = vertex.sent("/pipelineJobs")
    match = re.fullmatch(
        rf"/v1/{PARENT}/pipelineJobs\?pipelineJobId=({PIPELINE}-\d{{14}})&.*", path
    )
    assert match is not None
    assert job["displayName"] == "nightly"
    assert job["pipelineSpec"] == read_package(package).spec
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://acme/root"
    given = job["runtimeConfig"]["parameterValues"]
    assert given.keys() == {"spans", "thresholds"}
    assert given["spans"] == "newest"
    assert given["thresholds"]["auc"] == {"min": 0.9, "max_worsening": 0.005}
    assert job["serviceAccount"] == SETTINGS["vertex.service_account"]
    assert job["network"] == SETTINGS["vertex.network"]
    assert job["encryptionSpec"] == {"kmsKeyName": KEY}
    assert job["labels"]["pipeline"] == PIPELINE
    assert f"Run {match[1]} of {PIPELINE} on vertex" in seen
    assert f"europe-west4/pipelines/runs/{match[1]}?project=acme" in seen


def test_what_is_cached_stays_as_it_was_compiled(submit, vertex):
    submit()
    _, job = vertex.sent("/pipelineJobs")
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert cached == tasks.keys() - {"Baseline", "Pusher"}


def test_a_schedule_carries_the_whole_request(submit, vertex, package):
    code, seen = submit("--schedule", "30 6 * * 1-5", "--timezone", "Europe/Berlin")
    assert code == 0
    _, schedule = vertex.sent("/schedules")
    assert schedule["cron"] == "TZ=Europe/Berlin 30 6 * * 1-5"
    assert schedule["maxConcurrentRunCount"] == "1"
    request = schedule["createPipelineJobRequest"]
    assert request["parent"] == PARENT
    job = request["pipelineJob"]
    assert job["pipelineSpec"] == read_package(package).spec
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://acme/root"
    assert job["serviceAccount"] == SETTINGS["vertex.service_account"]
    assert job["network"] == SETTINGS["vertex.network"]
    assert job["encryptionSpec"] == {"kmsKeyName": KEY}
    assert job["labels"]["pipeline"] == PIPELINE
    assert f"Schedule 42 of {PIPELINE} on vertex" in seen
    assert not [path for method, path, _ in vertex.requests if "pipelineJobId" in path]


def task(name: str, state: str, seconds: int = 0, **more: Any) -> dict[str, Any]:
    times = {
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": f"2026-01-01T00:00:{seconds:02d}Z",
    }
    return {"taskName": name, "state": state, **(times if seconds else {}), **more}


def test_waiting_shows_what_became_of_each_step(submit, vertex):
    done = [task("ExampleGen", "SUCCEEDED", 9), task("StatisticsGen", "SKIPPED", 1)]
    vertex.states = [
        {"state": "PIPELINE_STATE_PENDING"},
        {"state": "PIPELINE_STATE_RUNNING", "jobDetail": {"taskDetails": done}},
        {"state": "PIPELINE_STATE_SUCCEEDED", "jobDetail": {"taskDetails": done}},
    ]
    code, seen = submit("--wait")
    assert code == 0
    lines = [line.split() for line in seen.splitlines()]
    assert ["✓", "ExampleGen", "9.0", "s"] in lines
    assert ["=", "StatisticsGen", "1.0", "s", "reused"] in lines
    assert "Succeeded" in seen


def test_a_failed_step_is_named_with_its_error_and_the_way_to_its_log(submit, vertex):
    detail = {"containerDetail": {"mainJob": f"{PARENT}/customJobs/77"}}
    error = {"code": 9, "message": "The replica workerpool0-0 exited with code 1"}
    failed = task("Trainer", "FAILED", 8, error=error, executorDetail=detail)
    vertex.states = [
        {
            "state": "PIPELINE_STATE_FAILED",
            "jobDetail": {"taskDetails": [failed]},
            "error": {"code": 9, "message": "The DAG failed because some tasks failed"},
        }
    ]
    code, seen = submit("--wait")
    assert code == 1
    assert "✗ Trainer" in seen
    assert "· Pusher" in seen
    assert "Failed: Trainer\n  Trainer: The replica workerpool0-0 exited with code 1" in seen
    assert f"gcloud ai custom-jobs stream-logs {PARENT}/customJobs/77" in seen
    assert "The DAG failed" in seen


REFUSALS = [
    (
        ("POST", "/pipelineJobs"),
        (401, "invalid"),
        ["Not authenticated with Vertex AI: ", "application-default login"],
    ),
    (("POST", "/pipelineJobs"), (403, "denied"), ["does not allow this in acme", "denied"]),
    (("POST", "/pipelineJobs"), (400, "bad image"), ["Vertex AI refuses (400)", "bad image"]),
    (("POST", "/pipelineJobs"), (404, "no API"), ["Vertex AI refuses (404)", "no API"]),
    (("POST", "/pipelineJobs"), (503, "away"), ["in europe-west4 has not answered", "away"]),
]


@pytest.mark.parametrize(("of", "answer", "told"), REFUSALS, ids=[told[0] for *_, told in REFUSALS])
def test_what_vertex_refuses_is_one_clear_screen(of, answer, told, submit, vertex):
    vertex.answers[of] = answer
    code, seen = submit()
    assert code == 2
    for text in told:
        assert text in seen


def test_a_run_whose_answer_is_lost_is_found_and_not_made_twice(submit, vertex):
    vertex.loses = {"pipelineJobs"}
    code, seen = submit()
    assert code == 0, seen
    vertex.sent("/pipelineJobs")
    (name,) = vertex.made
    assert f"Run {name.rpartition('/')[2]} of {PIPELINE} on vertex" in seen


def test_a_schedule_whose_answer_is_lost_is_found_by_its_label(submit, vertex):
    other = {"createPipelineJobRequest": {"pipelineJob": {"labels": {"submission": "other"}}}}
    vertex.made["another"] = other | {"name": f"{PARENT}/schedules/41", "displayName": "nightly"}
    vertex.loses = {"schedules"}
    code, seen = submit("--schedule", "30 6 * * 1-5", "--name", "nightly")
    assert code == 0, seen
    vertex.sent("/schedules")
    assert f"Schedule 42 of {PIPELINE} on vertex" in seen


def test_a_run_that_another_submission_made_is_not_taken_for_this_one(submit, vertex):
    vertex.loses, vertex.labels = {"pipelineJobs"}, {"submission": "other"}
    code, seen = submit()
    assert code == 2
    assert "Vertex AI in europe-west4 has not answered" in seen
    assert "Whether the run was created is unknown. Before you submit again, look for it: " in seen
    assert "/pipelines/runs/" in seen


def test_nothing_is_asked_but_for_the_run(submit, vertex):
    submit()
    asked = [(method, path.partition("?")[0]) for method, path, _ in vertex.requests]
    assert asked == [("POST", f"/v1/{PARENT}/pipelineJobs")]


def test_no_network_is_told_at_once(submit, google_cloud):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        aiplatform.init(api_endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}")
    code, seen = submit()
    assert code == 2
    assert "Vertex AI in europe-west4 does not answer" in seen


def test_no_credentials_are_told_with_the_command_that_makes_them(
    submit, google_cloud, monkeypatch
):
    def none(**_: Any) -> None:
        raise google.auth.exceptions.DefaultCredentialsError("Your default credentials were not")

    monkeypatch.setattr(google.auth, "default", none)
    code, seen = submit()
    assert code == 2
    assert "no credentials for Google Cloud: gcloud auth application-default login" in seen


def test_no_project_is_told(submit, google_cloud):
    code, seen = submit("--set", "vertex.project=null")
    assert code == 2
    assert "set vertex.project" in seen


def test_the_examples_of_the_configuration_are_not_sent(submit, vertex, compiled, package):
    write_package(compiled("vertex"), package)
    code, seen = submit()
    assert code == 2
    for key in (
        "data.path",
        *(f"vertex.{key}" for key in ("image", "pipeline_root", "serving", "checkpoints")),
    ):
        assert f"  {key}: " in seen
    assert vertex.requests == []


def test_an_experiment_is_for_kubeflow(submit, vertex):
    code, seen = submit("--experiment", "taxi")
    assert code == 2
    assert "--experiment is for Kubeflow" in seen
    assert vertex.requests == []
