"""The API server on this machine's loopback: the part of v2beta1 that the official client calls.

Errors have the form of grpc-gateway, with the messages of the backend (common/util/error.go:294).
Replies leave out what is empty, as the backend's do (apiserver/common/utils.go:159).
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.kubeflow.emulator.api.experiments import Experiments
from tests.kubeflow.emulator.api.pipelines import Pipelines, UploadError
from tests.kubeflow.emulator.api.recurring_runs import RecurringRuns
from tests.kubeflow.emulator.api.request import Request
from tests.kubeflow.emulator.api.runs import Runs
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.errors import (
    ALREADY_EXISTS,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    BackendError,
    NotEmulated,
)

HTTP_STATUS = {INVALID_ARGUMENT: 400, NOT_FOUND: 404, ALREADY_EXISTS: 409, INTERNAL: 500}
Answer = Callable[..., dict[str, Any]]


class ApiServer:
    """A server for a backend; a context manager that runs it.

    Attributes:
        url: Its address.
        experiments, pipelines, runs, recurring_runs: What it serves.
    """

    def __init__(self, backend: Backend) -> None:
        self.experiments, self.pipelines = Experiments(), Pipelines()
        self.runs = Runs(backend, self.experiments, self.pipelines)
        self.recurring_runs = RecurringRuns(self.experiments, self.pipelines, self.runs)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._routes()))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        # Looks every 20 ms whether it is to end.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> ApiServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _routes(self) -> list[tuple[str, str, Answer]]:
        """Method, path below /apis/v2beta1, and who answers; * is handed to it."""
        return [
            ("GET", "healthz", lambda _: {}),  # multi_user is false, hence left out
            ("GET", "experiments", self.experiments.list),
            ("POST", "experiments", self.experiments.create),
            ("GET", "experiments/*", self.experiments.get),
            ("POST", "pipelines/upload", self.pipelines.upload),
            ("POST", "pipelines/upload_version", self.pipelines.upload_version),
            ("GET", "pipelines", self.pipelines.list),
            ("GET", "pipelines/*", self.pipelines.get),
            ("GET", "pipelines/*/versions", self.pipelines.list_versions),
            ("GET", "pipelines/*/versions/*", self.pipelines.get_version),
            ("GET", "runs", self.runs.list),
            ("POST", "runs", self.runs.create),
            ("GET", "runs/*", self.runs.get),
            ("GET", "recurringruns", self.recurring_runs.list),
            ("POST", "recurringruns", self.recurring_runs.create),
            ("GET", "recurringruns/*", self.recurring_runs.get),
            ("POST", "recurringruns/*:enable", self.recurring_runs.enable),
            ("POST", "recurringruns/*:disable", self.recurring_runs.disable),
            ("DELETE", "recurringruns/*", self.recurring_runs.delete),
        ]


def _handler(routes: list[tuple[str, str, Answer]]) -> type[BaseHTTPRequestHandler]:
    patterns = [
        (method, re.compile(path.replace("*", "([^/:]+)")), answer)
        for method, path, answer in routes
    ]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            url = urllib.parse.urlparse(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = dict(urllib.parse.parse_qsl(url.query))
            request = Request(query, body, self.headers.get("Content-Type") or "")
            path = url.path.removeprefix("/apis/v2beta1/")
            try:
                self._send(200, self._find(path, request))
            except UploadError as error:
                text = str(error)
                reply = {"error_message": text, "error_details": text}
                self._send(HTTP_STATUS[error.code], reply)
            except BackendError as error:
                self._send(HTTP_STATUS[error.code], _status(error))
            except NotEmulated as error:
                self._send(501, {"code": 12, "message": f"not emulated: {error}"})

        def _find(self, path: str, request: Request) -> dict[str, Any]:
            for method, pattern, answer in patterns:
                match = pattern.fullmatch(path)
                if method == self.command and match:
                    return answer(request, *match.groups())
            raise BackendError("Not Found", NOT_FOUND, "Not Found")

        def _send(self, status: int, reply: dict[str, Any]) -> None:
            body = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names are http.server's

    return Handler


def _status(error: BackendError) -> dict[str, Any]:
    """A google.rpc.Status, as grpc-gateway writes it."""
    detail = {
        "@type": "type.googleapis.com/google.rpc.Status",
        "code": 2 if error.plain else error.code,
        "message": error.message() if error.plain else error.external,
    }
    return {"code": error.code, "message": error.message(), "details": [detail]}
