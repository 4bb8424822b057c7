"""Inference of a column's reading from its values: type, truth, missing words, number format."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.config.data import NumberFormat
from tfxkit.values import numbers
from tfxkit.values.columns import (
    is_binary,
    is_text,
    missing_mask,
    read_column,
    stored_values,
    why_unreadable,
)
from tfxkit.values.number_forms import (
    UNKNOWN_SIGN,
    DecimalSign,
    different_units,
    has_clear_groups,
    has_match,
    number_formats,
    typical_value,
)
from tfxkit.values.reading import AMONG_NUMBERS, BLANKS, IN_TEXT, TRUTH, ColumnReading, Reading

# A column is one of numbers although some of its values are not, if these are at most this share:
# typing errors are rare, and in a column of codes like 12, 12a and 13b they are not.
ODD_SHARE = 0.05
_SHOWN = 3
_EXACT = 2**53  # largest whole number below which float64 holds each
_CLASS_ROWS, _CLASS_SHARE = 10, 0.01  # of a label: a word that is so frequent is a class
_CODES = (r"^[A-Z]{2}$", r"^[A-Z]{3}$")  # countries, states, currencies: NA is Namibia
_CODES_SHARE = 0.8
_FORMAT_SHARE = 0.9  # of the values in a number format: worth a note
_HEAD = 1000  # values that are tried first
_LOST_SHARE = 0.01  # of the different values that float32 merges: worth a note


@dataclasses.dataclass(frozen=True)
class Inferred:
    """Inferred reading of a column, and remarks for the person who configures it.

    Attributes:
        reading: Its type, truth words, missing words (those in `markers`) and number format; None
            if it has no value or is unreadable.
        why_unreadable: Reason for the latter, without a full stop.
        markers: Words that are read as missing, and their counts.
        kept: Words that look like missing ones and are read as values, and their counts.
        odd: Values that are no numbers in a column that else is one of numbers, with their rows:
            such a column is read as text.
        notes: Sentences about the column without its name, for the screen.
    """

    reading: ColumnReading | None
    why_unreadable: str | None = None
    markers: Mapping[str, int] = dataclasses.field(default_factory=dict)
    kept: Mapping[str, int] = dataclasses.field(default_factory=dict)
    odd: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


def infer(  # noqa: PLR0911 - one answer for each family of types
    pieces: pa.Array | pa.ChunkedArray | Sequence[pa.Array],
    decimal: DecimalSign = UNKNOWN_SIGN,
    missing: Sequence[str] | None = None,
    label: bool = False,
) -> Inferred:
    """Infers the reading of a column.

    Args:
        pieces: Its values, also as arrays of different types, from several files. Read the pieces
            one by one with the result; to concatenate them first would round integers.
        decimal: Decimal sign of numbers in text.
        missing: Words for missing values where a person has named them; None to find them.
        label: True for the label, in which a frequent word such as NA is a class.
    """
    if isinstance(pieces, pa.Array):
        pieces = [pieces]
    arrays = [_plain(piece) for piece in getattr(pieces, "chunks", pieces)]
    filled = [array for array in arrays if array.null_count < len(array)]
    reasons = [reason for array in filled or arrays if (reason := why_unreadable(array.type))]
    if reasons:
        return Inferred(None, reasons[0])
    if not filled:
        return Inferred(None)
    families = {_family(array.type) for array in filled}
    if families == {"truth"}:
        return Inferred(ColumnReading(type="BYTES", truth=TRUTH))
    if families == {"time"}:
        return Inferred(ColumnReading(type="BYTES"))
    if families == {"number"}:
        return _of_numbers(filled)
    if families == {"number", "truth"}:
        return Inferred(None, "truth values in some files, numbers in others")
    if "binary" in families:
        return Inferred(None, "bytes that are no text")
    as_text = ColumnReading(type="BYTES")
    text = [
        array.cast(pa.string())
        if is_text(array.type)
        else read_column(array, as_text, Reading()).cast(pa.string())
        for array in filled
    ]
    return _Text(pa.concat_arrays(text), decimal, missing, label).inferred()


def _plain(piece: pa.Array) -> pa.Array:
    """Values without encoding; binary ones as text if they are text."""
    column = stored_values(piece)
    while pa.types.is_dictionary(column.type):
        column = stored_values(column.dictionary_decode())
    if not is_binary(column.type):
        return column
    try:
        return column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return column


def _family(arrow_type: pa.DataType) -> str:
    if pa.types.is_boolean(arrow_type):
        return "truth"
    if pa.types.is_temporal(arrow_type):
        return "time"
    if is_text(arrow_type):
        return "text"
    return "binary" if is_binary(arrow_type) else "number"


def _of_numbers(arrays: Sequence[pa.Array]) -> Inferred:
    """INT if all values are whole and exact, BYTES if they are and need more than 64 bits."""
    if all(missing_mask(array).true_count == len(array) for array in arrays):
        return Inferred(None)
    whole = ColumnReading(type="INT")
    try:
        for array in arrays:
            values = read_column(array, whole, Reading())
            if pa.types.is_floating(array.type) and _largest(values) > _EXACT:
                break
        else:
            return Inferred(whole)
    except pa.ArrowInvalid:
        if all(_is_whole(array) for array in arrays):
            return Inferred(ColumnReading(type="BYTES"))
    return Inferred(ColumnReading(type="FLOAT"), notes=_lost(arrays))


def _is_whole(array: pa.Array) -> bool:
    """True for integers, and for decimals that all are whole."""
    if not pa.types.is_decimal(array.type):
        return pa.types.is_integer(array.type)
    text = read_column(array, ColumnReading(type="BYTES"), Reading()).cast(pa.string())
    return _all(text, r"^-?\d+$")


def _largest(values: pa.Array) -> int:
    bounds = [bound for bound in pc.min_max(values).as_py().values() if bound is not None]
    return max(map(abs, bounds), default=0)


def _lost(arrays: Sequence[pa.Array]) -> tuple[str, ...]:
    """A note if float32 merges whole numbers, or more than a few others."""
    chunks = pa.chunked_array([array.cast(pa.float64(), safe=False) for array in arrays])
    values = chunks.filter(pc.is_finite(chunks))
    whole = values.filter(
        pc.and_(pc.greater(pc.abs(values), 2**24), pc.equal(pc.floor(values), values))
    )
    (before, after), (whole_before, whole_after) = _distinct(values), _distinct(whole)
    if before - after <= _LOST_SHARE * before and whole_after == whole_before:
        return ()
    return (f"{before} different numbers are {after} as FLOAT, which keeps 7 digits",)


def _distinct(values: pa.ChunkedArray) -> tuple[int, int]:
    """Number of different values as float64 and as float32."""
    counts = [
        pc.count_distinct(values.cast(type_, safe=False)).as_py()
        for type_ in (pa.float64(), pa.float32())
    ]
    return counts[0], counts[1]


class _Text:
    """A column of text, and the attempts to read it as something else.

    All of them look at the different values and their counts, not at the rows.
    """

    def __init__(
        self, text: pa.Array, decimal: DecimalSign, missing: Sequence[str] | None, label: bool
    ) -> None:
        self.rows = pc.utf8_trim(text, characters=BLANKS)
        counted = pc.value_counts(self.rows.filter(pc.greater(pc.binary_length(self.rows), 0)))
        self.values = counted.field("values")
        self.counts = np.asarray(counted.field("counts"))
        self.decimal = decimal
        self.missing = missing
        self.label = label

    def inferred(self) -> Inferred:
        if not len(self.values):
            return Inferred(None)
        words = self._positions(AMONG_NUMBERS if self.missing is None else self.missing)
        clean, markers = self.values.filter(pa.array(~words)), self._found(words)
        if not len(clean):
            return self._words(words)
        if _all(clean, r"(?i)^(?:true|false)$"):
            return Inferred(_reading("BYTES", markers, truth=TRUTH), markers=markers)
        if type_name := _number_type(clean, self.decimal.sign):
            notes: tuple[str, ...] = ()
            if type_name == "FLOAT":
                plain = numbers.with_point(clean, ",") if self.decimal.sign == "," else clean
                notes = _lost([numbers.text_to_float(plain)])
            return Inferred(_reading(type_name, markers), markers=markers, notes=notes)
        return self._formatted(clean, words) or self._words(words)

    def _formatted(self, clean: pa.Array, words: np.ndarray) -> Inferred | None:
        """Numbers with units, currencies or separators of thousands, if each value is one."""
        for candidate in number_formats(clean, self.decimal.sign):
            if numbers.to_plain(clean[:_HEAD], candidate, self.decimal.sign).null_count:
                continue
            plain = numbers.to_plain(clean, candidate, self.decimal.sign)
            if plain.null_count or not has_clear_groups(clean, candidate, self.decimal):
                continue
            type_name = _number_type(plain)
            if not type_name:
                return None
            markers = self._found(words)
            count, example = self._count(~words), typical_value(clean, candidate)
            note = f"{count} values such as {example!r} are read as numbers"
            reading = _reading(type_name, markers, parse=candidate)
            return Inferred(reading, markers=markers, notes=(note,))
        return None

    def _words(self, among_numbers: np.ndarray) -> Inferred:
        """Text, with a note about numbers in it."""
        found = self._positions(IN_TEXT if self.missing is None else self.missing)
        classes = self._classes(found) if self.missing is None else np.zeros_like(found)
        markers = self._found(found & ~classes)
        kept = self._found(classes | (self._positions(AMONG_NUMBERS) & ~found))
        if (found & ~classes).all():
            return Inferred(None, markers=markers)
        odd: tuple[tuple[int, str], ...] = ()
        notes: tuple[str, ...] = ()
        if not among_numbers.all():
            odd = self._odd(among_numbers)
            notes = () if odd else self._unread_numbers(among_numbers)
        reading = _reading("BYTES", markers)
        return Inferred(reading, markers=markers, kept=kept, odd=odd, notes=notes)

    def _odd(self, words: np.ndarray) -> tuple[tuple[int, str], ...]:
        """Rows of the first values that are no numbers, if these are few."""
        number = numbers.PLAIN_NUMBER.replace(r"\.", re.escape(self.decimal.sign))
        matched = np.asarray(pc.match_substring_regex(self.values, f"^{number}$"))
        other = ~(matched | words)
        if self._count(other) > ODD_SHARE * self._count(~words):
            return ()
        places = pc.indices_nonzero(pc.is_in(self.rows, self.values.filter(pa.array(other))))
        return tuple((place, self.rows[place].as_py()) for place in places[:_SHOWN].to_pylist())

    def _unread_numbers(self, words: np.ndarray) -> tuple[str, ...]:
        """A note if most values are numbers in a form, which is ambiguous or not that of all."""
        clean = self.values.filter(pa.array(~words))
        if _all(clean, r"^\d+$") and has_match(clean, r"^0\d"):
            code = clean.filter(pc.match_substring_regex(clean, r"^0\d"))[0].as_py()
            return (f"values such as {code!r} are codes: a number would lose the zeros",)
        for candidate in number_formats(clean, self.decimal.sign):
            plain = numbers.to_plain(clean, candidate, self.decimal.sign)
            count = int(self.counts[~words][np.asarray(plain.is_valid())].sum())
            if count < _FORMAT_SHARE * self._count(~words):
                continue
            if candidate.thousands == " " and not has_clear_groups(clean, candidate, self.decimal):
                continue
            if candidate == NumberFormat() or has_match(plain, r"^-?0\d"):
                return ()
            form = candidate.model_dump(exclude_defaults=True)
            example = typical_value(clean.filter(plain.is_valid()), candidate)
            return (f"{count} values such as {example!r} look like numbers, as with parse: {form}",)
        if units := different_units(clean):
            shown = ", ".join(units[:_SHOWN])
            return (f"numbers such as {clean[0].as_py()!r} have different units: {shown}",)
        return ()

    def _classes(self, found: np.ndarray) -> np.ndarray:
        """Words that are values here: frequent ones of a label, and codes among codes."""
        if self.label:
            least = max(_CLASS_ROWS, _CLASS_SHARE * self.counts.sum())
            return found & (self.counts >= least)
        for code in _CODES:
            matched = np.asarray(pc.match_substring_regex(self.values, code))
            if self._count(matched & ~found) >= _CODES_SHARE * max(self._count(~found), 1):
                return found & matched
        return np.zeros_like(found)

    def _positions(self, words: Iterable[str]) -> np.ndarray:
        return np.asarray(pc.is_in(self.values, pa.array(sorted(words), self.values.type)))

    def _found(self, mask: np.ndarray) -> dict[str, int]:
        """The values at some positions, and their counts."""
        found = self.values.filter(pa.array(mask)).to_pylist()
        return dict(sorted(zip(found, self.counts[mask].tolist(), strict=True)))

    def _count(self, mask: np.ndarray) -> int:
        return int(self.counts[mask].sum())


def _reading(
    type_name: str,
    markers: Iterable[str],
    truth: tuple[str, str] | None = None,
    parse: NumberFormat | None = None,
) -> ColumnReading:
    return ColumnReading.model_validate(
        {"type": type_name, "truth": truth, "missing": tuple(sorted(markers)), "parse": parse}
    )


def _number_type(text: pa.Array, decimal: str = ".") -> str | None:
    """INT for whole numbers, FLOAT for others, None for text and for codes made of digits."""
    plain = Reading.model_validate({"decimal": decimal})
    try:
        read_column(text[:_HEAD], ColumnReading(type="FLOAT"), plain)  # most text ends here
        if has_match(text, r"^[+-]?0\d"):
            return None  # a zip code, a telephone number: its zeros would be lost
        read_column(text, ColumnReading(type="FLOAT"), plain)
    except pa.ArrowInvalid:
        return None
    try:
        whole = read_column(text, ColumnReading(type="INT"), plain)
    except pa.ArrowInvalid:
        # More than 64 bits: names, not amounts.
        return None if _all(text, r"^[+-]?\d+(?:\.0*)?$") else "FLOAT"
    exact = _largest(whole.filter(pc.match_substring_regex(text, "[eE]"))) <= _EXACT
    return "INT" if exact else "FLOAT"


def _all(text: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())
