"""Whatever `configs/` holds now: each overlay loads, fits the schema, and makes a pipeline.

In a project whose first run has yet to describe its data there is no more than overlays; they are
laid over the base, the data set and the schema that tests have of their own.
"""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path

import pytest

from tests.sample_project import CONFIGS, ROOT
from tfxkit.config import loading as configs
from tfxkit.config.loading import BASE, DATASET, SCHEMA_FILE, Config, ConfigError
from tfxkit.report.model_card import read_model_card
from tfxkit.runs import validation

OWN = ROOT / "configs"
NO_OVERLAYS = (BASE, DATASET, "model_card")
OVERLAYS = sorted(path.stem for path in OWN.glob("*.yaml") if path.stem not in NO_OVERLAYS)


@pytest.fixture(scope="module")
def config_dir(tmp_path_factory) -> Path:
    if (OWN / f"{DATASET}.yaml").exists():
        return OWN
    folder = tmp_path_factory.mktemp("project") / "configs"
    folder.mkdir()
    for name in (f"{BASE}.yaml", f"{DATASET}.yaml", SCHEMA_FILE):
        shutil.copy(CONFIGS / name, folder)
    shutil.copytree(OWN, folder, dirs_exist_ok=True)
    return folder


def load(config_dir: Path, overlay: str) -> Config:
    """An overlay on the base, or if it is made to lie on another one, on that."""
    try:
        return configs.load(config_dir, [overlay])
    except ConfigError:
        for below in OVERLAYS:
            try:
                return configs.load(config_dir, [below, overlay])
            except ConfigError:
                pass
        raise


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_loads_and_fits_the_schema(overlay, config_dir):
    validation.check_schema(load(config_dir, overlay), config_dir)


@pytest.mark.slow
@pytest.mark.skipif(not (OWN / f"{DATASET}.yaml").exists(), reason="no description of the data")
def test_the_features_can_be_made_of_the_columns_in_the_schema(config_dir):
    import tensorflow as tf
    import tensorflow_transform as tft
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from models.features import preprocessing_fn

    config = configs.load(config_dir)
    schema = text_format.Parse((config_dir / SCHEMA_FILE).read_text(), schema_pb2.Schema())
    types = {"INT": tf.int64, "FLOAT": tf.float32, "BYTES": tf.string}
    spec = {
        column.name: tf.SparseTensorSpec(
            [None, None], types[schema_pb2.FeatureType.Name(column.type)]
        )
        for column in schema.feature
    }
    custom_config = {"dataset": config.dataset.for_model()}
    features = functools.partial(preprocessing_fn, custom_config=custom_config)
    assert set(tft.get_analyze_input_columns(features, spec)) <= spec.keys()


def test_the_model_card_is_one():
    read_model_card(OWN)


# >>> cluster
def test_what_is_said_for_a_backend_is_compiled_to_what_it_takes(config_dir):
    from importlib import import_module

    from tfxkit.kubeflow import TARGETS
    from tfxkit.kubeflow.checks import find_problems

    for overlay in OVERLAYS:
        config = load(config_dir, overlay)
        for target in (target for target in TARGETS if getattr(config, target)):
            runner = import_module(f"tfxkit.kubeflow.runners.{target}")
            package = runner.compile_package(config, config_dir)
            assert find_problems(package, target) == [], f"{overlay}.yaml"


# <<< cluster
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pipeline_is_built_with_an_overlay(overlay, config_dir):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    schema = str(config_dir / SCHEMA_FILE)
    places = Places("gs://data", schema, "gs://serving", "gs://checkpoints", "gs://bulk")
    names = [node.id for node in build_components(load(config_dir, overlay), places)]
    assert all(re.fullmatch(r"[A-Za-z][-A-Za-z0-9]*", name) for name in names)  # of a backend
