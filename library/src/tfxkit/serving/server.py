"""The server process: ports, two servers and a watcher, and a stop within a second."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
import uvicorn

from tfxkit.errors import UsageError

if TYPE_CHECKING:  # TensorFlow is loaded once the ports are taken
    from tfxkit.serving.versions import Versions

LOOK_EVERY_S = 1.0  # the interval of TensorFlow Serving
_STOP_WITHIN_S = 1
_GRPC_THREADS = 16
_UNLIMITED = -1


class Ports:
    """The two ports, taken before TensorFlow is loaded; 0 takes a free one.

    Attributes:
        rest: The address of the REST API, `host:port`.
        grpc: The address of the gRPC API.
        rest_socket: The bound socket.
        grpc_server: The server, not started.
    """

    def __init__(self, host: str, rest_port: int, grpc_port: int) -> None:
        """Takes them.

        Raises:
            UsageError: If a port is taken, or the host is not an address of this machine.
        """
        self.rest_socket = _bind(host, rest_port, "--port")
        _bind(host, grpc_port, "--grpc-port").close()  # gRPC gives no reason
        self.grpc_server = grpc.server(
            futures.ThreadPoolExecutor(_GRPC_THREADS),
            options=[
                ("grpc.so_reuseport", 0),  # else a second server shares the port in silence
                ("grpc.max_receive_message_length", _UNLIMITED),
                ("grpc.max_send_message_length", _UNLIMITED),
            ],
        )
        try:
            port = self.grpc_server.add_insecure_port(_address(host, grpc_port))
        except RuntimeError as error:
            raise UsageError(f"Cannot listen on {_address(host, grpc_port)}: {error}") from None
        self.rest = _address(host, self.rest_socket.getsockname()[1])
        self.grpc = _address(host, port)


@contextlib.contextmanager
def running(ports: Ports, app: Any, versions: Versions) -> Iterator[threading.Thread]:
    """Answers on both ports, and watches the folder, within the context.

    Args:
        ports: With the services of gRPC registered.
        app: The ASGI application.
        versions: To keep up to date with their folder.

    Yields:
        The thread of the REST server, alive as long as the server runs.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,  # its records go to the log of this process
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    rest = uvicorn.Server(config)
    # Not in the main thread, where it would take the signals and raise them once more at its end.
    answering = threading.Thread(target=rest.run, args=([ports.rest_socket],), daemon=True)
    ended = threading.Event()
    watching = threading.Thread(target=versions.watch, args=(LOOK_EVERY_S, ended), daemon=True)
    ports.grpc_server.start()
    answering.start()
    watching.start()
    try:
        yield answering
    finally:
        ended.set()
        rest.should_exit = True
        ports.grpc_server.stop(_STOP_WITHIN_S).wait()
        answering.join(_STOP_WITHIN_S)
        watching.join(_STOP_WITHIN_S)


def _bind(host: str, port: int, option: str) -> socket.socket:
    try:
        family, type_, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, type_, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"Cannot listen on {_address(host, port)}: {reason}. Choose another one with {option}"
        ) from None
    return listener


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
