"""A stand-in for S3 (moto) on this machine, which is spoken to over HTTP as the real one is."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator

import pytest

from tfxkit.storage.filesystems import client


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of a server that takes any credentials."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def environment(endpoint: str) -> dict[str, str]:
    """Variables with which a process finds the server, and no settings of the user."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "user",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }


@pytest.fixture
def s3_environment(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process, and those that it starts, find the server; nothing of the user's is read."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def s3(s3_environment: None) -> str:
    """The address of an empty bucket."""
    bucket = f"bucket-{uuid.uuid4().hex}"
    client().create_bucket(Bucket=bucket)
    return f"s3://{bucket}"
