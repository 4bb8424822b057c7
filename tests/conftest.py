"""Fixtures of the tests: the configuration `fast`, and rows of this project's data.

The tests check your files: configurations, DAG, features, network, metrics. They import only
`tfxkit.testing` from the library, so they also pass with other data, features and networks.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tfxkit.testing import learn_features, load_overlay, sample_rows, training_job

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def described() -> None:
    """Skips a test until configs/dataset.yaml describes the data."""
    if not (ROOT / "configs" / "dataset.yaml").is_file():
        pytest.skip("configs/dataset.yaml is missing: run `make run` or `init`")


@pytest.fixture(scope="session")
def config(described):
    """The configuration `fast`."""
    return load_overlay("fast")


@pytest.fixture(scope="session")
def rows(config):
    """200 rows of the data as a pandas table, with the types of `configs/schema.pbtxt`."""
    return sample_rows(config)


@pytest.fixture(scope="session")
def features(config, rows, tmp_path_factory):
    """The features of `models/features.py`, learned from `rows`; `features(rows)` computes them."""
    from models.features import preprocessing_fn

    return learn_features(preprocessing_fn, rows, config, tmp_path_factory.mktemp("features"))


@pytest.fixture
def job(config, features):
    """The arguments of the training: the inputs of the network, and the settings."""
    return training_job(features, config)
