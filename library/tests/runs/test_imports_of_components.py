"""A component's module may import at its top whatever is installed."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.project_with_runs import make_project
from tests.sample_project import copy_with_code

OWN_MODULE = """
import google.cloud.storage
import IPython
import kubernetes.client
import matplotlib.pyplot
import sklearn.metrics
from tfx import v1 as tfx

assert callable(kubernetes.client.CoreV1Api)
assert callable(google.cloud.storage.Client)
assert callable(tfx.components.Evaluator)
assert sklearn.metrics.roc_auc_score([0, 1], [0.1, 0.2]) == 1
"""
PROGRAM = """
import sys
from tfxkit.cli import main

assert main(["run", "--config", "fast", "--to", "ImportSchemaGen"]) == 0
assert "components.own" in sys.modules
print("hidden:", [name for name, module in sys.modules.items() if module is None])
"""


@pytest.mark.slow
def test_a_run_hides_no_package_from_the_modules_of_components(tmp_path):
    copy_with_code(tmp_path)
    shutil.rmtree(tmp_path / "configs")
    make_project(tmp_path)
    (tmp_path / "components/own.py").write_text(OWN_MODULE)
    with (tmp_path / "tests/sample/components/__init__.py").open("a") as file:
        file.write("\nfrom components import own  # imported while the DAG is built\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("hidden: []\n"), done.stdout + done.stderr
