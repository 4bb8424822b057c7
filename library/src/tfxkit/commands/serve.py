"""Serve the newest pushed model on this machine, over TensorFlow Serving's REST and gRPC APIs.

A version that is pushed is served as soon as it is loaded; one that is removed is dropped. Ctrl-C
ends it. "Serving" in the documentation of tfxkit has requests.
"""

from __future__ import annotations

import argparse
from typing import TextIO

from tfxkit.errors import UsageError
from tfxkit.extras import require_extra
from tfxkit.options import add_config_options, pipeline_outputs
from tfxkit.runs.outputs import Outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this subcommand."""
    parser.add_argument("--port", type=int, default=8501, help="of the REST API (8501)")
    parser.add_argument("--grpc-port", type=int, default=8500, help="of the gRPC API (8500)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)"
    )
    add_config_options(parser)


def run(args: argparse.Namespace) -> int:
    """Serves until it is stopped; returns 0."""
    require_extra("serving", "Serving")

    from tfxkit.runs.interruption import Interruption
    from tfxkit.runs.run_log import captured

    outputs = pipeline_outputs(args)
    if not outputs.serving.is_dir():
        raise _nothing_pushed(outputs)
    with captured(outputs.root / "serve.log") as terminal, Interruption().watched():
        try:
            _serve(outputs, args, terminal)
        except KeyboardInterrupt:  # how it is meant to end
            terminal.write("Stopped.\n")
    return 0


def _serve(outputs: Outputs, args: argparse.Namespace, terminal: TextIO) -> None:
    import gc
    import logging
    import time

    from tfxkit.serving import server

    ports = server.Ports(args.host, args.port, args.grpc_port)

    from tfxkit.serving.grpc_services import add_services
    from tfxkit.serving.metrics import RequestMetrics
    from tfxkit.serving.rest import create_app
    from tfxkit.serving.versions import Versions
    from tfxkit.storage import served_model

    logging.basicConfig(level=logging.INFO)
    # What is imported stays: walking over it would show in the latency, and take two seconds of the
    # process's end.
    gc.freeze()
    gc.set_threshold(700, 10, 10)  # Python's own, for short pauses
    name = outputs.root.name
    if not served_model.complete_versions(str(outputs.serving)):
        raise _nothing_pushed(outputs)
    versions = Versions(name, str(outputs.serving), lambda line: terminal.write(line + "\n"))
    versions.look()
    time.sleep(server.LOOK_EVERY_S)  # what has not changed until then is whole
    versions.look()
    if versions.current is None:
        raise UsageError(f"No version in {outputs.serving} can be served")
    metrics = RequestMetrics(name)
    add_services(ports.grpc_server, versions, metrics)
    with server.running(ports, create_app(versions, metrics), versions) as answering:
        terminal.write(
            f"REST: http://{ports.rest}/v1/models/{name}:predict\n"
            f"gRPC: {ports.grpc}\n"
            f"Health: http://{ports.rest}/healthz; Ctrl-C ends it; log: {outputs.root}/serve.log\n"
        )
        while answering.is_alive():
            answering.join(1)


def _nothing_pushed(outputs: Outputs) -> UsageError:
    return UsageError(f"No model has been pushed to {outputs.serving}: {outputs.command('run')}")
