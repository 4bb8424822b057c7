"""The code in the project's own pages, docs/extending.md and docs/tests.md, does what they say."""

from __future__ import annotations

import re
import sqlite3
import sys
import textwrap
from types import ModuleType

import numpy as np
import pytest

from tests.sample_project import CONFIGS, ROOT
from tfxkit.testing import learn_features, load_overlay, random_batch, sample_rows, training_job


def blocks(page: str) -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    return [textwrap.dedent(code) for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


def block(page: str, phrase: str) -> str:
    [code] = [code for code in blocks(page) if phrase in code]
    return code


# The columns of the examples, and those of the tests' own data that stand in for them.
COLUMNS = {"amount": "fare", "items": "trip_miles", "country": "company", "channel": "payment_type"}


def on_the_sample(code: str) -> str:
    return re.sub(r"\b(?:" + "|".join(COLUMNS) + r")\b", lambda name: COLUMNS[name[0]], code)


def run_as_module(code: str, name: str, monkeypatch, tmp_path) -> ModuleType:
    """A module of a file, since TFX reads the source of a component."""
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return __import__(name)


@pytest.fixture(scope="module")
def config():
    return load_overlay("fast", CONFIGS)


@pytest.fixture(scope="module")
def rows(config):
    return sample_rows(config, 80, CONFIGS)


@pytest.fixture(scope="module")
def features(config, rows, tmp_path_factory):
    body = textwrap.indent(on_the_sample(block("extending", "unit_price")), "    ")
    code = (
        "from tfxkit.config.dataset import Dataset\n"
        "from tfxkit.features.helpers import by_role, hashed, number, rank\n"
        "from tfxkit.features.preprocessing import preprocessing\n"
        "@preprocessing\n"
        "def preprocessing_fn(inputs, custom_config):\n"
        "    dataset = Dataset.model_validate(custom_config['dataset'])\n"
    )
    names: dict = {}
    exec(code + body, names)
    folder = tmp_path_factory.mktemp("features")
    return learn_features(names["preprocessing_fn"], rows, config, folder, CONFIGS)


@pytest.fixture(scope="module")
def build_model():
    names: dict = {}
    exec(block("extending", "def build_model"), names)
    return names["build_model"]


@pytest.mark.slow
def test_the_features_are_made(features, rows):
    values = features(rows)
    assert (values["is_large"] == (rows["trip_miles"].astype(float) > 10)).all()
    assert {"unit_price", "country_and_channel"} < values.keys()


@pytest.mark.slow
def test_the_test_of_a_feature_holds(features, rows):
    names: dict = {}
    exec(on_the_sample(block("tests", "unit_price")), names)
    names["test_the_unit_price_is_missing_without_items"](features, rows)
    shown = textwrap.indent(block("tests", "unit_price"), "    ")
    assert shown in (ROOT / "tests/test_features.py").read_text()


@pytest.mark.slow
def test_the_network_learns(build_model, features, config):
    job = training_job(features, config)
    network = build_model(job.features, job.config.dataset, job.config.model)
    network.compile("nadam", "binary_focal_crossentropy")
    inputs, labels = random_batch(job, network)
    assert np.isfinite(network.train_on_batch(inputs, labels)).all()

    names = {"create_model": lambda _: network, "random_batch": random_batch}
    exec(block("tests", "create_model"), names)
    names["test_probabilities_are_neither_0_nor_1"](job)


def test_the_metric_is_a_mean_of_costs():
    names: dict = {"np": np}
    exec(block("extending", "def cost_of_errors"), names)
    labels, predictions = np.array([0, 0, 1, 1]), np.array([0.9, 0.1, 0.9, 0.1])
    assert names["cost_of_errors"](labels, predictions, np.ones(4)) == (5 + 0 + 0 + 1) / 4


def test_the_step_logs_each_push(monkeypatch, tmp_path):
    from tfx.types import standard_artifacts

    step = run_as_module(block("extending", "def PushLog"), "push_log_page", monkeypatch, tmp_path)
    names = {"PushLog": step.PushLog, "standard_artifacts": standard_artifacts}
    exec(block("tests", "def test_push_log"), names)
    names["test_push_log_has_a_line_for_each_push"](tmp_path)


def test_the_lines_of_the_dag_are_those_of_the_shipped_one():
    added = block("extending", "from components.push_log")
    shipped = (ROOT / "pipeline/dag.py").read_text()
    assert "steps += [evaluator, serving_check, pusher, push_log]" in added
    assert 'file=f"{config.outputs}/pushed.txt"' in added  # not in git
    assert "steps += [evaluator, serving_check, pusher]" in shipped


def test_the_source_reads_its_spans(monkeypatch, tmp_path):
    code = block("extending", "def read_span")
    orders = run_as_module(code, "orders_page", monkeypatch, tmp_path)
    path = str(tmp_path / "shop.sqlite")
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE orders (id, amount REAL, items, country, returned, week, updated)"
        )
        database.executemany(
            "INSERT INTO orders VALUES (?, ?, 1, 'no', 0, ?, ?)",
            [(3, 2.5, 2, "b"), (1, 1.5, 1, "a"), (2, 3.5, 2, "c")],
        )
    assert orders.list_spans(path) == {1: "1 rows, a", 2: "2 rows, c"}
    [batch] = orders.read_span(path, 2)
    assert batch.column("amount").to_pylist() == [3.5, 2.5]
