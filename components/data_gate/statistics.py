"""Reads the statistics that StatisticsGen wrote, column by column."""

from __future__ import annotations

import os

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

FILE = "FeatureStats.pb"
_SPLIT_PREFIX = "Split-"

Columns = dict[str, statistics_pb2.FeatureNameStatistics]


def read_splits(uri: str) -> dict[str, Columns]:
    """Reads the statistics of each split below the URI of an `ExampleStatistics` artifact."""
    folders = sorted(name.strip("/") for name in fileio.listdir(uri))
    return {
        folder.removeprefix(_SPLIT_PREFIX): columns_of(os.path.join(uri, folder, FILE))
        for folder in folders
        if folder.startswith(_SPLIT_PREFIX)
    }


def columns_of(path: str) -> Columns:
    """Reads a `DatasetFeatureStatisticsList`: its first dataset is the data as a whole."""
    return {feature.path.step[0]: feature for feature in read(path).datasets[0].features}


def read(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads a file of statistics as StatisticsGen writes it."""
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
