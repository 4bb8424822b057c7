"""Fixtures for what runs a package: a bucket of the S3 server, and backends that use it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import kfp
import pytest

from tests.kubeflow.emulator.api.server import ApiServer
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.object_store import ObjectStore
from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.run import Run
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.emulator.step_process import Started, StepProcess
from tests.kubeflow.small_packages import Script, spec_of, text_of

_BUCKETS = itertools.count()


@dataclasses.dataclass(frozen=True)
class S3:
    """The server's address and a bucket of the test's own.

    Attributes:
        endpoint: The server's URL.
        store: A client.
        bucket: The bucket's name.
    """

    endpoint: str
    store: ObjectStore
    bucket: str

    @property
    def env(self) -> dict[str, str]:
        """Environment of a step that reaches the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture
def s3(s3_endpoint: str) -> S3:
    store = ObjectStore(s3_endpoint, "test", "test")
    bucket = f"bucket-{next(_BUCKETS)}"
    store.create_bucket(bucket)
    return S3(s3_endpoint, store, bucket)


@pytest.fixture
def make_backend(s3: S3, tmp_path: Path) -> Iterator[Callable[..., Backend]]:
    """Makes backends whose steps are processes.

    Takes the environment variables of every step, a function that is called with each process, and
    Settings. Artifacts go to the test's own bucket.
    """
    with contextlib.ExitStack() as stack:

        def make(
            env: Mapping[str, str] | None = None, started: Started | None = None, **settings: Any
        ) -> Backend:
            settings.setdefault("default_pipeline_root", f"minio://{s3.bucket}/artifacts")
            runner = StepProcess(env or {}, started)
            return stack.enter_context(
                Backend(s3.store, runner, tmp_path / "backend", Settings(**settings))
            )

        yield make


@pytest.fixture
def run_scripts(make_backend: Callable[..., Backend]) -> Callable[..., Run]:
    """Runs a package of some scripts to its end.

    Called with the scripts and, by name, with the root's inputs, their values, settings by executor
    label, and what `make_backend` takes.
    """

    def run(
        scripts: Mapping[str, Script],
        root: Mapping[str, Any] | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        kubernetes: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Run:
        package = read(text_of(spec_of(scripts, root), kubernetes))
        run = make_backend(**settings).create_run(package, given)
        run.wait()
        return run

    return run


@pytest.fixture
def api_server(make_backend: Callable[..., Backend]) -> Iterator[ApiServer]:
    """The API server of a backend."""
    with ApiServer(make_backend()) as server:
        yield server


@pytest.fixture
def kfp_client(api_server: ApiServer) -> kfp.Client:
    """The official client, speaking to `api_server`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it says which servers it is made for
        return kfp.Client(host=api_server.url)
