"""The data gate's checks of rows: target leakage, repeated rows, older spans."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import artifact_utils, standard_artifacts

from tfxkit.components.data_gate.rows import associations, find_leaks, row_findings
from tfxkit.components.example_gen.outcomes import SKETCH_SIZE, Repeats, repeated_share
from tfxkit.config.dataset import Dataset, Validation
from tfxkit.metrics.association import LEAK
from tfxkit.storage.artifacts import OUTCOMES

ROWS = 1200
SCHEMA = text_format.Parse(
    """
    feature { name: "number" type: FLOAT }
    feature { name: "code" type: INT }
    feature { name: "text" type: BYTES }
    feature { name: "y" type: FLOAT }
    feature { name: "size" type: FLOAT }
    """,
    schema_pb2.Schema(),
)
COLUMNS = {"number": "numeric", "code": "categorical", "text": "categorical", "size": "numeric"}
LABELS = {
    "binary": {"column": "y"},
    "derived": {"column": "y", "greater_than": 0.5, "times": "size"},
    "multiclass": {"column": "y", "classes": ["0", "1", "2"]},
    "regression": {"column": "y"},
}


def dataset(kind, known=False):
    return Dataset.model_validate(
        {
            "task": "binary" if kind == "derived" else kind,
            "label": LABELS[kind],
            "columns": {name: {"role": role, "known": known} for name, role in COLUMNS.items()},
        }
    )


def label(kind, random):
    if kind in ("binary", "multiclass"):
        return random.integers(0, 2 if kind == "binary" else 3, ROWS).astype(float)
    return random.lognormal(0, 2, ROWS)  # heavy tails


def examples(**columns):
    rows = []
    for values in zip(*columns.values(), strict=True):
        example = tf.train.Example()
        for name, value in zip(columns, values, strict=True):
            feature = example.features.feature[name]
            if isinstance(value, str):
                feature.bytes_list.value.append(value.encode())
            elif name == "code":
                feature.int64_list.value.append(int(value))
            elif not np.isnan(value):
                feature.float_list.value.append(value)
        rows.append(example.SerializeToString())
    return rows


def noise(random):
    """Columns that have nothing to do with a label; each text is there once."""
    return {
        "number": random.normal(size=ROWS),
        "code": random.integers(0, 20, ROWS),
        "text": [f"name {i}" for i in range(ROWS)],
        "size": random.uniform(1, 2, ROWS),
    }


@pytest.mark.parametrize("kind", LABELS)
def test_what_has_nothing_to_do_with_the_label_tells_nothing_of_it(kind):
    random = np.random.default_rng(1)
    y = label(kind, random)
    found = associations(examples(**noise(random), y=y), SCHEMA, dataset(kind))
    assert found.keys() == COLUMNS.keys()
    assert max(found.values()) < 0.2


@pytest.mark.parametrize("kind", LABELS)
def test_a_column_of_any_type_that_is_the_label_tells_all_of_it(kind):
    random = np.random.default_rng(2)
    y, columns = label(kind, random), noise(random)
    leaks = {"number": y * 2.54}
    if kind in ("binary", "multiclass"):
        leaks |= {"code": y + 7, "text": [("no", "yes", "perhaps")[int(one)] for one in y]}
    if kind == "derived":
        leaks["text"] = np.where(y > 0.5 * columns["size"], "yes", "no").tolist()
    found = associations(examples(**columns | leaks, y=y), SCHEMA, dataset(kind))
    assert min(found[name] for name in leaks) > 0.98
    assert max(found[name] for name in found.keys() - leaks) < 0.3


def test_a_good_predictor_is_no_leak():
    random = np.random.default_rng(3)
    y = label("binary", random)
    wrong = random.random(ROWS) < 0.1
    found = associations(
        examples(**noise(random) | {"number": np.where(wrong, 1 - y, y)}, y=y),
        SCHEMA,
        dataset("binary"),
    )
    assert 0.7 < found["number"] < 0.9


@pytest.mark.parametrize("y", [np.zeros(ROWS), np.full(ROWS, np.nan)])
def test_where_there_is_nothing_to_tell_nothing_is_told(y):
    random = np.random.default_rng(4)
    assert associations(examples(**noise(random), y=y), SCHEMA, dataset("binary")) == {}
    assert associations([], SCHEMA, dataset("binary")) == {}


@pytest.mark.parametrize(("distinct", "times"), [(300, 1), (300, 2), (20_000, 1), (20_000, 3)])
def test_repeats_are_estimated_over_files_in_any_order(distinct, times):
    random = np.random.default_rng(5)
    hashes = [int(one) for one in random.integers(0, 2**62, distinct)] * times
    random.shuffle(hashes)
    files = [Repeats(), Repeats(), Repeats()]
    for i, one in enumerate(hashes):
        files[i % 3].add(one)
    sketches = [file.sketch() for file in files]
    assert all(len(sketch) <= SKETCH_SIZE for sketch in sketches)
    assert repeated_share(sketches) == pytest.approx(1 - 1 / times, abs=0.02)
    assert repeated_share([]) == 0.0


def rows_found(
    tmp_path, *, share=0.0, spans=(), before=(), empty=0, known=False, files=(), **bounds
):
    described = dataset("binary", known)
    artifact, baseline = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    artifact.uri = str(tmp_path)
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    (tmp_path / OUTCOMES).write_text(json.dumps({"repeated_share": share, "files": files}))
    for one, numbers in ((artifact, spans), (baseline, before)):
        if numbers:
            one.set_string_custom_property("spans", json.dumps(numbers))
    folder = tmp_path / "Split-train"
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(6)
    y = label("binary", random)
    data = examples(**noise(random) | {"code": y}, y=y)
    parts = [[]] * empty + [data[i::3] for i in range(3)]  # as three files of data give it
    for i, part in enumerate(parts):
        options = tf.io.TFRecordOptions(compression_type="GZIP")
        path = folder / f"data_tfrecord-{i:05d}-of-{len(parts):05d}.gz"
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for row in part:
                writer.write(row)
    validation = Validation.model_validate(bounds)
    found = list(row_findings(artifact, baseline, validation, described))
    if (allowed := validation.max_association) is not None:
        found += find_leaks(artifact, SCHEMA, described, allowed)[1]
    return found


def test_each_finding_has_a_bound_that_can_be_set(tmp_path):
    found = rows_found(tmp_path, share=0.34, spans=[1, 2], before=[2, 3])
    assert [finding.severity for finding in found] == ["warning", "warning", "error"]
    texts = [f"{finding.column}: {finding.what}" for finding in found]
    assert "The newest span is 2; the served model was trained on spans up to 3" in texts[0]
    assert "about 34% repeat another row; 10% is allowed" in texts[1]
    assert texts[2].startswith("code: Target leakage: this column alone determines 100.0%")
    assert len(texts) == 3
    muted = rows_found(tmp_path, share=0.34, max_repeated=0.5, max_association=None)
    assert muted == []
    assert rows_found(tmp_path, spans=[1, 3], before=[2, 3], max_association=None) == []


def test_whole_numbers_that_float_changes_are_a_warning_with_an_example(tmp_path):
    rounded = {name: ["17031320101", "17031320576"] for name in ("number", "not_described")}
    found = rows_found(
        tmp_path, files=[{"rounded": {}}, {"rounded": rounded}, {}], max_association=None
    )
    assert [(each.column, each.severity, each.what) for each in found] == [
        (
            "number",
            "warning",
            "Whole numbers in a column of type FLOAT, which keeps 7 digits: 17031320101 is read as "
            "17031320576",
        )
    ]


def test_files_without_rows_take_nothing_from_what_is_looked_at(tmp_path):
    """A large file that could not be cut is in one shard of many."""
    [found] = rows_found(tmp_path, empty=100)
    assert found.what.startswith("Target leakage: this column alone determines 100.0%")


def test_a_column_that_a_person_has_accepted_is_measured_and_no_finding(tmp_path):
    assert rows_found(tmp_path, known=True) == []


@pytest.mark.parametrize(("wrong", "severity"), [(0.018, "warning"), (0.005, "error")])
def test_below_the_leak_it_is_a_warning(wrong, severity):
    random = np.random.default_rng(7)
    y = label("binary", random)
    flipped = np.arange(ROWS) < wrong * ROWS
    columns = noise(random) | {"number": np.where(flipped, 1 - y, y)}
    found = associations(examples(**columns, y=y), SCHEMA, dataset("binary"))["number"]
    assert (found >= LEAK) == (severity == "error") and found > 0.95


@pytest.mark.parametrize("known", [False, True])
def test_a_sum_of_columns_that_is_the_label_is_a_warning(tmp_path, known):
    random = np.random.default_rng(8)
    columns = noise(random)
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names = str(tmp_path), '["train"]'
    (tmp_path / "Split-train").mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / "Split-train/a.gz"), "GZIP") as writer:
        for row in examples(**columns, y=columns["number"] + columns["size"]):
            writer.write(row)
    leaks, findings = find_leaks(artifact, SCHEMA, dataset("regression", known), 1.0)
    assert leaks == []
    assert [(each.column, each.severity, each.what) for each in findings] == (
        []
        if known
        else [
            (
                "number, size",
                "warning",
                "Target leakage: a weighted sum of number and size is the label",
            )
        ]
    )
