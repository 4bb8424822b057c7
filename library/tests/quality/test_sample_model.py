"""The shipped configuration on the whole sample: what is pushed is as good as the README says."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from benchmarks.plain_metrics import expected_calibration_error
from tests.data.shipped_sample import CONFIGS
from tfxkit import cli
from tfxkit.runs import summary
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Status, Summary

pytestmark = pytest.mark.slow
LEAST_AUC = 0.946
LARGEST_ERROR = 0.02


@dataclasses.dataclass(frozen=True)
class Run:
    exit_code: int
    outputs: Outputs
    summary: Summary


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("outputs")
    setting = f"outputs={json.dumps(str(folder))}"
    code = cli.main(["run", "--config-dir", str(CONFIGS), "--set", setting])
    [root] = folder.iterdir()
    outputs = Outputs(root)
    return Run(code, outputs, summary.read(outputs.runs / "latest"))


@pytest.fixture(scope="module")
def scored(run) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of the pushed model, and labels, of all rows of the eval split."""
    files = run.outputs.artifacts.glob("ExampleGen/examples/*/Split-eval/*.gz")
    examples, labels = [], []
    for record in tf.data.TFRecordDataset(sorted(map(str, files)), "GZIP"):
        example = tf.train.Example.FromString(record.numpy())
        tips, fare = (
            example.features.feature[name].float_list.value[0] for name in ("tips", "fare")
        )
        labels.append(5 * round(tips * 100) > round(fare * 100))
        del example.features.feature["tips"]  # a client does not know it
        examples.append(example.SerializeToString())
    model = tf.saved_model.load(run.summary.pushed_path)
    answer = model.signatures["serving_default"](examples=tf.constant(examples))
    return answer["probability"].numpy()[:, 0], np.array(labels)


def test_it_is_pushed(run):
    assert run.exit_code == 0, run.summary.error
    assert run.summary.status == Status.PUSHED
    assert len(run.summary.spans) == 4
    assert [check.name for check in run.summary.thresholds if not check.passed] == []


def test_it_ranks_well(run, scored):
    probabilities, labels = scored
    measured = run.summary.metrics["auc"]
    assert measured >= LEAST_AUC
    assert roc_auc_score(labels, probabilities) == pytest.approx(measured, abs=1e-3)


def test_it_is_calibrated(run, scored):
    probabilities, labels = scored
    error = expected_calibration_error(probabilities, labels)
    assert run.summary.metrics["expected_calibration_error"] <= LARGEST_ERROR
    assert error <= LARGEST_ERROR
    assert error == pytest.approx(run.summary.metrics["expected_calibration_error"], abs=1e-3)


def test_the_split_is_the_one_in_the_configuration(scored):
    _, labels = scored
    assert 0.3 < len(labels) / 15_002 < 0.36
