"""The helpers that a project's own tests are written with, on the project of the tests."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from tests.sample_project import CONFIGS, SAMPLE, span
from tfxkit.config.loading import ConfigError, load
from tfxkit.errors import DataError
from tfxkit.testing import (
    build_dag,
    configured_backends,
    learn_features,
    load_overlay,
    overlays,
    package_problems,
    random_batch,
    sample_rows,
    training_job,
)


@pytest.fixture(scope="module")
def config():
    return load_overlay("fast", CONFIGS)


@pytest.fixture(scope="module")
def rows(config):
    return sample_rows(config, 60, CONFIGS)


@pytest.fixture(scope="module")
def features(config, rows, tmp_path_factory):
    from tests.sample.models.features import preprocessing_fn

    folder = tmp_path_factory.mktemp("features")
    return learn_features(preprocessing_fn, rows, config, folder, CONFIGS)


@pytest.fixture
def own_configs(tmp_path):
    """A copy of the configurations, beside a link to the data, to be changed by a test."""
    (tmp_path / "data").symlink_to(SAMPLE / "data")
    return shutil.copytree(CONFIGS, tmp_path / "configs")


def test_each_overlay_is_loaded():
    assert overlays(CONFIGS) == ["fast", "kubeflow", "local", "vertex"]
    backends = {
        name: configured_backends(load_overlay(name, CONFIGS)) for name in overlays(CONFIGS)
    }
    assert backends == {"fast": [], "kubeflow": ["kubeflow"], "local": [], "vertex": ["vertex"]}


def test_an_overlay_that_does_not_load_alone_is_laid_over_another(own_configs):
    (own_configs / "gpu.yaml").write_text("kubeflow: {steps: {Trainer: {cpu: {limit: 8}}}}\n")
    loaded = load_overlay("gpu", own_configs)
    assert loaded.kubeflow.step("Trainer").cpu.limit == "8"
    assert loaded.kubeflow.image == load(CONFIGS, ["kubeflow"]).kubeflow.image


@pytest.mark.parametrize(
    ("overlay", "problem"),
    [
        ("train: {epoch: 3}", "train.epoch: unknown key; did you mean epochs?"),
        ("data: {split_by: compny}", "did you mean company?"),
        ("dag: nowhere.dag", "no module nowhere.dag"),
    ],
)
def test_a_wrong_overlay_is_refused_with_its_problem(overlay, problem, own_configs):
    (own_configs / "mine.yaml").write_text(f"{overlay}\n")
    with pytest.raises(ConfigError) as caught:
        load_overlay("mine", own_configs)
    assert problem in str(caught.value)


def test_the_dag_is_built_in_the_order_of_its_wires(config):
    names = [step.id for step in build_dag(config, CONFIGS)]
    assert {"ExampleGen", "Transform", "Trainer", "Pusher"} < set(names)
    order = [names.index(name) for name in ("ExampleGen", "DataGate", "Transform", "Pusher")]
    assert order == sorted(order)


@pytest.mark.parametrize("backend", ["kubeflow", "vertex"])
def test_a_package_without_problems_has_none(backend):
    assert package_problems(load_overlay(backend, CONFIGS), backend, CONFIGS) == []


def test_problems_of_a_package_are_listed(own_configs):
    (own_configs / "dash.yaml").write_text("pipeline: trips-\n")
    config = load(own_configs, ["kubeflow", "dash"])
    [problem] = package_problems(config, "kubeflow", own_configs)
    assert "trips-" in problem


def test_rows_are_those_of_the_newest_span_as_the_schema_types_them(rows):
    written = pd.read_csv(span(4))
    assert len(rows) == 60
    assert set(rows.columns) == set(written.columns)
    places = np.linspace(0, len(written) - 1, 60).astype(int)
    expected = written.iloc[places].reset_index(drop=True)
    for name in ("fare", "trip_start_timestamp", "company", "dropoff_census_tract"):
        assert (rows[name].isna() == expected[name].isna()).all()
        there = expected[name].notna()
        assert (rows[name][there].astype(expected[name].dtype) == expected[name][there]).all() or (
            np.allclose(rows[name][there].astype(float), expected[name][there].astype(float))
        )
    assert rows["dropoff_census_tract"].dtype == "Int64"  # eleven digits, and gaps


def test_rows_without_a_label_are_left_out_where_a_run_leaves_them_out(own_configs):
    data = own_configs.parent / "own" / "span-1"
    data.mkdir(parents=True)
    lines = span(4).read_text().splitlines()
    cut = [line.rpartition(",")[0] + "," for line in lines[1:4]]
    (data / "trips.csv").write_text("\n".join([lines[0], *cut, *lines[4:9]]) + "\n")
    (own_configs / "mine.yaml").write_text("data: {path: own}\ndataset: {label: {missing: drop}}\n")
    assert len(sample_rows(load_overlay("mine", own_configs), config_dir=own_configs)) == 5


def test_rows_come_from_the_projects_own_reader(own_configs, monkeypatch):
    code = """
import pyarrow as pa

def list_spans(path, **options):
    return {1: "a", 2: "b"}

def read_span(path, span, **options):
    yield pa.record_batch([pa.array([span * 1.5] * 3)], ["fare"])
"""
    (own_configs.parent / "reader_of_the_test.py").write_text(code)
    monkeypatch.syspath_prepend(own_configs.parent)
    (own_configs / "mine.yaml").write_text("data: {path: table, reader: reader_of_the_test}\n")
    rows = sample_rows(load_overlay("mine", own_configs), config_dir=own_configs)
    assert rows["fare"].tolist() == [3.0, 3.0, 3.0]


def test_data_that_is_not_there_is_named(own_configs):
    (own_configs / "mine.yaml").write_text("data: {path: nowhere}\n")
    with pytest.raises(DataError, match=r"no folder .*/nowhere"):
        sample_rows(load_overlay("mine", own_configs), config_dir=own_configs)


@pytest.mark.slow
def test_features_are_those_of_the_rows(features, rows, config):
    values = features(rows)
    assert values.keys() == {feature.name for feature in features.inputs}
    assert set(features.columns) == set(config.dataset.features())
    order = np.argsort(rows["fare"].to_numpy(), kind="stable")
    assert (np.diff(values["fare.rank"][order]) >= 0).all()
    assert values["fare.rank"].max() == 1
    [company] = [feature for feature in features.inputs if feature.name == "company.code"]
    for text, code in zip(rows["company"], values["company.code"], strict=True):
        if pd.isna(text):
            assert code == 0
        elif code > 1:
            assert company.vocabulary[code - 2].decode() == text


@pytest.mark.slow
def test_a_column_that_is_not_there_is_missing(features, rows):
    values = features(rows[["company"]])
    assert (values["fare.rank"] == -1).all()
    assert (values["company.code"] == features(rows)["company.code"]).all()
    assert (features(rows.assign(fare=None))["fare.rank"] == -1).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "label"),
    [
        ("binary", {"column": "tips", "greater_than": 0.2, "times": "fare"}),
        ("multiclass", {"column": "tips", "classes": ["a", "b", "c"]}),
        ("regression", {"column": "tips"}),
    ],
)
def test_a_random_batch_suits_network_and_task(task, label, features, config):
    from tests.sample.models.training import create_model

    description = {"task": task, "label": label, "columns": config.dataset.for_model()["columns"]}
    dataset = type(config.dataset).model_validate(description)
    job = training_job(features, config.model_copy(update={"dataset": dataset}))
    network = create_model(job)
    inputs, labels = random_batch(job, network)
    assert labels.shape == (len(inputs["fare.rank"]), 1)
    assert np.isfinite(network.train_on_batch(inputs, labels)).all()
    if task != "regression":
        assert set(np.unique(labels)) == set(range(2 if task == "binary" else 3))


@pytest.mark.slow
def test_a_random_batch_has_the_inputs_of_the_network_alone(features, config):
    import keras

    job = training_job(features, config)
    one = keras.Input((1,), name="fare.rank")
    network = keras.Model([one], keras.layers.Dense(1, "sigmoid")(one))
    inputs, _ = random_batch(job, network)
    assert set(inputs) == {"fare.rank"}
