"""A stand-in for Dataflow and Cloud Storage on this machine: takes what it is sent, runs nothing."""

from __future__ import annotations

import dataclasses
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

BUCKET = "my-bucket"


@dataclasses.dataclass
class GoogleCloud:
    """What was asked for.

    Attributes:
        address: Where it listens.
        jobs: The bodies of the requests for new jobs.
        objects: What was stored, by name in the bucket.
    """

    address: str = ""
    jobs: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    objects: dict[str, bytes] = dataclasses.field(default_factory=dict)

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
        """The answer to a request: JSON, or None if there is no such thing."""
        if path == "/token":
            return {"access_token": "x", "expires_in": 3600, "token_type": "Bearer"}
        if path == f"/storage/v1/b/{BUCKET}":
            return {"name": BUCKET, "kind": "storage#bucket"}
        if path.startswith("/upload/"):
            name = query.get("name") or json.loads(body)["name"]
            self.objects[name] = self.objects.get(name, b"") + (body if method == "PUT" else b"")
            return {"name": name, "bucket": BUCKET, "size": str(len(self.objects[name]))}
        if path.endswith("/jobs") and method == "POST":
            self.jobs.append(json.loads(body))
            return {"id": "job-1", "currentState": "JOB_STATE_DONE"}
        if path.endswith("/jobs/job-1"):
            return {"id": "job-1", "currentState": "JOB_STATE_DONE"}
        if path.endswith(("/messages", "/metrics")):
            return {}
        return None


@pytest.fixture
def google_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """The service; this process's clients of Google find it, and nothing of the user's is read."""
    cloud = GoogleCloud()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _serve(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = cloud.answer(self.command, url.path, query, body)
            text = json.dumps(found if found is not None else {"error": {"code": 404}}).encode()
            self.send_response(404 if found is None else 200)
            if query.get("uploadType") == "resumable" and self.command == "POST":
                self.send_header("Location", f"{cloud.address}{url.path}?name={found['name']}")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cloud.address = f"http://localhost:{server.server_address[1]}"
    user = {key: "x" for key in ("client_id", "client_secret", "refresh_token")}
    credentials = tmp_path / "credentials.json"
    credentials.write_text(
        json.dumps({"type": "authorized_user", "token_uri": f"{cloud.address}/token", **user})
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.address)
    yield cloud
    server.shutdown()
    server.server_close()
