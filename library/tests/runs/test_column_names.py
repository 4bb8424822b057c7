"""Columns called like anything that the pipeline, TFX, TFMA, TensorFlow or the server names."""

import base64
import csv
import io
import json
import random

import pytest
import tensorflow as tf

from tests.runs.test_serve import serving
from tfxkit import cli

pytestmark = pytest.mark.slow

ROWS = 300
LABEL = "label"
WORDS = ("ash", "beech", "cedar")
NAMES = (
    *("examples", "examples_input", "serialized_examples", "inputs", "input", "instances"),
    *("predictions", "prediction", "predicted_prediction", "probability", "probability_yes"),
    *("labels", "label.x", "features", "row_keys", "weights", "example_weights", "slice_key"),
    *("transformed.label", "transformed_features", "__RAW_RECORD__", "_slice", "attributions"),
    *("signature_name", "b64", "warnings", "error", "version", "batch", "index", "name", "type"),
    *(
        "x" * 200,
        "a/b",
        "a b",
        "a.b",
        "a_b",
        "a_u2f_b",
        "a:b",
        "a,b",
        "a;b",
        "a\\b",
        "A",
        "a",
        "ü",
        "u",
    ),
    *(
        "1",
        "-1",
        "1.5",
        "True",
        "null",
        "~",
        "yes",
        "=1+1",
        "@x",
        "#",
        "{x}",
        "{{ x }}",
        "$HOME",
        "%s",
    ),
    *("<b>x</b>", 'say "x"', "it's", "..", "/", "*", "日本", "self", "class", "lambda", "default"),
)


def is_number(place: int) -> bool:
    return place % 2 == 0


def table() -> list[dict[str, str]]:
    chance = random.Random(7)
    rows = []
    for _ in range(ROWS):
        row = {
            name: f"{chance.uniform(0, 9):.3f}" if is_number(place) else chance.choice(WORDS)
            for place, name in enumerate(NAMES)
        }
        signs = [row["examples_input"] == "ash", float(row["examples"]) > 5]
        row[LABEL] = "yes" if chance.random() < (0.05, 0.5, 0.95)[sum(signs)] else "no"
        rows.append(row)
    return rows


def write(file, rows):
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def in_json(row):
    return {
        name: float(row[name]) if is_number(place) else row[name]
        for place, name in enumerate(NAMES)
    }


def example(row) -> bytes:
    message = tf.train.Example()
    for name, value in in_json(row).items():
        feature = message.features.feature[name]
        if isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.bytes_list.value.append(value.encode())
    return message.SerializeToString()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with one pushed model for the table."""
    root = tmp_path_factory.mktemp("names")
    write(root / "odd.csv", table())
    (root / "configs").mkdir()
    where = ["--config-dir", str(root / "configs")]
    assert cli.main(["init", "--data", str(root / "odd.csv"), "--label", LABEL, *where]) == 0
    names = ("accuracy", "auc")
    settings = [f"--set=dataset.evaluation.thresholds.{name}.min=0" for name in names]
    assert cli.main(["run", "--config", "fast", *settings, *where]) == 0
    return root


@pytest.fixture(scope="module")
def predicted(project, tmp_path_factory):
    """The probability of each row, by `predict`."""
    target = tmp_path_factory.mktemp("predicted") / "odd.csv"
    where = ["--config-dir", str(project / "configs"), "--config", "fast"]
    source = str(project / "odd.csv")
    assert cli.main(["predict", source, "--raw", "-o", str(target), *where]) == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert [{name: row[name] for name in (*NAMES, LABEL)} for row in rows] == table()
    [added] = set(rows[0]) - set(NAMES) - {LABEL}
    assert added == "predicted_probability_yes"
    return [float(row[added]) for row in rows]


def test_each_column_is_a_feature_and_the_model_is_measured_and_pushed(project):
    [summary] = project.glob("outputs/*/runs/latest/summary.json")
    summary = json.loads(summary.read_text())
    assert summary["status"] == "pushed"
    assert 0.65 < summary["metrics"]["auc"] <= 1
    [description] = project.glob("outputs/*/serving_model/*/assets.extra/features.json")
    assert json.loads(description.read_text())["columns"] == sorted(NAMES)
    report = next(project.glob("outputs/*/runs/latest/report.html")).read_text()
    assert "could not be made" not in report and "<b>x</b>" not in report


def test_predictions_depend_on_the_columns_of_the_right_names(predicted):
    rows = table()
    high = [p for p, row in zip(predicted, rows, strict=True) if float(row["examples"]) > 5]
    low = [p for p, row in zip(predicted, rows, strict=True) if float(row["examples"]) <= 5]
    assert sum(high) / len(high) > sum(low) / len(low) + 0.05


def test_the_server_answers_each_form_as_predict_does(project, predicted, tmp_path):
    [folder] = project.glob("outputs/*/serving_model")
    where = ["--config-dir", str(project / "configs"), "--config", "fast"]
    rows = table()
    with serving(where, folder, tmp_path / "screen") as server:
        model = f"{folder.parent.name}:predict"
        encoded = [{"b64": base64.b64encode(example(row)).decode()} for row in rows]
        bodies = [
            {"examples": [in_json(row) for row in rows]},
            {"instances": encoded},
            {"instances": [{"serialized_examples_": row} for row in encoded]},
        ]
        for body in bodies:
            status, answer = server.post(model, body)
            assert status == 200
            scores = [score for [score] in answer["predictions"]]
            assert scores == pytest.approx(predicted, abs=1e-6)
        lacking = in_json(rows[0])
        del lacking["examples"]
        assert "needs: examples." in server.post(model, {"examples": [lacking]})[1]["error"]
