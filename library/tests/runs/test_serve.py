"""The server as a process of its own, asked over both of its APIs."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.project_with_runs import NAME, Project
from tests.sample_project import LIBRARY, ROOT
from tfxkit.serving.model import RowEncoder

pytestmark = pytest.mark.slow

TOO_DEEP = b'{"instances": [' + b"[" * 3000 + b"]" * 3000 + b"]}"


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that runs, and the folder that it serves from."""

    process: subprocess.Popen
    rest: str
    grpc: str
    folder: Path
    screen: Path

    def post(self, what: str, body) -> tuple[int, dict]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._open(urllib.request.Request(f"{self.rest}/v1/models/{what}", data))

    def get(self, path: str) -> tuple[int, dict]:
        return self._open(f"{self.rest}{path}")

    def _open(self, request) -> tuple[int, dict]:
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def served(self) -> int | None:
        return self.get("/healthz")[1].get("version")

    def wait_for(self, version: int | None) -> None:
        deadline = time.monotonic() + 30
        while self.served() != version:
            assert time.monotonic() < deadline, self.screen.read_text()
            time.sleep(0.1)


@contextlib.contextmanager
def serving(
    arguments: Sequence[str], folder: Path, screen: Path, root: Path = ROOT
) -> Iterator[Server]:
    """Runs `serve` with the code in `root`, until the block ends.

    Args:
        arguments: Which configuration to take, on the command line.
        folder: The folder that it serves from.
        screen: The file that gets what a person would see.
        root: The project's folder.
    """
    command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--grpc-port", "0"]
    with screen.open("w") as file:
        process = subprocess.Popen([*command, *arguments], cwd=root, stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + 300
        while "Ctrl-C" not in (shown := screen.read_text()):
            assert process.poll() is None and time.monotonic() < deadline, shown
            time.sleep(0.1)
        rest = re.search(r"http://[^/]+", shown)[0]
        address = re.search(r"gRPC: (\S+)", shown)[1]
        yield Server(process, rest, address, folder, screen)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def project_of_one_version(after_first_run, tmp_path_factory) -> Project:
    """The pushed model of the first run, as version 1, in a folder of its own."""
    first, saved = after_first_run
    project = Project(tmp_path_factory.mktemp("serving"))
    shutil.copytree(saved / "configs", project.configs)
    [version] = (saved / first.outputs.serving.relative_to(first.root)).glob("[0-9]*")
    shutil.copytree(version, project.outputs.serving / "1")
    return project


@pytest.fixture(scope="module")
def server(project_of_one_version, tmp_path_factory) -> Iterator[Server]:
    project, screen = project_of_one_version, tmp_path_factory.mktemp("screen") / "screen"
    _, *selection = project.arguments("serve")
    with serving(selection, project.outputs.serving, screen) as server:
        yield server


@pytest.fixture
def stubs(server):
    with grpc.insecure_channel(server.grpc) as channel:
        yield (
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )


def push(server: Server, number: int) -> None:
    """As the Pusher does it: aside, then renamed."""
    aside = server.folder / f".{number}.0"
    shutil.copytree(server.folder / "1", aside)
    aside.rename(server.folder / str(number))


def rows_of(file: Path, folder: Path) -> list[dict]:
    """The rows of a CSV as a client writes them in JSON."""
    types = RowEncoder.of(str(folder / "1")).types
    convert = {"INT": lambda text: int(float(text)), "FLOAT": float, "BYTES": str}
    with file.open(newline="") as text:
        return [
            {name: convert[kind](row[name]) if row[name] else None for name, kind in types.items()}
            for row in csv.DictReader(text)
        ]


def test_both_apis_answer_as_predict_does(server, stubs, project, capfd):
    file = project.span(2)
    capfd.readouterr()
    assert project.pipeline("predict", str(file)) == 0
    found = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    expected = [[float(row["probability"])] for row in found]

    rows = rows_of(file, server.folder)
    status, answer = server.post(f"{NAME}:predict", {"examples": rows})
    assert status == 200
    np.testing.assert_allclose(answer["predictions"], expected, atol=1e-6)

    encoder = RowEncoder.of(str(server.folder / "1"))
    examples = encoder.encode(encoder.read(rows))
    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(examples))
    response = stubs[0].Predict(request)
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (NAME, 1, "serving_default")
    assert len(response.outputs["probability"].float_val) == len(rows)
    values = tf.make_ndarray(response.outputs["probability"])
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_status_and_metadata_are_the_same_in_both(server, stubs):
    status, answer = server.get(f"/v1/models/{NAME}")
    ok = {"error_code": "OK", "error_message": ""}
    served = {"version": "1", "state": "AVAILABLE", "status": ok}
    assert status == 200 and served in answer["model_version_status"]
    assert server.get(f"/v1/models/{NAME}/versions/1")[1] == {"model_version_status": [served]}
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = NAME
    request.model_spec.version.value = 1
    [one] = stubs[1].GetModelStatus(request).model_version_status
    assert (one.version, one.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)

    status, answer = server.get(f"/v1/models/{NAME}/metadata")
    assert status == 200
    assert answer["model_spec"] == {"name": NAME, "signature_name": "", "version": "1"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["examples"]["dtype"] == "DT_STRING"
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    packed = stubs[0].GetModelMetadata(request).metadata["signature_def"]
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert packed.Unpack(signatures)
    assert signatures.signature_def["serving_default"].outputs.keys() == {"probability"}


@pytest.mark.parametrize(
    ("what", "body", "status", "told"),
    [
        (":predict", b"{", 400, "JSON Parse error"),
        (":predict", {"examples": [{}]}, 400, "lacks columns that the model needs: "),
        (":predict", {"instances": [1]}, 400, "not of expected type: string"),
        (":predict", {"instances": ["no example"]}, 400, "Could not parse example input"),
        (":predict", {"instances": ["\ud800"]}, 400, "does not fit into string: 'utf-8' codec"),
        (":predict", TOO_DEEP, 400, "maximum recursion depth exceeded"),
        (":regress", {}, 400, "Malformed request: POST /v1/models/"),
        ("2:predict", {"instances": [""]}, 404, f"Servable not found for request: Latest({NAME}2)"),
        ("/versions/9:predict", {"instances": [""]}, 404, f"Specific({NAME}, 9)"),
        ("/versions/a:predict", {}, 400, "Malformed request: POST /v1/models/"),
        (":explain", {}, 400, "Malformed request: POST /v1/models/"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(server, what, body, status, told):
    got, answer = server.post(NAME + what, body)
    assert got == status and told in answer["error"] and answer.keys() == {"error"}


def test_what_is_not_there_is_404(server):
    assert server.get("/v1/models/other") == (
        404,
        {"error": "Could not find any versions of model other"},
    )
    assert server.get(f"/v1/models/{NAME}:predict")[0] == 400
    assert server.get("/elsewhere")[0] == 404


@pytest.mark.parametrize(
    ("spec", "inputs", "code"),
    [
        ({"name": "other"}, {"examples": [b""]}, "NOT_FOUND"),
        ({"version": {"value": 9}}, {"examples": [b""]}, "NOT_FOUND"),
        ({"version_label": "stable"}, {"examples": [b""]}, "INVALID_ARGUMENT"),
        ({"signature_name": "nope"}, {"examples": [b""]}, "FAILED_PRECONDITION"),
        ({}, {}, "INVALID_ARGUMENT"),
        ({}, {"examples": [1.0]}, "INVALID_ARGUMENT"),
        ({}, {"examples": [b"no example"]}, "INVALID_ARGUMENT"),
    ],
)
def test_grpc_has_the_codes_of_tensorflow_serving(stubs, spec, inputs, code):
    request = predict_pb2.PredictRequest(model_spec={"name": NAME, **spec})
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    with pytest.raises(grpc.RpcError) as error:
        stubs[0].Predict(request)
    assert error.value.code().name == code


def test_classify_and_regress_are_not_implemented(stubs):
    for call, request in (
        (stubs[0].Classify, classification_pb2.ClassificationRequest()),
        (stubs[0].Regress, regression_pb2.RegressionRequest()),
    ):
        with pytest.raises(grpc.RpcError) as error:
            call(request)
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_while_versions_come_and_go_every_request_is_answered(server):
    statuses, over = [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            statuses.append(server.post(f"{NAME}:predict", {"instances": [{"b64": ""}] * 3})[0])

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        push(server, 2)
        server.wait_for(2)
        (server.folder / "3").mkdir()  # as a copy by hand begins
        shutil.copy(server.folder / "1" / "saved_model.pb", server.folder / "3")
        push(server, 4)
        server.wait_for(4)
        shutil.rmtree(server.folder / "4")
        server.wait_for(2)
        shutil.rmtree(server.folder / "3")
        shutil.rmtree(server.folder / "2")
        server.wait_for(1)
    finally:
        over.set()
        for asker in askers:
            asker.join()
    assert len(statuses) > 50 and set(statuses) == {200}
    assert "Version 3" not in server.screen.read_text()


def test_the_metrics_count_what_was_asked(server):
    before = _numbers(server)
    server.post(f"{NAME}:predict", {"instances": [""]})
    server.post(f"{NAME}:predict", b"{")
    after = _numbers(server)
    labels = f'API="Predict",entrypoint="REST",model_name="{NAME}"'
    grown = {key for key in after if after[key] == before.get(key, 0) + 1}
    assert f':tensorflow:serving:request_count_total{{model_name="{NAME}",status="OK"}}' in grown
    count = f":tensorflow:serving:request_latency_count{{{labels}}}"
    assert after[count] == before[count] + 2
    assert after[f'served_model_version{{model_name="{NAME}"}}'] == 1


def _numbers(server: Server) -> dict[str, float]:
    with urllib.request.urlopen(f"{server.rest}/monitoring/prometheus/metrics") as response:
        assert response.headers.get_content_type() == "text/plain"
        lines = response.read().decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {key: float(value) for key, value in pairs}


def test_the_requests_of_the_documentation_are_answered(server, tmp_path, monkeypatch, capsys):
    text = (LIBRARY / "docs" / "serving.md").read_text(encoding="utf-8")
    for there, here in (
        (r"localhost:8500", server.grpc),
        (r'(?<=model_spec\.name = )"[^"]+"', f'"{NAME}"'),
    ):
        text, count = re.subn(there, here, text)
        assert count
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for snippet in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        exec(snippet, names)
    assert capsys.readouterr().out.startswith("1 [[")
    _, answer = server.post(f"{NAME}:predict", (tmp_path / "request.json").read_bytes())
    np.testing.assert_allclose(
        answer["predictions"], tf.make_ndarray(names["response"].outputs["probability"]), atol=1e-6
    )


def test_a_port_that_is_taken_is_said_before_anything_is_loaded(project_of_one_version, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option in ("--port", "--grpc-port"):
            other = {"--port": "--grpc-port", "--grpc-port": "--port"}[option]
            assert project_of_one_version.pipeline("serve", option, port, other, "0") == 2
            [line] = capfd.readouterr().err.splitlines()
            assert line.startswith(f"Cannot listen on 127.0.0.1:{port}") and option in line


def test_without_a_model_it_says_how_to_get_one(fresh_project, capfd):
    for _ in range(2):
        assert fresh_project.pipeline("serve", "--port", "0", "--grpc-port", "0") == 2
        [line] = capfd.readouterr().err.splitlines()
        assert "python -m pipeline run" in line
        fresh_project.outputs.serving.mkdir(parents=True, exist_ok=True)


def test_it_ends_when_it_is_told_to(server):  # the last one: it ends the server
    with grpc.insecure_channel(server.grpc) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0
    assert server.screen.read_text().endswith("Stopped.\n")
    assert "Traceback" not in server.screen.read_text()
