"""Reads statistics of data as StatisticsGen writes them: `Split-<name>/FeatureStats.pb`."""

from __future__ import annotations

import os

from tensorflow_metadata.proto.v0 import statistics_pb2

from components.filesystems import fileio

_FILE = "FeatureStats.pb"
_SPLIT_PREFIX = "Split-"

Columns = dict[str, statistics_pb2.FeatureNameStatistics]


def split_names(uri: str) -> list[str]:
    """The splits below the URI of an `ExampleStatistics` artifact, sorted."""
    # Object stores end the names of folders with a slash.
    names = sorted(os.fsdecode(name).rstrip("/") for name in fileio.listdir(uri))
    return [name.removeprefix(_SPLIT_PREFIX) for name in names if name.startswith(_SPLIT_PREFIX)]


def split_file(uri: str, split: str) -> str:
    """The path of the statistics of a split."""
    return os.path.join(uri, _SPLIT_PREFIX + split, _FILE)


def columns_of(path: str) -> Columns:
    """Reads a file and takes the columns in it."""
    return columns_in(read(path))


def columns_in(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> Columns:
    """The columns by name: the first dataset is the data as a whole."""
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features}


def read(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads one file."""
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
