"""Shares that few rows have by chance are no finding; shares that have moved are."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from tfxkit.components.data_gate.findings import anomaly_findings
from tfxkit.storage.artifacts import columns_in

WITH_GAPS = """
    feature { name: "x" type: FLOAT presence { min_count: 1 min_fraction: %s } }
"""
WITH_DOMAIN = """
    feature {
      name: "x" type: BYTES domain: "x" distribution_constraints { min_domain_mass: 0.99 }
    }
    string_domain { name: "x" value: "a" value: "b" }
"""


def find(schema, rows, present, counts=None):
    """Findings of the gate about a column, given its numbers of values and of rows by text."""
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    data = statistics.datasets.add(num_examples=rows)
    column = data.features.add(type="STRING" if counts else "FLOAT")
    column.path.step.append("x")
    stats = column.string_stats if counts else column.num_stats
    stats.common_stats.num_non_missing, stats.common_stats.num_missing = present, rows - present
    stats.common_stats.min_num_values = stats.common_stats.max_num_values = 1
    stats.common_stats.tot_num_values = present
    for value, count in (counts or {}).items():
        stats.rank_histogram.buckets.add(label=value, sample_count=count)
    if counts:
        stats.unique = len(counts)
    parsed = text_format.Parse(schema, schema_pb2.Schema())
    anomalies = tfdv.validate_statistics(statistics, parsed)
    return list(anomaly_findings(anomalies, "train", parsed, columns_in(statistics)))


def refused(least, share, rows, draws):
    random = np.random.default_rng(0)
    found = [
        find(WITH_GAPS % least, rows, int(present))
        for present in random.binomial(rows, share, draws)
    ]
    return sum(map(bool, found)) / draws


@pytest.mark.parametrize("rows", [50, 167, 500])
@pytest.mark.parametrize("least", [0.86, 0.9])
def test_a_span_of_few_rows_with_the_same_share_of_values_passes(rows, least):
    assert refused(least, 0.9, rows, draws=1000) < 0.01


@pytest.mark.parametrize(("rows", "power"), [(167, 0.95), (500, 1.0), (5000, 1.0)])
def test_a_share_that_fell_is_refused(rows, power):
    assert refused(0.86, 0.7, rows, draws=300) >= power


def test_with_many_rows_the_least_share_is_what_it_says():
    assert not find(WITH_GAPS % 0.86, 1_000_000, 860_001)
    assert find(WITH_GAPS % 0.86, 1_000_000, 858_000)


@pytest.mark.parametrize("rows", [3, 500])
def test_a_column_that_must_be_there_in_each_row_may_lack_none(rows):
    [finding] = find(WITH_GAPS % 1.0, rows, rows - 1)
    assert finding.severity == "error"


def test_a_finding_has_the_share_the_least_share_and_the_rows():
    [finding] = find(WITH_GAPS % 0.86, 500, 350)
    assert (finding.column, finding.split) == ("x", "train")
    assert finding.what == (
        "Missing values: 350 of 500 rows have a value (70.0%), at least 86.0% is wanted "
        "(presence.min_fraction)"
    )


def test_a_column_without_any_value_is_called_missing_whatever_its_rows():
    for rows in (2, 500):
        [finding] = find(WITH_GAPS % 0.1, rows, 0)
        assert finding.what == "Missing column: no row has a value"


def test_an_unseen_value_in_few_rows_is_judged_by_its_rows():
    assert not find(WITH_DOMAIN, 100, 90, {"a": 60, "b": 28, "c": 2})
    assert not find(WITH_DOMAIN, 10_000, 10_000, {"a": 9_000, "b": 890, "c": 110})
    [finding] = find(WITH_DOMAIN, 100, 90, {"a": 60, "b": 20, "c": 10})
    assert "c (~11%)" in finding.what
    assert find(WITH_DOMAIN, 10_000, 10_000, {"a": 9_000, "b": 850, "c": 150})
