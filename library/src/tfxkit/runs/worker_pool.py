"""Starts Beam's SDK workers on request of an engine.

    python -m tfxkit.runs.worker_pool --port 50000

A pool runs on each machine of a Flink or Spark cluster, in this project's environment or image, so
its workers have the code of the components. Beam's own pool (apache-beam 2.77, runners/worker/
worker_pool_main.py) ends a worker by a name that is unique within a task manager only: of two task
managers with one pool, the first to finish a job ends the worker of the other. Here a worker ends
when its task manager closes the connection.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2 as fn_api
from apache_beam.portability.api import beam_fn_api_pb2_grpc as fn_api_grpc
from apache_beam.utils import thread_pool_executor

from tfxkit.runs.run_log import QUIET

logger = logging.getLogger("tfxkit.runs.worker_pool")

# The import of `tfxkit.storage.filesystems` registers s3:// with `tfx.dsl.io`; Beam's own s3://
# requires options, which may be empty (apache-beam 2.77, io/aws/s3io.py).
_WORKER = """
import sys
import tfxkit.storage.filesystems
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.worker.sdk_worker import SdkHarness
FileSystems.set_options(PipelineOptions([]))
SdkHarness(sys.argv[1], worker_id=sys.argv[2]).run()
"""


class WorkerPool(fn_api_grpc.BeamFnExternalWorkerPoolServicer):
    """A process for each worker, since Python computes on one core only."""

    def __init__(self) -> None:
        """Starts without workers."""
        self.workers: list[subprocess.Popen[bytes]] = []

    def StartWorker(  # noqa: N802 (the protocol's name)
        self, request: fn_api.StartWorkerRequest, context: Any
    ) -> fn_api.StartWorkerResponse:
        """Starts a worker that connects to the control endpoint of the request."""
        endpoint = request.control_endpoint.url
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        try:
            worker = subprocess.Popen(
                [sys.executable, "-c", _WORKER, endpoint, request.worker_id],
                env={**QUIET, **os.environ},  # computes as a step does
            )
        except OSError as error:
            return fn_api.StartWorkerResponse(error=f"No worker can be started: {error}")
        self.workers.append(worker)
        logger.info("Worker %d works for %s", worker.pid, endpoint)
        return fn_api.StartWorkerResponse()

    def StopWorker(  # noqa: N802 (the protocol's name)
        self, request: fn_api.StopWorkerRequest, context: Any
    ) -> fn_api.StopWorkerResponse:
        """Does nothing: a worker ends by itself."""
        return fn_api.StopWorkerResponse()

    def stop(self) -> None:
        """Ends all workers."""
        for worker in self.workers:
            worker.terminate()


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until it is stopped; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tfxkit.runs.worker_pool", description=__doc__)
    parser.add_argument("--port", type=int, default=50000, help="(default: %(default)s)")
    parser.add_argument(
        "--host",
        default="localhost",
        help="where to listen: whoever connects has code run here (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    pool = WorkerPool()
    executor = thread_pool_executor.shared_unbounded_instance()
    server = grpc.server(executor, options=[("grpc.so_reuseport", 0)])  # or a taken port is shared
    fn_api_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    try:
        server.add_insecure_port(f"{args.host}:{args.port}")
    except RuntimeError:
        print(f"Port {args.port} is taken: give another one with --port", file=sys.stderr)  # noqa: T201
        return 2
    server.start()
    logger.info("Worker pool of this project at port %d", args.port)

    def stop(number: int, frame: FrameType | None) -> None:
        server.stop(grace=None)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.wait_for_termination()
    pool.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
