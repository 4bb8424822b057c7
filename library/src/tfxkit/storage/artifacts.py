"""Artifacts as steps leave them for one another: placeholders, examples, statistics, schema."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

from tfxkit.storage.filesystems import fileio

if TYPE_CHECKING:
    from tfx import types

# Custom properties of a placeholder, which `Baseline` writes when no model is served yet: 1, and a
# sentence.
ABSENT, REASON = "tfx_absent", "reason"
_ABSENT_FILE = "ABSENT"  # object stores have no empty folders


def mark_absent(artifact: types.Artifact, reason: str) -> None:
    """Marks an output as a placeholder; the reason is a sentence."""
    artifact.set_int_custom_property(ABSENT, 1)
    artifact.set_string_custom_property(REASON, reason)
    fileio.makedirs(artifact.uri)
    with fileio.open(os.path.join(artifact.uri, _ABSENT_FILE), "w") as file:
        file.write(reason + "\n")


def is_absent(artifact: types.Artifact) -> bool:
    """True if an artifact is only a placeholder."""
    return bool(artifact.get_int_custom_property(ABSENT))


def absence_reason(artifact: types.Artifact) -> str:
    """The reason for a placeholder, as a sentence."""
    return artifact.get_string_custom_property(REASON) or "No model is served yet."


# Custom properties of `Examples`, as ExampleGen writes them.
SPANS_PROPERTY = "spans"  # the numbers of the spans, as a JSON list
VERSIONS_PROPERTY = "versions"  # the version of each span, as a JSON list; absent without versions
READER_PROPERTY = "reader"  # the module that read the spans; absent for files
FINGERPRINT_PROPERTY = "input_fingerprint"  # TFX's name: of the files that were read
LEFT_OUT = "left_out"  # the number of rows without a required value; in OUTCOMES by file
SPLIT_PREFIX = "Split-"  # of the folder of a split, in TFX's examples and statistics
# Rows and errors of each file that was read; see `tfxkit.components.example_gen.outcomes`.
OUTCOMES = "files.json"
ROUNDED = "rounded"  # whole numbers that FLOAT changes, by column; in OUTCOMES by file
INGESTED = "ingested"  # in OUTCOMES by file: the provenance of a span that `ingest` wrote
PROVENANCE_KEY = b"tfxkit:ingest"  # of that provenance in the footer of a Parquet file
READING = "reading.json"  # in the folder of Examples: how its values were read


def span_numbers(artifact: types.Artifact) -> list[int]:
    """Spans that an artifact was made from; none if it does not record them."""
    return json.loads(artifact.get_string_custom_property(SPANS_PROPERTY) or "[]")


def repeated_share(examples: types.Artifact) -> float | None:
    """Share of rows that occur more than once; None if it was not measured."""
    content = _outcomes(examples.uri)
    return content["repeated_share"] if content else None


def rounded_numbers(examples: types.Artifact) -> dict[str, tuple[str, str]]:
    """Columns of whole numbers that FLOAT changes, each with a number and what became of it."""
    content = _outcomes(examples.uri) or {"files": []}
    return {
        name: (number, read_as)
        for file in content["files"]
        for name, (number, read_as) in file.get(ROUNDED, {}).items()
    }


def split_files(examples_uri: str, split: str) -> list[str]:
    """Files with the rows of a split, sorted; none if there is no such split."""
    folder = os.path.join(examples_uri, SPLIT_PREFIX + split)
    if not fileio.exists(folder):
        return []
    names = sorted(os.fsdecode(name) for name in fileio.listdir(folder))
    return [os.path.join(folder, name) for name in names]


def rows_by_split(examples_uri: str) -> dict[str, int] | None:
    """Number of rows in each split; None if another ExampleGen wrote it, or it is gone."""
    content = _outcomes(examples_uri)
    if content is None:
        return None
    rows: dict[str, int] = {}
    for file in content["files"]:
        for split, count in file["rows"].items():
            rows[split] = rows.get(split, 0) + count
    return rows


def ingested_files(examples_uri: str) -> dict[str, dict[str, Any]]:
    """Provenance of the files that `ingest` wrote, by path; none if it is not recorded."""
    content = _outcomes(examples_uri) or {"files": []}
    return {file["file"]: file[INGESTED] for file in content["files"] if file.get(INGESTED)}


def _outcomes(examples_uri: str) -> dict[str, Any] | None:
    path = os.path.join(examples_uri, OUTCOMES)
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return json.loads(file.read())


# Statistics as StatisticsGen writes them: `Split-<name>/FeatureStats.pb`.
_STATISTICS_FILE = "FeatureStats.pb"

ColumnStatistics = dict[str, statistics_pb2.FeatureNameStatistics]


def split_names(uri: str) -> list[str]:
    """Lists the splits below the URI of an `ExampleStatistics` artifact, sorted."""
    # Object stores end the names of folders with a slash.
    names = sorted(os.fsdecode(name).rstrip("/") for name in fileio.listdir(uri))
    return [name.removeprefix(SPLIT_PREFIX) for name in names if name.startswith(SPLIT_PREFIX)]


def statistics_file(uri: str, split: str) -> str:
    """Path of the statistics of a split."""
    return os.path.join(uri, SPLIT_PREFIX + split, _STATISTICS_FILE)


def read_columns(path: str) -> ColumnStatistics:
    """Reads the columns in a file."""
    return columns_in(read_statistics(path))


def columns_in(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> ColumnStatistics:
    """Columns by name; the first dataset in the statistics is the data as a whole."""
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features}


def quantile_histogram(column: statistics_pb2.FeatureNameStatistics) -> NDArray[np.float64]:
    """Quantile histogram of a column of numbers.

    Returns:
        Rows of low, high and count, float64 of shape [n, 3]; no rows if there are no values.
    """
    buckets = [
        (bucket.low_value, bucket.high_value, bucket.sample_count)
        for histogram in column.num_stats.histograms
        if histogram.type == histogram.QUANTILES
        for bucket in histogram.buckets
    ]
    return np.asarray(buckets, np.float64).reshape(-1, 3)


def read_statistics(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads a file."""
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())


# Folders in which Beam writes files before it names them (apache-beam 2.77, io/filebasedsink.py,
# _create_temp_dir).
_BEAM_FOLDERS = "beam-temp-"


def remove_beam_folders(uri: str) -> None:
    """Removes the folders that Beam leaves beside the files that it writes.

    Beam removes the one that it used. An engine that runs the beginning of a write twice, as Flink
    does, leaves another one, empty, which whoever reads all that is in a split takes for data.

    Args:
        uri: Of an artifact whose job is done.
    """
    for folder, names, _ in list(fileio.walk(uri)):
        for name in names:
            if name.startswith(_BEAM_FOLDERS):
                fileio.rmtree(os.path.join(folder, name))
