"""Profile of each column: type, missing values, and TFDV's statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.onboarding.table import count_markers
from tfxkit.values.columns import read_column
from tfxkit.values.reading import ColumnReading, Reading

# Maximum share of other values in a column of numbers: typing errors are rare, unlike the other
# values in a column of codes like 12, 12a and 13b.
ODD_SHARE = 0.05
_SHOWN = 3
_NUMBER = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"


@dataclasses.dataclass(frozen=True)
class Profile:
    """Profile of a column.

    Attributes:
        name: Name of the column.
        type: Type for ExampleGen: INT, FLOAT or BYTES.
        values: Values of that type; null where missing.
        statistics: TFDV's statistics of these values.
        distinct: Number of different values.
        markers: Number of rows by word for "missing" (`NA`); null in `values`.
        odd: Values, with their rows, that are no numbers in a column with nearly nothing else: such
            a column is read as text.
    """

    name: str
    type: str
    values: pa.Array
    statistics: FeatureNameStatistics
    distinct: int
    markers: Mapping[str, int] = dataclasses.field(default_factory=dict)
    odd: tuple[tuple[int, str], ...] = ()

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
        counts = pc.value_counts(self.values.drop_null()).to_pylist()
        pairs = [(as_text(entry["values"]), entry["counts"]) for entry in counts]
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def as_text(value: bytes | float) -> str:
    """Value as text, 8.0 as "8", as in `tfxkit.features.columns.as_text`."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(np.float32(value))
    return str(value)


def profile_columns(table: pa.Table, decimal: str = ".") -> dict[str, Profile]:
    """Profiles each column of a table.

    Args:
        table: Columns as `tfxkit.onboarding.table` reads them.
        decimal: Decimal separator of numbers in text.
    """
    typed = {name: _typed(table[name].combine_chunks(), decimal) for name in table.column_names}
    statistics = _statistics({name: column.values for name, column in typed.items()})
    return {
        name: Profile(
            name=name,
            statistics=statistics[name],
            distinct=pc.count_distinct(column.values, mode="only_valid").as_py(),
            **{field.name: getattr(column, field.name) for field in dataclasses.fields(column)},
        )
        for name, column in typed.items()
    }


@dataclasses.dataclass(frozen=True)
class _Typed:
    type: str
    values: pa.Array
    markers: Mapping[str, int] = dataclasses.field(default_factory=dict)
    odd: tuple[tuple[int, str], ...] = ()


def _typed(column: pa.Array, decimal: str) -> _Typed:
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    value = column.type
    if pa.types.is_timestamp(value) or pa.types.is_date(value):
        return _Typed("BYTES", _read(column, "BYTES"))
    if pa.types.is_boolean(value) or pa.types.is_integer(value):
        return _Typed("INT", _read(column, "INT"))
    if pa.types.is_floating(value) or pa.types.is_decimal(value):
        return _Typed("FLOAT", _read(column, "FLOAT"))
    return _text(column.cast(pa.string()), decimal)


def _text(column: pa.Array, decimal: str) -> _Typed:
    """Numbers if all values are numbers, else text."""
    column = pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)
    markers = count_markers(column, numbers=True)
    clean = _without(column, markers)
    present = max(len(clean) - clean.null_count, 1)
    type_name = _number_type(clean, decimal)
    if type_name:
        return _Typed(type_name, _read(clean, type_name, decimal), markers)
    markers = count_markers(column, numbers=False)
    values = _read(_without(column, markers), "BYTES")
    number = _NUMBER.replace(r"\.", decimal) if decimal != "." else _NUMBER
    other = pc.invert(pc.match_substring_regex(clean, number))
    share = (pc.sum(other).as_py() or 0) / present
    positions = pc.indices_nonzero(other).slice(0, _SHOWN).to_pylist()
    odd = tuple((position, clean[position].as_py()) for position in positions)
    return _Typed("BYTES", values, markers, odd if share <= ODD_SHARE else ())


def _number_type(text: pa.Array, decimal: str) -> str | None:
    """Type of numbers in text: INT, FLOAT, or None for words and for codes made of digits."""
    if text.null_count == len(text):
        return None
    if pc.any(pc.match_substring_regex(text, r"^\s*[+-]?0\d")).as_py():
        return None  # a zip code, a telephone number: its zeros would be lost
    if pc.any(pc.match_substring_regex(text, r"(?i)^\s*(true|false)\s*$")).as_py():
        return None  # read as 1 or 0 in a column of numbers
    digits = pc.all(pc.match_substring_regex(text, r"^\s*[+-]?\d+\s*$")).as_py()
    type_name = "INT" if digits else "FLOAT"
    try:
        _read(text, type_name, decimal)
    except pa.ArrowInvalid:
        return None  # also whole numbers of more than 64 bits: names, not amounts
    return type_name


def _without(column: pa.Array, words: Mapping[str, int]) -> pa.Array:
    return pc.if_else(pc.is_in(column, pa.array(list(words), column.type)), None, column)


def _read(column: pa.Array, type_name: str, decimal: str = ".") -> pa.Array:
    how = ColumnReading.model_validate({"type": type_name})
    return read_column(column, how, Reading.model_validate({"decimal": decimal}))


def _statistics(columns: Mapping[str, pa.Array]) -> dict[str, FeatureNameStatistics]:
    batch = pa.RecordBatch.from_arrays([_as_lists(v) for v in columns.values()], list(columns))
    result = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())
    return {feature.path.step[0]: feature for feature in result.datasets[0].features}


def _as_lists(values: pa.Array) -> pa.Array:
    """Lists of one value in each row, null where it is missing, as TFDV takes them."""
    valid = np.asarray(pc.is_valid(values))
    offsets = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.drop_null(), mask=pa.array(~valid))
