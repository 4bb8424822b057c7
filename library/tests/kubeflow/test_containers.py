"""Each step in a container, from package to model: `make -C library test-containers`."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.kubeflow.backend_fixtures import S3
from tests.kubeflow.container_fixtures import IMAGE, MOUNTED_AT, SCRATCH, in_containers
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.settings import Settings
from tests.sample_project import CONFIGS, ROOT
from tfxkit import cli

pytestmark = in_containers

LOOK_AROUND = """
import json, os, pathlib, pwd, sys

def can_write(folder):
    try:
        pathlib.Path(folder, "x").touch()
    except OSError:
        return False
    return True

def is_known(user):
    try:
        return bool(pwd.getpwuid(user))
    except KeyError:
        return False

status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
found = {
    "user": os.getuid(),
    "is known": is_known(os.getuid()),
    "capabilities": [status[kind].strip("0") for kind in ("CapEff", "CapPrm", "CapBnd")],
    "can gain none": status["NoNewPrivs"],
    "network": os.listdir("/sys/class/net"),
    "writable": [folder for folder in sys.argv[1].split() if can_write(folder)],
    "visible": [path for path in sys.argv[2].split() if os.path.exists(path)],
}
print(json.dumps(found))
"""


def test_a_step_reaches_only_what_its_pod_gives_it(tmp_path, containers, run_python):
    writable = ["/tmp", "/tmp/kfp", "/minio", "/s3", "/gcs", SCRATCH, MOUNTED_AT]
    others = ["/", "/etc", "/opt", "/run", "/usr", "/var", "/var/tmp", str(ROOT)]
    assert run_python(LOOK_AROUND, " ".join([*writable, *others]), str(tmp_path)) == {
        "user": containers.user,
        "is known": containers.user == 0,
        "capabilities": ["", "", ""],
        "can gain none": "1",
        "network": ["lo"],
        "writable": writable,
        "visible": [],
    }


def test_a_package_is_run_to_a_pushed_model(tmp_path, containers, volume, s3: S3):
    package = tmp_path / "package.yaml"
    settings = [f"kubeflow.image={IMAGE or 'none'}", f"outputs={tmp_path}/outputs"]
    settings.append("dag=pipeline.dag")  # an image holds no tests
    options = [word for setting in settings for word in ("--set", setting)]
    options += ["--config", "kubeflow", "--config", "fast", "--config-dir", str(CONFIGS)]
    assert cli.main(["compile", *options, "-o", str(package)]) == 0
    backend_settings = Settings(
        default_pipeline_root=f"minio://{s3.bucket}/root",
        claims={"pipeline-data": volume},
        wait_factor=0.01,
    )

    with Backend(s3.store, containers, tmp_path / "backend", backend_settings) as backend:
        run = backend.create_run(read(package.read_text()))
        run.wait()

    logs = "\n".join(run.log(task)[-2000:] for task in run.failures if task in run.phases())
    assert run.state == "SUCCEEDED", f"{run.failures}\n{logs}"
    [version] = (volume / "serving_model").glob("[0-9]*")
    assert (version / "saved_model.pb").is_file()
    assert _not_for_all(version) == [], "a model server is another user"
    left = [path for path in (volume / "checkpoints").rglob("*") if path.is_file()]
    assert not left, "a training that ended leaves nothing"


def _not_for_all(folder: Path) -> list[Path]:
    """Files of a folder that other users cannot read."""
    needed = {True: stat.S_IROTH | stat.S_IXOTH, False: stat.S_IROTH}
    paths = [folder, *folder.rglob("*")]
    return [path for path in paths if ~path.stat().st_mode & needed[path.is_dir()]]
