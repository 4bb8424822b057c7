"""What makes two exported models the same, and whether an export is what was trained."""

import numpy as np
import pytest

from models.export import _fingerprint
from models.settings import TrainerConfig
from tests.models.conftest import SMALL

WEIGHTS = [np.zeros((2, 3), np.float32), np.ones(3, np.float32)]
TRAINING = {"code_hash": "0", "transform": "0", "seconds": 1.0}
CONFIG = {
    "dataset": {"task": "binary", "label": {"column": "y"}, "columns": SMALL},
    "model": {},
    "train": {},
}


def fingerprint(weights=WEIGHTS, schema="", train=(), **training):
    config = TrainerConfig.model_validate({**CONFIG, "train": dict(train)})
    return _fingerprint(weights, config, schema, {**TRAINING, **training})


def test_a_model_trained_again_has_the_same_fingerprint():
    assert fingerprint() == fingerprint(seconds=2.0)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [WEIGHTS[0], WEIGHTS[1] + 1e-6]},
        {"schema": "feature {}"},
        {"train": {"seed": 2}},
        {"code_hash": "1"},
        {"transform": "1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_model_has_another_fingerprint(change):
    assert fingerprint(**change) != fingerprint()
