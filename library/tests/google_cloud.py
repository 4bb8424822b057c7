"""A stand-in for Dataflow and Cloud Storage on this machine; it takes jobs and runs none."""

from __future__ import annotations

import base64
import dataclasses
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google_crc32c
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

BUCKET = "my-bucket"


@dataclasses.dataclass
class GoogleCloud:
    """Address and received requests of the stand-in.

    Attributes:
        address: Address that it listens on.
        jobs: The bodies of the requests for new jobs.
        objects: Stored objects, by name in the bucket.
    """

    address: str = ""
    jobs: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    objects: dict[str, bytes] = dataclasses.field(default_factory=dict)

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
        """The answer to a request: JSON, or None if there is no such thing."""
        if path == "/token":
            found: Any = {"access_token": "x", "expires_in": 3600, "token_type": "Bearer"}
        elif path.startswith("/upload/"):
            name = query.get("name") or json.loads(body)["name"]
            self.objects[name] = self.objects.get(name, b"") + (body if method == "PUT" else b"")
            checksum = google_crc32c.value(self.objects[name]).to_bytes(4)
            found = {"name": name, "crc32c": base64.b64encode(checksum).decode()}
        elif path == f"/storage/v1/b/{BUCKET}":
            found = {"name": BUCKET, "kind": "storage#bucket"}
        elif path == f"/storage/v1/b/{BUCKET}/o":
            found = {
                "items": [
                    _listed(name)
                    for name in self.objects
                    if name.startswith(query.get("prefix", ""))
                ]
            }
        elif path.endswith("/jobs") and method == "POST":
            self.jobs.append(json.loads(body))
            found = {"id": "job-1", "currentState": "JOB_STATE_DONE"}
        elif path.endswith("/jobs/job-1"):
            found = {"id": "job-1", "currentState": "JOB_STATE_DONE"}
        else:
            found = {} if path.endswith(("/messages", "/metrics")) else None
        return found


def _listed(name: str) -> dict[str, str]:
    updated = "2026-01-01T00:00:00Z"
    return {"name": name, "bucket": BUCKET, "size": "1", "updated": updated, "etag": "x"}


def _service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    no_password = serialization.NoEncryption()
    return {
        "type": "service_account",
        "project_id": "my-project",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password
        ).decode(),
        "client_email": "somebody@my-project.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


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
    credentials = tmp_path / "credentials.json"
    credentials.write_text(json.dumps(_service_account(f"{cloud.address}/token")))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.address)
    yield cloud
    server.shutdown()
    server.server_close()
