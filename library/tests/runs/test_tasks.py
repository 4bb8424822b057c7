"""From a CSV of another kind than the sample to a pushed model and its predictions, by task."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from tfxkit import cli
from tfxkit.runs import summary
from tfxkit.runs.outputs import Outputs

pytestmark = pytest.mark.slow

ROWS = 300
# Names that some layer would stumble over; INT, FLOAT and BYTES columns, of each role.
COLUMNS = {
    "größe (cm)": ("FLOAT", {"role": "numeric"}),
    "class": ("BYTES", {"role": "categorical"}),
    "floor/level.no": ("INT", {"role": "categorical"}),
    'said "yes"': ("BYTES", {"role": "categorical"}),
    "1st day": ("BYTES", {"role": "timestamp", "unit": "text"}),
    "lambda": ("BYTES", {"role": "text", "buckets": 256}),
    "_id": ("INT", {"role": "ignored"}),
}
HOT = 'hot, so "hot"'
TASKS = {
    "binary": (
        {"column": "price; €", "positive": HOT},
        "BYTES",
        {"auc": {"min": 0.7, "max_worsening": 0.1}, "calibration": {"min": 0.5, "max": 2}},
    ),
    "regression": (
        {"column": "price; €"},
        "FLOAT",
        {"r2": {"min": 0.5, "max_worsening": 0.1}, "rmse": {"max": 20}},
    ),
    "multiclass": (
        {"column": "price; €", "classes": ["1", "2", "3"]},
        "INT",
        {"accuracy": {"min": 0.6}, "auc": {"min": 0.7}},
    ),
}


def frame(task: str) -> list[dict[str, str]]:
    random = np.random.default_rng(1)
    rows = []
    for i in range(ROWS):
        size, kind, day = random.normal(170, 10), random.choice(["a", "b; c"]), i % 28 + 1
        words = random.choice(["hübsch", "alt", "neu und hübsch"])
        price = 1000 + 2 * (size - 170) + 30 * (kind == "a") + 20 * ("hübsch" in words)
        label = {
            "binary": HOT if price > 1020 else "cold",
            "regression": f"{price:.2f}",
            "multiclass": str(np.digitize(price, [1005, 1035]) + 1),
        }[task]
        rows.append(
            {
                "größe (cm)": "NA" if i % 20 == 7 else f"{size:.1f}",
                "class": kind,
                "floor/level.no": str(i % 5),
                'said "yes"': ["true", "false", "NA"][i % 3],
                "1st day": f"2024-0{i % 9 + 1}-{day:02}",
                "lambda": words,
                "_id": str(i),
                "price; €": label,
            }
        )
    return rows


def write(rows: list[dict[str, str]], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="cp1252") as text:
        writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def make_project(root: Path, task: str) -> Outputs:
    label, label_type, thresholds = TASKS[task]
    columns = {name: role for name, (_, role) in COLUMNS.items()}
    types = {name: type_name for name, (type_name, _) in COLUMNS.items()} | {
        label["column"]: label_type
    }
    base = {
        "pipeline": "own",
        "dag": "tests.sample.dag",
        "data": {
            "path": "data",
            "csv": {"delimiter": ";", "encoding": "cp1252", "missing": ["NA"]},
        },
        "model": {"members": 2, "width": 32},
        "train": {"epochs": 30, "batch_size": 32, "learning_rate": 0.01},
    }
    dataset = {
        "task": task,
        "label": label,
        "columns": columns | {label["column"]: {"role": "ignored"}},
        "evaluation": {"slices": [["class"]], "thresholds": thresholds},
        "validation": {"drift": {"1st day": {"infinity_norm": 0.9}}},
    }
    (root / "configs").mkdir()
    for name, content in (("base", base), ("dataset", dataset), ("local", {})):
        (root / "configs" / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    (root / "configs/schema.pbtxt").write_text(
        "".join(
            f"feature {{ name: {json.dumps(name, ensure_ascii=False)} type: {type_name} "
            "value_count { min: 1 max: 1 } }\n"
            for name, type_name in types.items()
        )
    )
    write(frame(task), root / "data/span-1/rows.csv")
    return Outputs(root / "outputs/own")


def assert_good(task: str, found: list[dict[str, str]], truth: list[str]) -> None:
    """The columns that predict adds are named after the label's values, and right mostly."""
    if task == "regression":
        numbers = np.array(truth, float)
        predicted = np.array([float(row["prediction"]) for row in found])
        assert 1 - ((numbers - predicted) ** 2).mean() / numbers.var() > 0.5
    elif task == "binary":
        predicted = np.array([float(row[f"probability_{HOT}"]) for row in found])
        assert ((predicted > 0.5) == (np.array(truth) == HOT)).mean() > 0.8
    else:
        by_class = np.array([[float(row[f"probability_{c}"]) for c in "123"] for row in found])
        np.testing.assert_allclose(by_class.sum(axis=1), 1, atol=1e-5)
        predicted = np.array([row["prediction"] for row in found])
        assert (predicted == np.array(list("123"))[by_class.argmax(axis=1)]).all()
        assert (predicted == np.array(truth)).mean() > 0.8


@pytest.mark.parametrize("task", TASKS)
def test_a_model_is_pushed_and_predicts_for_a_file_of_the_same_kind(task, tmp_path, capfd):
    outputs = make_project(tmp_path, task)
    configs = ["--config-dir", str(tmp_path / "configs")]
    code = cli.main(["run", *configs])
    assert code == 0, (outputs.runs / "latest/run.log").read_text() + capfd.readouterr().out
    run = summary.read(outputs.runs / "latest")
    assert run.pushed_path
    assert {check.name.partition(": ")[0] for check in run.thresholds} >= set(TASKS[task][2])
    assert {one.slice for one in run.slices} >= {"class: a", "class: b; c"}

    rows = frame(task)
    unlabelled = tmp_path / "new.csv"
    write([{k: v for k, v in r.items() if k in COLUMNS and k != "_id"} for r in rows], unlabelled)
    capfd.readouterr()
    assert cli.main(["predict", str(unlabelled), *configs]) == 0
    found = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert [row["class"] for row in found] == [row["class"] for row in rows]
    assert [row["größe (cm)"] for row in found] == [row["größe (cm)"] for row in rows]
    assert_good(task, found, [row["price; €"] for row in rows])

    # A client knows nothing but the columns; what it does not know, it leaves out.
    example = tf.train.Example()
    example.features.feature["class"].bytes_list.value.append(b"a")
    example.features.feature["1st day"].bytes_list.value.append(b"2024-03-01T12:00:00Z")
    example.features.feature["lambda"].bytes_list.value.append("hübsch".encode())
    serve = tf.saved_model.load(run.pushed_path).signatures["serving_default"]
    (answer,) = serve(examples=tf.constant([example.SerializeToString()])).values()
    assert np.isfinite(answer.numpy()).all()
