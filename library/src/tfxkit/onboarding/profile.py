"""Profile of each column: type, missing values, and TFDV's statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.values.columns import read_column
from tfxkit.values.inference import Inferred, infer
from tfxkit.values.number_forms import UNKNOWN_SIGN, DecimalSign
from tfxkit.values.reading import ColumnReading, Reading


@dataclasses.dataclass(frozen=True)
class Profile:
    """Profile of a column.

    Attributes:
        name: Name of the column.
        type: Type for ExampleGen: INT, FLOAT or BYTES.
        values: Values of that type; null where missing.
        statistics: TFDV's statistics of these values.
        distinct: Number of different values.
        inferred: Inferred reading, and remarks about the values.
    """

    name: str
    type: str
    values: pa.Array
    statistics: FeatureNameStatistics
    distinct: int
    inferred: Inferred

    @property
    def is_readable(self) -> bool:
        """False for a column that has not one value in a row, such as lists."""
        return self.inferred.why_unreadable is None

    @property
    def rows(self) -> int:
        """Number of rows, with and without a value."""
        return len(self.values)

    @property
    def missing(self) -> int:
        """Number of rows without a value."""
        return int(self.values.null_count)

    @property
    def present(self) -> int:
        """Number of rows with a value."""
        return self.rows - self.missing

    @property
    def infinite(self) -> int:
        """Number of infinite values; numbers beyond float32 become infinite."""
        return int(pc.sum(pc.is_inf(self.values)).as_py() or 0) if self.type == "FLOAT" else 0

    @property
    def unique_share(self) -> float:
        """Distinct values to values; 1 if no value comes twice."""
        return self.distinct / max(self.present, 1)

    def counts(self) -> dict[str, int]:
        """Count of each value, by its text in labels and vocabularies."""
        return value_counts(self.values)


def value_counts(values: pa.Array) -> dict[str, int]:
    """Count of each value by its text, the most frequent first."""
    counts = pc.value_counts(values.drop_null()).to_pylist()
    pairs = [(as_text(entry["values"]), entry["counts"]) for entry in counts]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def as_text(value: bytes | float) -> str:
    """Value as text, 8.0 as "8", as in `tfxkit.features.columns.as_text`."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(np.float32(value))
    return str(value)


def profile_columns(
    columns: Mapping[str, Sequence[pa.Array]],
    decimal: DecimalSign = UNKNOWN_SIGN,
    missing: Sequence[str] | None = None,
    label: str | None = None,
    beyond_int64: Collection[str] = (),
) -> dict[str, Profile]:
    """Profiles each column of a table.

    Args:
        columns: Values in arrays that may differ in type, as `tfxkit.onboarding.table` reads them.
        decimal: Decimal sign of numbers in text.
        missing: Words for missing values that the user named; None to find them.
        label: The label's column.
        beyond_int64: Columns of integers of which some need more than 64 bits.
    """
    typed = {
        name: _typed(pieces, decimal, missing, name == label, name in beyond_int64)
        for name, pieces in columns.items()
    }
    statistics = column_statistics({name: values for name, (_, values) in typed.items()})
    return {
        name: Profile(
            name=name,
            type=inferred.reading.type if inferred.reading else "BYTES",
            values=values,
            statistics=statistics[name],
            distinct=pc.count_distinct(values, mode="only_valid").as_py(),
            inferred=inferred,
        )
        for name, (inferred, values) in typed.items()
    }


def _typed(
    pieces: Sequence[pa.Array],
    decimal: DecimalSign,
    missing: Sequence[str] | None,
    label: bool,
    beyond_int64: bool,
) -> tuple[Inferred, pa.Array]:
    """Inferred reading of a column, and its values."""
    inferred = infer(pieces, decimal, missing, label)
    if inferred.reading and beyond_int64:
        inferred = dataclasses.replace(inferred, reading=ColumnReading(type="BYTES"))
    if inferred.reading is None:
        return inferred, pa.nulls(sum(map(len, pieces)), pa.binary())
    reading = Reading.model_validate({"decimal": decimal.sign})
    return inferred, pa.concat_arrays(
        [read_column(piece, inferred.reading, reading) for piece in pieces]
    )


def column_statistics(columns: Mapping[str, pa.Array]) -> dict[str, FeatureNameStatistics]:
    """TFDV's statistics of columns of int64, float32 or binary, by name."""
    batch = pa.RecordBatch.from_arrays([_as_lists(v) for v in columns.values()], list(columns))
    result = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())
    return {feature.path.step[0]: feature for feature in result.datasets[0].features}


def _as_lists(values: pa.Array) -> pa.Array:
    """Lists of one value in each row, null where it is missing, as TFDV takes them."""
    valid = np.asarray(pc.is_valid(values))
    offsets = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.drop_null(), mask=pa.array(~valid))
