"""The worker pool: a worker for whoever asks, which ends when it is not needed, and not before."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures

import grpc
import psutil
import pytest
from apache_beam.portability.api import beam_fn_api_pb2 as fn_api
from apache_beam.portability.api import beam_fn_api_pb2_grpc as fn_api_grpc

from tests.engines.processes import HOST, free_port, listens, wait_for
from tests.sample_project import ROOT
from tfxkit.runs.run_log import QUIET

pytestmark = pytest.mark.slow
WORKER_ID = "1-1"  # every task manager calls its first worker so


class TaskManager(fn_api_grpc.BeamFnControlServicer):
    """The server that workers connect to."""

    def __init__(self) -> None:
        self.connected, self.done = threading.Event(), threading.Event()
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        fn_api_grpc.add_BeamFnControlServicer_to_server(self, self.server)
        self.endpoint = f"{HOST}:{self.server.add_insecure_port(f'{HOST}:0')}"
        self.server.start()

    def Control(self, responses, context):  # noqa: N802
        self.connected.set()
        self.done.wait()
        return iter(())

    def request(self) -> fn_api.StartWorkerRequest:
        request = fn_api.StartWorkerRequest(worker_id=WORKER_ID)
        request.control_endpoint.url = self.endpoint
        return request


@pytest.fixture
def pool() -> Iterator[tuple[subprocess.Popen[str], fn_api_grpc.BeamFnExternalWorkerPoolStub]]:
    port = free_port()
    command = [sys.executable, "-m", "tfxkit.runs.worker_pool", f"--port={port}"]
    env = {name: value for name, value in os.environ.items() if name not in QUIET}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: listens(port), "the pool")
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        yield process, fn_api_grpc.BeamFnExternalWorkerPoolStub(channel)
    process.terminate()
    process.communicate()


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children()
        if child.status() != psutil.STATUS_ZOMBIE
    ]


def test_a_worker_ends_when_whoever_it_works_for_is_done_and_not_when_another_is(pool):
    process, stub = pool
    first, second = TaskManager(), TaskManager()
    for manager in (first, second):
        assert stub.StartWorker(manager.request()).error == ""
    for manager in (first, second):
        assert manager.connected.wait(120)
    assert len(workers(process)) == 2

    stub.StopWorker(fn_api.StopWorkerRequest(worker_id=WORKER_ID))  # the first one's
    first.done.set()
    wait_for(lambda: len(workers(process)) == 1, "the end of a worker", 120)
    second.server.stop(None)  # as when a task manager is killed
    second.done.set()
    wait_for(lambda: not workers(process), "the end of the other", 120)


def test_its_workers_compute_as_the_steps_do(pool):
    process, stub = pool
    manager = TaskManager()
    stub.StartWorker(manager.request())
    [worker] = workers(process)
    assert worker.environ().items() >= QUIET.items()
    manager.server.stop(None)
    manager.done.set()


def test_its_workers_end_with_it(pool):
    process, stub = pool
    manager = TaskManager()
    stub.StartWorker(manager.request())
    assert manager.connected.wait(120)
    [worker] = workers(process)
    process.terminate()
    assert process.wait(60) == 0
    worker.wait(60)
    manager.done.set()


def test_a_port_that_is_taken(pool):
    process, _ = pool
    port = next(
        one.laddr.port for one in psutil.Process(process.pid).net_connections() if not one.raddr
    )
    command = [sys.executable, "-m", "tfxkit.runs.worker_pool", f"--port={port}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"Port {port} is taken: give another one with --port" in done.stderr
    assert "Traceback" not in done.stderr
