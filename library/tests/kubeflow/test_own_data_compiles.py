"""The configuration written by `init` for any of the three tasks compiles as the sample's does."""

from __future__ import annotations

import shutil

import pytest

from tests.pipeline.inspection.conftest import coin, noise, rows
from tests.sample_project import ROOT
from tfxkit import cli
from tfxkit.kubeflow import TARGETS
from tfxkit.kubeflow.checks import find_problems
from tfxkit.kubeflow.package import read_package

LABELS = {
    "binary": coin(1),
    "multiclass": lambda i: ["one, two", 'a "b"', "c"][i % 3],
    "regression": noise(2),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("task", LABELS)
def test_own_data_compiles(task, target, tmp_path):
    configs = shutil.copytree(ROOT / "configs", tmp_path / "project" / "configs")
    file = tmp_path / "own.csv"
    file.write_text(rows(x=noise(1), town=lambda i: "ab"[i % 2], label=LABELS[task]))
    if task == "multiclass":  # values with commas and quotes
        file.write_text(
            file.read_text().replace("one, two", '"one, two"').replace('a "b"', '"a ""b"""')
        )
    where = ["--config-dir", str(configs)]
    assert cli.main(["init", "--data", str(file), "--force", *where]) == 0
    package = tmp_path / "package.yaml"
    assert cli.main(["compile", "--target", target, "-o", str(package), *where]) == 0
    assert find_problems(read_package(package), target) == []
