"""Comparison of the artifacts of two runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0.statistics_pb2 import (
    DatasetFeatureStatistics,
    FeatureNameStatistics,
)
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from tests.project_with_runs import Project

SHIFT_OF_RANKS = 0.05  # three of some sixty quantiles


def newest(project: Project, step: str, output: str) -> Path:
    """The folder of the newest artifact of a step."""
    folders = (project.outputs.root / "artifacts" / step / output).iterdir()
    return max(folders, key=lambda folder: int(folder.name))


def assert_same_examples(one: Project, other: Project) -> None:
    """The same rows, in the same order, in the same files."""
    first, second = (newest(project, "ExampleGen", "examples") for project in (one, other))
    files = sorted(path.relative_to(first) for path in first.rglob("*.gz"))
    assert files == sorted(path.relative_to(second) for path in second.rglob("*.gz"))
    assert files
    for file in files:
        assert rows(first / file) == rows(second / file)


def assert_same_statistics(one: Project, other: Project) -> None:
    """The same for each split, see `assert_alike`."""
    for split in ("train", "eval"):
        assert_alike(statistics(one, split), statistics(other, split))


def statistics(project: Project, split: str) -> DatasetFeatureStatistics:
    folder = newest(project, "StatisticsGen", "statistics") / f"Split-{split}"
    return tfdv.load_stats_binary(str(folder / "FeatureStats.pb")).datasets[0]


def assert_alike(first: DatasetFeatureStatistics, second: DatasetFeatureStatistics) -> None:
    """The same counts; numbers but for what the order of adding them up makes of them."""
    assert first.num_examples == second.num_examples > 0
    features = {feature.path.step[0]: feature for feature in second.features}
    assert features.keys() == {feature.path.step[0] for feature in first.features}
    for feature in first.features:
        like = features[feature.path.step[0]]
        assert feature.type == like.type
        for name in ("mean", "std_dev", "min", "max", "num_zeros"):
            expected = getattr(feature.num_stats, name)
            assert getattr(like.num_stats, name) == pytest.approx(expected, rel=1e-6), name
        assert like.string_stats.unique == feature.string_stats.unique
        assert _counts(like) == _counts(feature)


def _counts(feature: FeatureNameStatistics) -> tuple[int, int]:
    stats = feature.string_stats if feature.HasField("string_stats") else feature.num_stats
    return stats.common_stats.num_non_missing, stats.common_stats.num_missing


def assert_same_vocabularies(one: Project, other: Project) -> None:
    """The same words in the same order, and so the same numbers for them."""
    first, second = (newest(project, "Transform", "transform_graph") for project in (one, other))
    files = sorted((first / "transform_fn" / "assets").iterdir())
    assert files
    for file in files:
        like = second / "transform_fn" / "assets" / file.name
        assert like.read_bytes() == file.read_bytes(), file.name


def assert_same_features(one: Project, other: Project) -> None:
    """The same features of the same rows.

    Quantiles are approximate, and those of a column with many equal values are fewer than asked
    for: another order of the rows may add or drop one, which shifts ranks between them.
    """
    file = min(newest(one, "ExampleGen", "examples").glob("Split-eval/*.gz"))
    made = []
    for project in (one, other):
        graph = tft.TFTransformOutput(str(newest(project, "Transform", "transform_graph")))
        raw = tf.io.parse_example(rows(file), graph.raw_feature_spec())
        made.append(graph.transform_features_layer()(raw))
    assert made[0].keys() == made[1].keys()
    assert made[0]
    for name, values in made[0].items():
        shift = SHIFT_OF_RANKS if name.endswith((".rank", ".trend")) else 0
        np.testing.assert_allclose(made[1][name], values, rtol=1e-3, atol=shift, err_msg=name)


def assert_predicted_by_the_model(project: Project, count: int) -> None:
    """BulkInferrer's predictions are those of the run's model, asked without Beam, row by row."""
    folder = newest(project, "UnlabelledExampleGen", "examples") / "Split-unlabelled"
    examples = [row for file in folder.glob("*.gz") for row in rows(file)]
    model = tf.saved_model.load(newest(project, "Trainer", "model") / "Format-Serving")
    [predictions] = model.signatures["serving_default"](examples=tf.constant(examples)).values()
    answers = predictions.numpy().reshape(len(examples), -1).tolist()
    expected = sorted(zip(map(_in_order, examples), answers, strict=True))
    assert len(expected) == count

    files = newest(project, "BulkInferrer", "inference_result").glob("*.gz")
    logs = [PredictionLog.FromString(row).predict_log for file in files for row in rows(file)]
    found = []
    for log in logs:
        [request] = log.request.inputs.values()
        [response] = log.response.outputs.values()
        [prediction] = tf.make_ndarray(response).reshape(1, -1).tolist()
        found.append((_in_order(request.string_val[0]), prediction))
    found.sort()
    assert [example for example, _ in found] == [example for example, _ in expected]
    values, like = ([prediction for _, prediction in side] for side in (found, expected))
    np.testing.assert_allclose(values, like, rtol=0, atol=1e-6)


def _in_order(example: bytes) -> bytes:
    """The same features in a stable order: BulkInferrer writes them anew."""
    return tf.train.Example.FromString(example).SerializeToString(deterministic=True)


def rows(file: Path) -> list[bytes]:
    return [row.numpy() for row in tf.data.TFRecordDataset(str(file), compression_type="GZIP")]
