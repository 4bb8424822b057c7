"""Contents of the image that IMAGE names: `make -C library test-containers IMAGE=…`."""

from __future__ import annotations

import json
import subprocess
import tomllib

import pytest

from tests.kubeflow.container_fixtures import IMAGE, in_containers
from tests.sample_project import ROOT

pytestmark = [
    *in_containers,
    pytest.mark.skipif(
        not IMAGE, reason="no image is named: make -C library test-containers IMAGE=…"
    ),
]
GB = 10**9

EXAMINE_THE_IMAGE = """
import getpass, importlib.util, json, os, pathlib, pipeline, shutil, tfx, tfxkit
from tfxkit.environment import verify

for check in verify.CHECKS.values():
    check()
tools = "c++ cc clang g++ gcc ld make pip pip3 uv".split()
bytecode = importlib.util.cache_from_source(tfx.__file__)
found = {
    "tools": [tool for tool in tools if shutil.which(tool)],
    "user": getpass.getuser(),
    "home": os.path.expanduser("~"),
    "bytecode is never compared": pathlib.Path(bytecode).read_bytes()[4:8] == b"\\1\\0\\0\\0",
    "installed": [pathlib.Path(m.__file__).parts[-3] for m in (pipeline, tfxkit)],
}
print(json.dumps(found))
"""


def test_the_image_holds_what_steps_need_and_nothing_to_build_with(run_python):
    assert run_python(EXAMINE_THE_IMAGE) == {
        "tools": [],
        "user": "pipeline",
        "home": "/tmp",
        "bytecode is never compared": True,
        "installed": ["site-packages", "site-packages"],
    }


def test_the_image_is_small_and_says_what_it_is():
    command = ["podman", "image", "inspect", IMAGE]
    [image] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert image["Size"] < 2.6 * GB
    assert image["User"] == "65532:65532"
    assert image["Architecture"] == "amd64"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert image["Labels"]["org.opencontainers.image.title"] == project["name"]
