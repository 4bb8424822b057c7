"""A cluster without a cluster: the emulated backend behind its API, and an S3 server for all else.

Steps run from the installed package, not from the checkout, each in its own process and folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from tests.kubeflow.emulator.api.server import ApiServer
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.object_store import ObjectStore
from tests.kubeflow.emulator.run import Run
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.emulator.step import Step
from tests.kubeflow.emulator.step_process import StepProcess, kill_group
from tests.sample_project import ROOT, SAMPLE
from tfxkit import cli

BUCKET = "taxi"
KEY_ID, SECRET = "AKIDEXAMPLE", "example"
OVERLAY = """
data: {{path: s3://taxi/data}}
kubeflow:
  image: pipeline:1
  host: {api}
  serving: s3://taxi/serving
  checkpoints: s3://taxi/checkpoints
  steps:
    all:
      claims: null
      env: {{AWS_ENDPOINT_URL: "{s3}", AWS_DEFAULT_REGION: us-east-1}}
      env_from_secrets:
        AWS_ACCESS_KEY_ID: {{name: object-store, key: access-key}}
        AWS_SECRET_ACCESS_KEY: {{name: object-store, key: secret-key}}
"""


class Cluster:
    """The cluster, as the tests see it.

    Attributes:
        backend: The emulated backend.
        configs: The folder of configurations; its overlay `cluster` says where everything is.
        to_kill: The step whose first attempt is killed, once it has written a checkpoint.
    """

    def __init__(self, folder: Path, configs: Path, s3_url: str, image: Path | None) -> None:
        self.configs, self.to_kill = configs, ""
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=s3_url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        for bucket in (BUCKET, "mlpipeline"):
            self.s3.create_bucket(Bucket=bucket)
            # moto keeps buckets in this process, not in a server: they outlive other clusters.
            for key in self.keys("", bucket):
                self.s3.delete_object(Bucket=bucket, Key=key)
        env = {"PYTHONPATH": str(image or installed(folder / "image"))}
        runner = StepProcess(env, self._started)
        secrets = {"object-store": {"access-key": KEY_ID, "secret-key": SECRET}}
        self.backend = Backend(
            ObjectStore(s3_url, KEY_ID, SECRET),
            runner,
            folder / "runs",
            Settings(secrets=secrets, wait_factor=0.01),
        )
        self._s3_url = s3_url

    def serve(self, api_url: str) -> None:
        overlay = OVERLAY.format(api=api_url, s3=self._s3_url)
        (self.configs / "cluster.yaml").write_text(overlay)

    def put_span(self, number: int, text: str) -> None:
        key = f"data/span-{number}/trips.csv"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())

    def keys(self, prefix: str, bucket: str = BUCKET) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, uri: str) -> bytes:
        bucket, _, key = uri.partition("://")[2].partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def versions(self) -> list[str]:
        return sorted({key.split("/")[1] for key in self.keys("serving/")})

    def fetch_version(self, version: str, folder: Path) -> Path:
        for key in self.keys(f"serving/{version}/"):
            target = folder / key
            target.parent.mkdir(parents=True, exist_ok=True)
            self.s3.download_file(BUCKET, key, str(target))
        return folder / "serving" / version

    def submit(self, *arguments: str, screen: Path) -> tuple[int, Run]:
        """Compiles, submits, waits; returns the exit code and the run.

        Args:
            arguments: Of the subcommand `submit`, beside those that say what and where.
            screen: The file that gets what a person would see.
        """
        overlays = ["kubeflow", "fast", "cluster"]
        options = [word for overlay in overlays for word in ("--config", overlay)]
        options += ["--config-dir", str(self.configs), "--target", "kubeflow", "--wait"]
        with _standard_output_in(screen):
            code = cli.main(["submit", *options, *arguments])
        return code, list(self.backend.runs.values())[-1]

    def _has_checkpoint(self) -> bool:
        return any(key.endswith("/state.npz") for key in self.keys("checkpoints/"))

    def _started(self, step: Step, process: subprocess.Popen[bytes]) -> None:
        if step.task != self.to_kill or step.attempt:
            return
        while process.poll() is None and not self._has_checkpoint():
            time.sleep(0.05)
        kill_group(process.pid)


@contextlib.contextmanager
def _standard_output_in(file: Path) -> Iterator[None]:
    """Of this process, whatever pytest has put in its place."""
    kept = os.dup(1)
    with file.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def installed(folder: Path) -> Path:
    """Project and library as installations have them, and the tests' models, for PYTHONPATH."""
    command = [sys.executable, "setup.py", "--quiet", "build"]
    command += ["--build-base", str(folder / "build"), "--build-lib", str(folder / "lib")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    command = [sys.executable, "-B", "-m", "template.library", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = (folder / "vendor").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "lib")
    shutil.copytree(SAMPLE / "models", folder / "lib" / "tests" / "sample" / "models")
    return folder / "lib"


@contextlib.contextmanager
def running(folder: Path, configs: Path, image: Path | None = None) -> Iterator[Cluster]:
    """A running cluster.

    Args:
        folder: Of its runs.
        configs: Folder of configurations.
        image: Folder of the packages that steps run, if not this project's.
    """
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    cluster = Cluster(folder, configs, f"http://{host}:{port}", image)
    try:
        with cluster.backend, ApiServer(cluster.backend) as api:
            cluster.serve(api.url)
            yield cluster
    finally:
        server.stop()
