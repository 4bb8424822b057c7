"""Values that the model was not trained on are said and counted, by both APIs and each form."""

import base64
import json
import logging
import math
import shutil

import grpc
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tests.pipeline.serving.test_rest import example
from tfxkit.features.training_values import TrainingValues, notices
from tfxkit.serving.model import LoadedModel
from tfxkit.storage import served_model

STATISTICS = """
datasets {
  features {
    path { step: "x" } type: FLOAT
    num_stats { common_stats { num_non_missing: 90 num_missing: 10 } min: 0.5 max: 9.25 }
  }
  features {
    path { step: "n" } type: INT
    num_stats { common_stats { num_non_missing: 100 } min: -2 max: 40 }
  }
  features {
    path { step: "word" } type: STRING
    string_stats {
      common_stats { num_non_missing: 100 }
      rank_histogram {
        buckets { label: "red" sample_count: 60 }
        buckets { label: "green" sample_count: 36 }
        buckets { label: "mauve" sample_count: 4 }
      }
    }
  }
}
"""
FEATURES = {
    "columns": ["n", "word", "x"],
    "features": [
        {"name": "x.rank", "kind": "rank", "column": "x"},
        {"name": "n.rank", "kind": "rank", "column": "n"},
        {"name": "word.code", "kind": "code", "column": "word"},
    ],
}


@pytest.fixture(scope="module")
def version_dir(version_dir, tmp_path_factory):
    """The version of all tests here, with the statistics and the vocabulary of its training."""
    version = tmp_path_factory.mktemp("described") / "7"
    shutil.copytree(version_dir, version)
    add_training_values(version)
    return version


def add_training_values(version):
    (version / "assets").mkdir(exist_ok=True)
    (version / "assets" / "vocabularies").write_bytes(
        b"word.code:\nword.code:red\nword.code:green\n"
    )
    (version / served_model.FEATURES).write_text(json.dumps(FEATURES))
    statistics = text_format.Parse(STATISTICS, statistics_pb2.DatasetFeatureStatisticsList())
    folder = version / served_model.STATISTICS / "Split-train"
    folder.mkdir(parents=True)
    (folder / "FeatureStats.pb").write_bytes(statistics.SerializeToString())


@pytest.fixture(scope="module")
def values(version_dir):
    return TrainingValues.of(str(version_dir))


def counted_as_a_file(values, rows):
    counts = values.start()
    types = {"x": pa.float32(), "n": pa.int64(), "word": pa.binary()}
    arrays = [pa.array([row.get(name) for row in rows], kind) for name, kind in types.items()]
    batch = pa.record_batch(arrays, names=list(types))
    values.count(batch.slice(0, 1), counts)
    values.count(batch.slice(1), counts)
    return counts


def counted_as_rows(values, rows):
    counts = values.start()
    values.count_rows(rows, counts)
    return counts


@pytest.mark.parametrize("counted", [counted_as_a_file, counted_as_rows])
def test_files_and_rows_are_counted_alike(values, counted):
    rows = [
        {"x": 0.5, "n": -2, "word": b"red"},
        {"x": 9.25, "n": 40, "word": b"teal"},
        {"x": 9.5, "n": 41, "word": b"Red"},
        {"x": math.inf, "n": -3, "word": b""},
        {"x": math.nan, "n": 2**53 + 1, "word": "gr\u00fcn".encode()},
        {"x": None, "n": None, "word": b"teal"},
    ]
    counts = counted(values, rows)
    assert {
        name: (column.rows, column.missing, column.odd, column.shown)
        for name, column in counts.items()
    } == {
        "x": (6, 2, 2, [9.5, math.inf]),
        "n": (6, 1, 3, [41, -3, 2**53 + 1]),
        "word": (6, 1, 4, [b"teal", b"Red", "gr\u00fcn".encode()]),
    }
    assert notices(counts) == [
        "n: 3 of 5 values (60%) lie outside of the training data, -2 to 40: for example 41, -3, "
        "9007199254740993",
        "word: 4 of 5 values (80%) are not in the model's vocabulary: for example 'teal', 'Red', "
        "'gr\u00fcn'",
    ]


@pytest.mark.parametrize(
    ("unknown", "rows", "is_said"),
    [(1, 1, True), (1, 2, False), (2, 3, True), (9, 30, False), (10, 30, True), (10, 60, False)],
)
def test_a_column_is_reported_for_most_values_or_far_more_than_in_training(
    values, unknown, rows, is_said
):
    # In training 4 % were unknown: rare words that the vocabulary leaves out.
    column = [{"word": b"teal"}] * unknown + [{"word": b"red"}] * (rows - unknown)
    counts = {"word": counted_as_rows(values, column)["word"]}
    assert bool(notices(counts)) == is_said


def test_a_column_without_any_value_is_reported_from_ten_rows_on(values):
    assert notices(counted_as_a_file(values, [{"x": 1.0, "word": b"red"}] * 9)) == []
    assert notices(counted_as_a_file(values, [{"x": 1.0, "word": b"red"}] * 10)) == [
        "n: no value in 10 rows, while 100% of the training rows have one"
    ]


def test_a_version_without_statistics_and_vocabularies_reports_nothing(tmp_path, version_dir):
    shutil.copytree(version_dir, tmp_path / "8")
    shutil.rmtree(tmp_path / "8" / "assets")
    shutil.rmtree(tmp_path / "8" / served_model.STATISTICS)
    assert TrainingValues.of(str(tmp_path / "8")).columns == ()


def test_rows_are_answered_with_warnings_about_unseen_values(server):
    rows = [{"x": 1.0, "n": 5, "word": "mauve"}, {"x": 99.5, "n": 5, "word": "teal"}]
    status, answer, _ = server.post({"examples": rows})
    assert (status, answer["predictions"]) == (200, [[12.0], [208.0]])
    assert answer["warnings"] == [
        "word: 2 of 2 values (100%) are not in the model's vocabulary: for example 'mauve', 'teal'"
    ]
    known = {"examples": [{"x": 1.0, "n": 5, "word": "red"}] * 2}
    assert server.post(known)[1].keys() == {"predictions"}


def request_of(examples):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(examples))
    return request


def test_all_forms_are_counted_and_logged_once(server, caplog):
    rows = [{"x": 1.0, "n": 5, "word": "mauve"}, {"x": 99.5, "n": None, "word": "teal"}]
    examples = [example(x=1.0, n=5, word="mauve"), example(x=99.5, word="teal")]
    encoded = [{"b64": base64.b64encode(each).decode()} for each in examples]
    with caplog.at_level(logging.WARNING, "tfxkit.serving"):
        assert server.post({"examples": rows})[0] == 200
        for body in ({"instances": encoded}, {"inputs": encoded}):
            assert server.post(body)[1].keys() <= {"predictions", "outputs"}
        with grpc.insecure_channel(server.grpc) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            stub.Predict(request_of(examples), timeout=300)
    counts = {
        line.split("{")[1]
        for line in server.metrics().splitlines()
        if "served_values_total{" in line
    }
    assert counts == {
        f'column="{column}",kind="{kind}",model_name="m"}} {4 * count:.1f}'
        for column, kind, count in [
            ("x", "known", 1),
            ("x", "out_of_range", 1),
            ("x", "missing", 0),
            ("n", "known", 1),
            ("n", "out_of_range", 0),
            ("n", "missing", 1),
            ("word", "known", 0),
            ("word", "unknown", 2),
            ("word", "missing", 0),
        ]
    }
    [said] = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert said.startswith("word: 2 of 2 values (100%)")


def test_a_sample_of_a_large_request_is_compared(server):
    rows = [{"x": 1.0, "n": 5, "word": "teal" if i % 4 else "red"} for i in range(1000)]
    answer = server.post({"examples": rows})[1]
    assert len(answer["predictions"]) == 1000
    [warning] = answer["warnings"]
    assert warning.startswith("word: ") and "are not in the model's vocabulary" in warning
    [line] = [each for each in server.metrics().splitlines() if 'column="x",kind="known"' in each]
    assert float(line.rpartition(" ")[2]) == 64


def test_of_many_requests_with_examples_a_share_is_compared(version_dir):
    model = LoadedModel(str(version_dir))
    inputs = {"examples": np.array([example(x=1.0, n=5, word="red")] * 50, object)}
    compared = [bool(model.count_examples("serving_default", inputs)) for _ in range(2000)]
    assert all(compared[:20])
    assert sum(compared) * 50 == pytest.approx(0.02 * 2000 * 50, abs=50)
