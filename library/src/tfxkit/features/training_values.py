"""Comparison of values with the training data: unknown categories, numbers out of range, gaps.

`predict` and `serve` report columns whose values the model has mostly never seen: its answers look
like any others. The knowledge is in the pushed version, in its vocabularies and statistics.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import statistics_pb2

from tfxkit.config.dataset import Role
from tfxkit.features.model_inputs import Kind, vocabularies
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import ColumnStatistics, read_columns, statistics_file
from tfxkit.storage.filesystems import fileio

__all__ = ["TrainingValues", "ValueCounts", "notices"]

_TRAIN = "train"
# A column is reported above this share of its values, in a request of any size, …
_MOSTLY = 0.5
# … or, with at least this many unknown ones, above a multiple of the share in the training data.
_FEW_VALUES, _TIMES, _LEAST = 10, 5, 0.1
_SHOWN, _SHOWN_LENGTH = 3, 40
_NUMBERS = (Role.NUMERIC, Role.BUCKETIZED)


@dataclasses.dataclass(frozen=True)
class TrainedColumn:
    """Values of one column in the training data.

    Attributes:
        name: The column.
        vocabulary: All categories that the model knows; None for a number.
        low: The smallest number.
        high: The largest number.
        missing: Share of rows without a value.
        unknown: Share of the values that are not in the vocabulary.
    """

    name: str
    vocabulary: frozenset[bytes] | None
    low: float = -math.inf
    high: float = math.inf
    missing: float = 0.0
    unknown: float = 0.0

    @property
    def odd_kind(self) -> str:
        """Name of the values that the training data lacks."""
        return "out_of_range" if self.vocabulary is None else "unknown"

    def odd_values(self, values: Iterable[Any]) -> list[float | bytes]:
        """Those of some values that are unknown categories, or numbers out of range."""
        low, high, known = self.low, self.high, self.vocabulary
        if known is None:
            return [value for value in values if not low <= value <= high]
        return [v for v in values if (v if isinstance(v, bytes) else b"%d" % v) not in known]


@dataclasses.dataclass
class ValueCounts:
    """Counts for one column of a file or request.

    Attributes:
        trained: The column in the training data.
        rows: All rows.
        missing: Rows without a value.
        odd: Values that are unknown or out of range.
        shown: The first few different ones.
    """

    trained: TrainedColumn
    rows: int = 0
    missing: int = 0
    odd: int = 0
    shown: list[float | bytes] = dataclasses.field(default_factory=list)

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    def add(self, rows: int, missing: int, odd: Iterable[float | bytes]) -> None:
        """Counts a part of the rows."""
        self.rows += rows
        self.missing += missing
        for value in odd:
            self.odd += 1
            if len(self.shown) < _SHOWN and value not in self.shown:
                self.shown.append(value)

    def notice(self) -> str | None:
        """Sentence about a column with mostly unseen values; None for any other."""
        trained, name = self.trained, self.trained.name
        if self._is_mostly_odd():
            counts = f"{name}: {self.odd:,} of {self.present:,} values ({self._share():.0%})"
            examples = ", ".join(map(_text, self.shown))
            if trained.vocabulary is None:
                return (
                    f"{counts} lie outside of the training data, {_text(trained.low)} to "
                    f"{_text(trained.high)}: for example {examples}"
                )
            return f"{counts} are not in the model's vocabulary: for example {examples}"
        if self.rows >= _FEW_VALUES and not self.present and trained.missing < _MOSTLY:
            return (
                f"{name}: no value in {self.rows:,} rows, while {1 - trained.missing:.0%} of the "
                "training rows have one"
            )
        return None

    def _share(self) -> float:
        return self.odd / self.present

    def _is_mostly_odd(self) -> bool:
        if not self.odd:
            return False
        usual = max(_TIMES * self.trained.unknown, _LEAST)
        many = self.trained.vocabulary is not None and self.odd >= _FEW_VALUES
        return self._share() > _MOSTLY or (many and self._share() > usual)


class TrainingValues:
    """Values that a pushed model was trained on, by column.

    Columns without a role, and hashed, text and time columns, are left out: no value of these is
    unknown, and each new date lies beyond the old ones.
    """

    def __init__(self, columns: Iterable[TrainedColumn]) -> None:
        """Takes the columns to compare."""
        self.columns = tuple(columns)

    @classmethod
    def of(cls, version_dir: str) -> TrainingValues:
        """Reads them from a pushed version; no columns where it records nothing."""
        config = served_model.read_json(version_dir, served_model.CONFIG) or {}
        roles = {
            name: options.get("role")
            for name, options in config.get("dataset", {}).get("columns", {}).items()
        }
        needed = set(served_model.columns(version_dir))
        roles = {name: role for name, role in roles.items() if name in needed}
        path = statistics_file(os.path.join(version_dir, served_model.STATISTICS), _TRAIN)
        statistics = read_columns(path) if fileio.exists(path) else {}
        return cls(_trained(roles, statistics, _categories(version_dir)))

    def count(self, batch: pa.RecordBatch, counts: Mapping[str, ValueCounts]) -> None:
        """Adds the rows of a batch with the types of the schema to counts from `start`."""
        for trained in self.columns:
            if trained.name in batch.schema.names:
                column = batch.column(trained.name)
                odd = column.filter(_odd_mask(column, trained)).to_pylist()
                counts[trained.name].add(len(column), _missing_in(column), odd)

    def count_rows(
        self, rows: Sequence[Mapping[str, Any]], counts: Mapping[str, ValueCounts]
    ) -> None:
        """Adds rows of single values, None or absent where one is missing, to counts from `start`.

        It takes microseconds for one row, where `count` takes a millisecond.
        """
        for trained in self.columns:
            column = [row.get(trained.name) for row in rows]
            # NaN differs from itself.
            present = [v for v in column if v is not None and v != b"" and v == v]  # noqa: PLR0124
            missing = len(column) - len(present)
            counts[trained.name].add(len(column), missing, trained.odd_values(present))

    def start(self) -> dict[str, ValueCounts]:
        """Counts of no rows, by column."""
        return {trained.name: ValueCounts(trained) for trained in self.columns}


def notices(counts: Mapping[str, ValueCounts]) -> list[str]:
    """Sentences about the columns with mostly unseen values."""
    return [notice for each in counts.values() if (notice := each.notice()) is not None]


def _categories(version_dir: str) -> dict[str, frozenset[bytes]]:
    """Vocabulary of each column that a role made a feature from."""
    described = served_model.read_json(version_dir, served_model.FEATURES) or {}
    words = vocabularies(os.path.join(version_dir, "assets"))
    return {
        feature["column"]: frozenset(words[feature["name"]])
        for feature in described.get("features", [])
        if feature.get("column") and feature["kind"] == Kind.CODE and feature["name"] in words
    }


def _trained(
    roles: Mapping[str, str],
    statistics: ColumnStatistics,
    categories: Mapping[str, frozenset[bytes]],
) -> Iterator[TrainedColumn]:
    for name, role in roles.items():
        column = statistics.get(name)
        if column is None:
            continue
        is_number = column.HasField("num_stats")
        common = (column.num_stats if is_number else column.string_stats).common_stats
        rows = common.num_non_missing + common.num_missing
        if not common.num_non_missing:
            continue
        missing = common.num_missing / rows
        if role in _NUMBERS and is_number:
            low, high = column.num_stats.min, column.num_stats.max
            yield TrainedColumn(name, None, low, high, missing)
        elif name in categories and column.type != column.FLOAT:
            unknown = 0.0 if is_number else _unknown_share(column, categories[name])
            yield TrainedColumn(name, categories[name], missing=missing, unknown=unknown)


def _unknown_share(
    column: statistics_pb2.FeatureNameStatistics, vocabulary: frozenset[bytes]
) -> float:
    """Share of the training values outside of the vocabulary, as far as they were counted."""
    buckets = column.string_stats.rank_histogram.buckets
    known = sum(b.sample_count for b in buckets if b.label.encode() in vocabulary)
    counted = sum(bucket.sample_count for bucket in buckets)
    return 1 - known / counted if counted else 0.0


def _odd_mask(column: pa.Array, trained: TrainedColumn) -> pa.Array:
    if trained.vocabulary is not None:
        texts = column if column.type == pa.binary() else column.cast(pa.string()).cast(pa.binary())
        known = pc.is_in(texts, pa.array(trained.vocabulary, pa.binary()))
        return pc.and_(pc.invert(known), pc.and_(column.is_valid(), pc.not_equal(texts, b"")))
    values = pc.cast(column, pa.float64(), safe=False)
    within = pc.and_(
        pc.greater_equal(values, trained.low), pc.less_equal(values, trained.high)
    ).fill_null(True)
    return pc.and_(pc.invert(within), pc.invert(column.is_null(nan_is_null=True)))


def _missing_in(column: pa.Array) -> int:
    blank = pc.sum(pc.equal(column, b"")).as_py() or 0 if column.type == pa.binary() else 0
    return pc.sum(column.is_null(nan_is_null=True)).as_py() + blank


def _text(value: float | bytes) -> str:
    if not isinstance(value, bytes):
        return str(int(value)) if value % 1 == 0 else str(np.float32(value))
    text = value.decode(errors="replace")
    return repr(text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…")
