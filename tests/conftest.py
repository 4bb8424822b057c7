"""Starting point of the tests: the configuration `fast`, and rows of this project's data.

The tests are about what is yours: configurations, DAG, features, network, metrics. They read the
library through `tfxkit.testing` alone, so they hold for other data, features and networks as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tfxkit.testing import learn_features, load_overlay, sample_rows, training_job

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def described() -> None:
    """Skips a test as long as nothing describes the data."""
    if not (ROOT / "configs" / "dataset.yaml").is_file():
        pytest.skip("configs/dataset.yaml is missing: `make run` or `init` writes it")


@pytest.fixture(scope="session")
def config(described):
    """The configuration `fast`."""
    return load_overlay("fast")


@pytest.fixture(scope="session")
def rows(config):
    """200 rows of the data as a pandas table, in the types of `configs/schema.pbtxt`."""
    return sample_rows(config)


@pytest.fixture(scope="session")
def features(config, rows, tmp_path_factory):
    """The features of `models/features.py`, learned from these rows: `features(rows)`."""
    from models.features import preprocessing_fn

    return learn_features(preprocessing_fn, rows, config, tmp_path_factory.mktemp("features"))


@pytest.fixture
def job(config, features):
    """Arguments of the training: the inputs of the network, and the settings."""
    return training_job(features, config)
