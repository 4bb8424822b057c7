"""A webhook on this machine, which keeps what is posted to it."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclasses.dataclass
class Webhook:
    """A server and its answers.

    Attributes:
        port: On 127.0.0.1.
        answers: The status of each answer to come, or the seconds of a silence before it; 200 once
            there are no more.
        location: Where a redirect leads to.
        posts: Path, content type and body of each request.
    """

    port: int
    answers: list[int | float] = dataclasses.field(default_factory=list)
    location: str = ""
    posts: list[tuple[str, str, bytes]] = dataclasses.field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"


@contextlib.contextmanager
def webhook_server() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.posts.append((self.path, self.headers["Content-Type"], body))
            answer = webhook.answers.pop(0) if webhook.answers else 200
            if isinstance(answer, float):
                time.sleep(answer)
                return  # the connection is closed without an answer
            self.send_response(answer)
            if webhook.location:
                self.send_header("Location", webhook.location)
            self.end_headers()

        def do_GET(self) -> None:
            webhook.posts.append((self.path, "", b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    webhook = Webhook(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
