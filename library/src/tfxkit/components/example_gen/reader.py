"""Custom data source: a module of the project that lists spans, and reads them with Arrow.

`data.reader` names the module, which has two functions:

    def list_spans(path: str, **options) -> dict[int, str]:
        # The number of each span, with a fingerprint: a text that changes with its rows.

    def read_span(path: str, span: int, **options) -> Iterator[pyarrow.RecordBatch]:
        # The rows of a span, in the same order each time.

`path` is `data.path` and `options` are `data.reader_options`. If a function raises, or returns
something unusable, a `DataError` names the function and the span.
"""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import hashlib
import importlib
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from tfx.proto import range_config_pb2

from tfxkit.components.example_gen import spans
from tfxkit.components.example_gen.columns import (
    Misfits,
    Rounded,
    check_names,
    listed,
    read_columns,
)
from tfxkit.errors import DataError, documentation
from tfxkit.tracebacks import located
from tfxkit.values.columns import guess_type
from tfxkit.values.reading import ColumnReading, Reading

logger = logging.getLogger(__name__)

LIST_SPANS, READ_SPAN = "list_spans", "read_span"
# Batches of a reader may be of any size; this one, its text and its examples must fit into memory.
_BATCH_ROWS = 50_000
_SHOWN_CHARACTERS = 1000  # of an exception
_END = object()


@dataclasses.dataclass(frozen=True)
class Reader:
    """A module with the two functions, and the arguments of these.

    Attributes:
        module: Dotted name of the module.
        path: First argument of both functions.
        options: Keyword arguments of both functions.
    """

    module: str
    path: str
    options: Mapping[str, Any]

    def select(self, wanted: range_config_pb2.RangeConfig) -> dict[int, str]:
        """Selects the spans of a run, in ascending order, with their fingerprints.

        Raises:
            DataError: If the spans cannot be listed, or one of the run is missing.
        """
        function = self._function(LIST_SPANS, self.path)
        with self._explained(LIST_SPANS):
            listing = function(self.path, **self.options)
        if not isinstance(listing, Mapping):
            raise self._unusable(LIST_SPANS, f"returned {_type_name(listing)}")
        if not listing:
            raise DataError(
                f"{self.module}.{LIST_SPANS} found no spans in {self.path}.\n"
                "Add data, or set data.path to where it is."
            )
        for span, state in listing.items():
            if type(span) is not int or not isinstance(state, str):
                raise self._unusable(LIST_SPANS, f"returned {span!r}: {state!r}")
            if not 0 <= span < spans.ALL_SPANS:
                raise DataError(
                    f"{self.module}.{LIST_SPANS} returned the span {span}. "
                    f"Number spans from 0 to {spans.ALL_SPANS - 1}."
                )
        return {span: listing[span] for span in spans.choose(listing, wanted, self.module)}

    def open(self, span: int, reading: Reading) -> SpanRows:
        """Rows of a span, not read yet."""
        return SpanRows(self, span, reading)

    def place(self, span: int) -> str:
        """Name of a span in messages."""
        return f"span {span} of {self.module}"

    def read(self, span: int) -> Iterator[pa.RecordBatch]:
        """Yields the batches of `read_span`.

        Raises:
            DataError: If it raises, or yields something else.
        """
        function = self._function(READ_SPAN, self.path, span)
        with self._explained(READ_SPAN, span):
            batches = function(self.path, span, **self.options)
        if isinstance(batches, pa.Table) or not hasattr(batches, "__iter__"):
            raise self._unusable(READ_SPAN, f"returned {_type_name(batches)}")
        iterator = iter(batches)
        while True:
            with self._explained(READ_SPAN, span):
                batch = next(iterator, _END)
            if batch is _END:
                return
            if not isinstance(batch, pa.RecordBatch):
                raise self._unusable(READ_SPAN, f"yielded {_type_name(batch)}")
            yield batch

    def _function(self, name: str, *arguments: Any) -> Callable[..., Any]:
        try:
            module = importlib.import_module(self.module)
        except Exception as error:  # of any kind, from the import of the module
            logger.warning("%s cannot be imported", self.module, exc_info=error)
            raise DataError(
                f"{self.module} (data.reader) cannot be imported: {_described(error)}"
            ) from error
        function = getattr(module, name, None)
        if not callable(function):
            raise DataError(
                f"{self.module} (data.reader) has no function {name}. It needs {LIST_SPANS} and "
                f"{READ_SPAN}: see {documentation('source')}."
            )
        try:
            inspect.signature(function).bind(*arguments, **self.options)
        except TypeError as error:
            call = ", ".join(["path", "span"][: len(arguments)] + [f"{o}=…" for o in self.options])
            raise DataError(
                f"{self.module}.{name} cannot be called as {name}({call}): {error}.\n"
                "Correct its parameters, or data.reader_options."
            ) from error
        return function

    @contextlib.contextmanager
    def _explained(self, name: str, span: int | None = None) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of any kind, from the project's own code
            logger.warning("%s.%s raised", self.module, name, exc_info=error)
            where = "" if span is None else f" on span {span}"
            raise DataError(f"{self.module}.{name} failed{where}: {_described(error)}") from error

    def _unusable(self, name: str, what: str) -> DataError:
        contract = {
            LIST_SPANS: "It must return a dict: the number of each span, an int, with a "
            "fingerprint, a str.",
            READ_SPAN: "It must yield pyarrow.RecordBatch: `yield from table.to_batches()`.",
        }
        return DataError(f"{self.module}.{name} {what}. {contract[name]}")


class SpanRows:
    """Rows of a span in typed batches, read once and never all in memory.

    Attributes:
        guessed: INT, FLOAT or BYTES by name, of columns read so far that the schema lacks.
    """

    def __init__(self, reader: Reader, span: int, reading: Reading) -> None:
        """Describes the rows, without reading them.

        Args:
            reader: The source.
            span: Number of the span.
            reading: Reading of the columns of the schema.
        """
        self.guessed: dict[str, str] = {}
        self.rounded = Rounded()
        self._reader, self._span, self._reading = reader, span, reading
        self._columns = dict(reading.columns)
        self._ends: list[int] = []  # number of rows up to and including each batch

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yields batches of int64, float32 and binary columns; a missing value is null.

        Raises:
            DataError: If rows or columns are missing, if batches differ in their columns, or if
                values do not fit their types.
        """
        place = self._reader.place(self._span)
        remedy = f"Convert them in {READ_SPAN}"
        misfits = Misfits(place, self._place_of_row, self._reading, remedy, self.rounded)
        yield from read_columns(self._batches(place), self._columns, misfits)
        if not self._ends or not self._ends[-1]:
            raise DataError(
                f"{place} has no rows: {READ_SPAN} yielded none.\n"
                f"Deliver the span again, or leave it out of what {LIST_SPANS} returns."
            )

    def _batches(self, place: str) -> Iterator[pa.RecordBatch]:
        names: set[str] | None = None
        for number, batch in enumerate(self._reader.read(self._span), 1):
            if names is None:
                remedy = f"Name the columns in {READ_SPAN} as the schema does."
                check_names(batch.schema.names, self._reading.columns, place, remedy)
                names = set(batch.schema.names)
            if len(batch.schema.names) != len(names) or set(batch.schema.names) != names:
                differing = sorted(names.symmetric_difference(batch.schema.names))
                raise DataError(
                    f"{place}: batches 1 and {number} differ in columns ({listed(differing)}).\n"
                    f"All batches that {READ_SPAN} yields must have the same columns."
                )
            self._guess_types(batch.schema)
            self._ends.append((self._ends or [0])[-1] + batch.num_rows)
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                yield batch.slice(start, _BATCH_ROWS)

    def _guess_types(self, schema: pa.Schema) -> None:
        for field in schema:
            if field.name not in self._columns and (guess := guess_type(field.type)):
                self.guessed[field.name] = guess
                self._columns[field.name] = ColumnReading.model_validate({"type": guess})

    def _place_of_row(self, row: int) -> str:
        number = bisect.bisect_right(self._ends, row)
        begin = self._ends[number - 1] if number else 0
        return f"row {row - begin + 1} of batch {number + 1}"


def fingerprint_spans(fingerprints: Mapping[int, str]) -> str:
    """Fingerprint of several spans.

    Args:
        fingerprints: Fingerprint of each span, by its number.
    """
    digest = hashlib.sha256()
    for span, text in fingerprints.items():
        digest.update(f"{span}\0{text}\0".encode())
    return f"reader:{digest.hexdigest()}"


def _described(error: Exception) -> str:
    """Message of an exception, with the line of the project's code unless it is a DataError."""
    if isinstance(error, DataError):
        return str(error)[:_SHOWN_CHARACTERS]
    return located(f"{type(error).__name__}: {error}"[:_SHOWN_CHARACTERS], error)


def _type_name(value: Any) -> str:
    value_type = type(value)
    name = f"{value_type.__module__}.{value_type.__name__}".removeprefix("builtins.")
    return "None" if value is None else name
