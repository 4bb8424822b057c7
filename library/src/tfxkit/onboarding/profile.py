"""Profile of each column: type, missing values, and TFDV's statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.components.example_gen.columns import convert
from tfxkit.onboarding.table import count_markers

# A column is one of numbers although some of its values are not, if these are at most this share:
# typing errors are rare, and in a column of codes like 12, 12a and 13b they are not.
ODD_SHARE = 0.05
_SHOWN = 3
_NUMBER = r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$"


@dataclasses.dataclass(frozen=True)
class Profile:
    """One column.

    Attributes:
        name: Of the column.
        type: INT, FLOAT or BYTES: what ExampleGen shall read it as.
        values: Of that type; null where missing.
        statistics: TFDV's, of these values.
        distinct: How many different values there are.
        markers: Words for "missing" that are in it (`NA`), and how often; null in `values`.
        odd: Values that are not numbers in a column that is else of numbers, with their rows: such
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
        """Count of each value, as the text that labels and vocabularies have for it."""
        found = pc.value_counts(self.values.drop_null()).to_pylist()
        pairs = [(as_text(one["values"]), one["counts"]) for one in found]
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def as_text(value: bytes | float) -> str:
    """A value as `tfxkit.features.columns.as_text` writes it: 8.0 as "8"."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(np.float32(value))
    return str(value)


def profile(table: pa.Table, decimal: str = ".") -> dict[str, Profile]:
    """Looks at each column of a table.

    Args:
        table: As `tfxkit.onboarding.table` reads it.
        decimal: What is before the fraction of a number that is written as text.
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
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _Typed("BYTES", convert(column, "BYTES"))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return _Typed("INT", convert(column, "INT"))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _Typed("FLOAT", _without_nan(convert(column, "FLOAT")))
    return _text(column.cast(pa.string()), decimal)


def _text(column: pa.Array, decimal: str) -> _Typed:
    """Numbers if nearly all of the values are such; text else."""
    column = pc.if_else(pc.equal(pc.utf8_trim_whitespace(column), ""), None, column)
    found = count_markers(column, numbers=True)
    clean = _without(column, found)
    present = max(len(clean) - clean.null_count, 1)
    type_name = _number_type(clean, decimal)
    if type_name:
        values = convert(clean, type_name, decimal)
        return _Typed(type_name, _without_nan(values) if type_name == "FLOAT" else values, found)
    found = count_markers(column, numbers=False)
    values = convert(_without(column, found), "BYTES")
    number = _NUMBER.replace(r"\.", decimal) if decimal != "." else _NUMBER
    other = pc.invert(pc.match_substring_regex(clean, number))
    share = (pc.sum(other).as_py() or 0) / present
    positions = pc.indices_nonzero(other).slice(0, _SHOWN).to_pylist()
    odd = tuple((position, clean[position].as_py()) for position in positions)
    return _Typed("BYTES", values, found, odd if share <= ODD_SHARE else ())


def _number_type(text: pa.Array, decimal: str) -> str | None:
    """INT for whole numbers, FLOAT for others, None for text and for codes made of digits."""
    if text.null_count == len(text):
        return None
    if pc.any(pc.match_substring_regex(text, r"^\s*[+-]?0\d")).as_py():
        return None  # a zip code, a telephone number: its zeros would be lost
    digits = pc.all(pc.match_substring_regex(text, r"^\s*[+-]?\d+\s*$")).as_py()
    type_name = "INT" if digits else "FLOAT"
    try:
        convert(text, type_name, decimal)
    except pa.ArrowInvalid:
        return None  # among them whole numbers that need more than 64 bits: names, not amounts
    return type_name


def _without(column: pa.Array, words: Mapping[str, int]) -> pa.Array:
    return pc.if_else(pc.is_in(column, pa.array(list(words), column.type)), None, column)


def _without_nan(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(values), None, values)


def _statistics(columns: Mapping[str, pa.Array]) -> dict[str, FeatureNameStatistics]:
    batch = pa.RecordBatch.from_arrays([_as_lists(v) for v in columns.values()], list(columns))
    result = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())
    return {feature.path.step[0]: feature for feature in result.datasets[0].features}


def _as_lists(values: pa.Array) -> pa.Array:
    """As TFDV wants it: a list of one value in each row, null where there is none."""
    valid = np.asarray(pc.is_valid(values))
    offsets = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.drop_null(), mask=pa.array(~valid))
