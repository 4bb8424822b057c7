"""Reads statistics of data as StatisticsGen writes them: `Split-<name>/FeatureStats.pb`."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

from tfxkit.storage.examples_artifact import SPLIT_PREFIX
from tfxkit.storage.filesystems import fileio

_FILE = "FeatureStats.pb"

Columns = dict[str, statistics_pb2.FeatureNameStatistics]


def split_names(uri: str) -> list[str]:
    """The splits below the URI of an `ExampleStatistics` artifact, sorted."""
    # Object stores end the names of folders with a slash.
    names = sorted(os.fsdecode(name).rstrip("/") for name in fileio.listdir(uri))
    return [name.removeprefix(SPLIT_PREFIX) for name in names if name.startswith(SPLIT_PREFIX)]


def split_file(uri: str, split: str) -> str:
    """The path of the statistics of a split."""
    return os.path.join(uri, SPLIT_PREFIX + split, _FILE)


def columns_of(path: str) -> Columns:
    """Reads a file and takes the columns in it."""
    return columns_in(read(path))


def columns_in(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> Columns:
    """The columns by name: the first dataset is the data as a whole."""
    return {feature.path.step[0]: feature for feature in statistics.datasets[0].features}


def quantiles(column: statistics_pb2.FeatureNameStatistics) -> NDArray[np.float64]:
    """The quantile histogram of a column of numbers.

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


def read(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads one file."""
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
