"""Which run a training belongs to."""

from __future__ import annotations

import json

import pytest

from tfxkit.kubeflow import checkpoint_run

SALT = "0b2f7a1e-0d6c-4b57-9d0e-6a2f7a5b1c3d"
RUN = "5f0c3c1e-95f7-4d55-8a8e-1d0f8a0b2c4d"


def message(uri: str, config: str | None) -> dict:
    values = {} if config is None else {"custom_config": config}
    artifacts = {"model": {"artifacts": [{"uri": uri}]}}
    return {"inputs": {"parameterValues": values}, "outputs": {"artifacts": artifacts}}


@pytest.mark.parametrize(
    ("uri", "run"),
    [
        (f"minio://mlpipeline/v2/artifacts/taxi/{RUN}/Trainer/{SALT}/model", RUN),
        (f"/minio/mlpipeline/v2/artifacts/taxi/{RUN}/Trainer/{SALT}/model", RUN),
        (f"s3://bucket/taxi/{RUN}/Trainer/model", RUN),
        ("gs://bucket/root/123456/taxi-20261124/Trainer_-9876/model", "taxi-20261124"),
    ],
    ids=["Kubeflow", "its launcher's folder", "Kubeflow before 2.5", "Vertex AI"],
)
def test_the_run_is_in_the_address_of_each_output(uri, run):
    given = message(uri, '{"checkpoint_dir": "/checkpoints", "train": {}}')
    found = checkpoint_run.add(given)
    assert json.loads(found["inputs"]["parameterValues"]["custom_config"]) == {
        "checkpoint_dir": "/checkpoints",
        "train": {},
        "checkpoint_run": run,
    }
    assert found["outputs"] == given["outputs"]


@pytest.mark.parametrize("config", [None, "", '{"dataset": {}}', "[]", "no JSON"])
def test_steps_without_checkpoints_are_told_nothing(config):
    given = message(f"minio://b/taxi/{RUN}/Transform/{SALT}/graph", config)
    assert checkpoint_run.add(given) is given
