"""`submit --target kubeflow` where an answer is lost: one run, whatever the client saw of it.

A front stands between the official client and the emulated backend. It hands requests on, and
spoils the answer of one in a way that does not depend on time.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import http.server
import ipaddress
import json
import os
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kubeflow.emulator.api.server import ApiServer
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.idle import IdleSteps, NoFiles
from tests.kubeflow.small_packages import Script, spec_of, text_of
from tests.sample_project import CONFIGS
from tfxkit import cli
from tfxkit.kubeflow import remote_run
from tfxkit.kubeflow.clients import kubeflow

ALERT_AS_DATA = b"\x17\x03\x03\x00\x20" + b"x" * 32  # a record of TLS that cannot be decrypted


class Front:
    """Hands requests on to the backend.

    Attributes:
        url: Its address.
        collection: The answer to the first POST to this collection of the API is spoiled …
        fault: … so: "broken", "silence", "gateway", "html", "tls" once the backend has answered;
            "dropped" without asking the backend; "late" asks it when somebody looks for the result.
        posts: The collections that were posted to, one after another.
    """

    def __init__(self, backend_url: str) -> None:
        self.backend = urllib.parse.urlparse(backend_url)
        self.url, self.collection, self.fault = "", "", ""
        self.posts: list[str] = []
        self.held: list[tuple[str, bytes, dict[str, str]]] = []
        self.closing = threading.Event()

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        asked = http.client.HTTPConnection(self.backend.hostname, self.backend.port)
        with contextlib.closing(asked):
            asked.request(method, path, body, headers)
            answer = asked.getresponse()
            return answer.status, answer.read()


def handler_of(front: Front) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            collection = self.path.partition("?")[0].rpartition("/")[2]
            headers = {"Content-Type": self.headers.get("Content-Type") or ""}
            if self.command == "POST":
                front.posts.append(collection)
                if collection == front.collection and front.posts.count(collection) == 1:
                    return self.spoil(body, headers)
            elif collection == front.collection and front.held:
                # The backend finishes what it was asked for only after this look-up.
                status, reply = front.ask(self.command, self.path, body, headers)
                for path, held_body, held_headers in front.held:
                    front.ask("POST", path, held_body, held_headers)
                front.held.clear()
                return self.send(status, reply)
            return self.send(*front.ask(self.command, self.path, body, headers))

        def spoil(self, body: bytes, headers: dict[str, str]) -> None:
            self.close_connection = True
            if front.fault == "late":
                front.held.append((self.path, body, headers))
            elif front.fault != "dropped":
                status, _ = front.ask("POST", self.path, body, headers)
                assert status == 200
            if front.fault == "gateway":
                self.send(504, b"upstream request timeout")
            elif front.fault == "html":
                self.send(200, b"<html>Log in</html>")
            elif front.fault == "silence":
                front.closing.wait()
            elif front.fault == "tls":
                with socket.socket(fileno=os.dup(self.connection.fileno())) as below:
                    below.sendall(ALERT_AS_DATA)
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

        def send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names are http.server's

    return Handler


@contextlib.contextmanager
def serving(front: Front, context: ssl.SSLContext | None = None) -> Iterator[Front]:
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(front))
    httpd.daemon_threads = True
    if context:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    front.url = f"http{'s' if context else ''}://127.0.0.1:{httpd.server_address[1]}"
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield front
    finally:
        front.closing.set()
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture
def api(tmp_path) -> Iterator[ApiServer]:
    settings = Settings(executor_logs=False)
    backend = Backend(NoFiles(), IdleSteps(), tmp_path / "backend", settings)
    with backend, ApiServer(backend) as api:
        yield api


@pytest.fixture
def front(api) -> Iterator[Front]:
    with serving(Front(api.url)) as front:
        yield front


@pytest.fixture
def submit(tmp_path, capfd, monkeypatch):
    """Calls the subcommand on a small package; the exit code, and what a person sees."""
    spec = spec_of({"Only": Script(container={"image": "example.org/small:1"})})
    file = tmp_path / "package.yaml"
    file.write_text(text_of(spec | {"defaultPipelineRoot": "s3://bucket/root"}))
    monkeypatch.setenv("HOME", str(tmp_path))  # no kubeconfig, no context of the client's
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(remote_run, "POLL_S", 0.05)
    monkeypatch.setattr(remote_run, "LOOK_UP_PAUSE_S", 0.01)

    def call(front: Front, *args: str) -> tuple[int, str]:
        settings = [f"outputs={tmp_path}/outputs", f"kubeflow.host={front.url}"]
        options = [part for setting in settings for part in ("--set", setting)]
        options += ["--config-dir", str(CONFIGS)]
        code = cli.main(["submit", str(file), *options, *args])
        seen = capfd.readouterr()
        assert "Traceback" not in seen.out + seen.err
        return code, seen.out + seen.err

    return call


def listed(api: ApiServer, collection: str, key: str) -> list[dict[str, Any]]:
    """The state of the backend, read past the front."""
    with urllib.request.urlopen(f"{api.url}/apis/v2beta1/{collection}") as answer:
        return json.load(answer).get(key, [])


@pytest.mark.parametrize("fault", ["broken", "gateway", "html", "late"])
def test_a_run_whose_answer_is_lost_is_found_and_not_made_twice(fault, api, front, submit):
    front.collection, front.fault = "runs", fault
    code, seen = submit(front, "--name", "nightly", "--wait")
    assert code == 0, seen
    assert front.posts.count("runs") == 1
    (run,) = listed(api, "runs", "runs")
    assert run["display_name"] == "nightly"
    assert run["state"] == "SUCCEEDED"
    assert f"Run {run['run_id']} of small on kubeflow" in seen


def test_a_server_that_never_answers_is_given_up_and_its_run_found(api, front, submit, monkeypatch):
    monkeypatch.setattr(kubeflow, "CREATE_TIMEOUT_S", (4, 0.5))
    front.collection, front.fault = "runs", "silence"
    code, seen = submit(front)
    assert code == 0, seen
    assert front.posts.count("runs") == 1
    (run,) = listed(api, "runs", "runs")
    assert f"Run {run['run_id']} of small on kubeflow" in seen


def test_a_run_of_the_same_name_is_not_taken_for_this_one(api, front, submit, monkeypatch):
    monkeypatch.setattr(remote_run, "LOOK_UP_PATIENCE_S", 0)
    assert submit(front, "--name", "nightly")[0] == 0
    front.posts.clear()
    front.collection, front.fault = "runs", "dropped"
    assert submit(front, "--name", "nightly")[0] == 2
    assert len(listed(api, "runs", "runs")) == 1


def test_where_the_outcome_stays_unknown_the_way_to_look_is_named(api, front, submit, monkeypatch):
    monkeypatch.setattr(remote_run, "LOOK_UP_PATIENCE_S", 0)
    front.collection, front.fault = "runs", "dropped"
    code, seen = submit(front)
    assert code == 2
    assert front.posts.count("runs") == 1
    assert listed(api, "runs", "runs") == []
    (experiment,) = [
        item
        for item in listed(api, "experiments", "experiments")
        if item["display_name"] == "small"
    ]
    assert "has not answered: Remote end closed connection without response" in seen
    assert "Whether the run was created is unknown. Before you submit again, look for one" in seen
    assert "'submission " in seen
    assert f"{front.url}/#/experiments/details/{experiment['experiment_id']}" in seen


@pytest.mark.parametrize("fault", ["broken", "late"])
def test_a_recurring_run_whose_answer_is_lost_is_found(fault, api, front, submit):
    front.collection, front.fault = "recurringruns", fault
    code, seen = submit(front, "--schedule", "30 6 * * 1-5")
    assert code == 0, seen
    assert front.posts.count("recurringruns") == 1
    (recurring,) = listed(api, "recurringruns", "recurringRuns")
    assert recurring["trigger"]["cron_schedule"]["cron"] == "0 30 6 * * 1-5"
    assert f"Schedule {recurring['recurring_run_id']} of small on kubeflow" in seen


def test_an_experiment_whose_answer_is_lost_is_found_by_its_name(api, front, submit):
    front.collection, front.fault = "experiments", "broken"
    assert submit(front, "--experiment", "taxi")[0] == 0
    assert front.posts == ["experiments", "runs"]
    (experiment,) = [
        item for item in listed(api, "experiments", "experiments") if item["display_name"] == "taxi"
    ]
    (run,) = listed(api, "runs", "runs")
    assert run["experiment_id"] == experiment["experiment_id"]


def test_an_interrupt_says_that_the_run_may_be_there(front, submit, monkeypatch):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(remote_run.time, "sleep", interrupt)
    front.collection, front.fault = "runs", "dropped"
    code, seen = submit(front)
    assert code == 130
    assert "Whether the run was created is unknown" in seen


# urllib3 by itself sends a POST again after an error of TLS.


@pytest.fixture
def certificate(tmp_path, monkeypatch) -> Path:
    """A key and a certificate for this machine, which the client trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setattr(certifi, "where", lambda: str(file))
    return file


def test_after_an_error_of_tls_the_run_is_found_and_not_made_twice(api, certificate, submit):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(Front(api.url), context) as front:
        front.collection, front.fault = "runs", "tls"
        code, seen = submit(front)
    assert code == 0, seen
    assert front.posts.count("runs") == 1
    (run,) = listed(api, "runs", "runs")
    assert f"Run {run['run_id']} of small on kubeflow" in seen
