"""Writes the rows of a file, a part of one or a span into its shards, and reports the outcome."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from tfxkit.components.example_gen import parts, reading, shards
from tfxkit.components.example_gen.columns import Required
from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.parts import Part, Source
from tfxkit.components.example_gen.reader import Reader
from tfxkit.components.example_gen.repeats import Repeats
from tfxkit.components.example_gen.splits import Splits, row_hash
from tfxkit.config.csv_format import CsvFormat
from tfxkit.errors import DataError
from tfxkit.storage.examples_artifact import LEFT_OUT


@dataclasses.dataclass(frozen=True)
class Columns:
    """Column types and file format to read rows by.

    Attributes:
        types: INT, FLOAT or BYTES by column, from the schema.
        csv: How CSV files are written.
        required: Rows without a value in one of these are left out.
    """

    types: Mapping[str, str]
    csv: CsvFormat
    required: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Writer:
    """Works in the workers of Beam; a DataError is an outcome and not an exception.

    Beam turns exceptions of a worker into a RuntimeError that holds a traceback as text.

    Attributes:
        columns: How rows are read.
        splits: Where their rows go.
        uri: The folder of the artifact.
        num_shards: How many each split gets.
    """

    columns: Columns
    splits: Splits
    uri: str
    num_shards: int

    def part(
        self, element: tuple[Source, int, Part | None], guessed: Mapping[str, str]
    ) -> tuple[Source, dict[str, Any]]:
        """Writes one shard of each split.

        Args:
            element: A file, the number of its shard among those of the file, and what is read into
                it: None for all of the file.
            guessed: Types of columns that the schema does not know.

        Returns:
            The file and its outcome, in the form that `outcomes.merged` takes.
        """
        source, number, part = element
        path = source.path
        batches = reading.read_batches(path, self.columns.types, self.columns.csv, guessed, part)
        outcome = self._written(path, batches, source.shard + number)
        if part and not outcome["error"]:
            try:
                parts.check_unchanged(source)
            except DataError as error:
                outcome["error"] = str(error)
        return source, outcome

    def span(self, reader: Reader, span: int, shard: int) -> dict[str, Any]:
        """Writes the rows of a span into one shard of each split.

        Args:
            reader: The source.
            span: The number of the span.
            shard: The number of the shard.

        Returns:
            The outcome of the span, in the form that `outcomes.write` takes.
        """
        rows = reader.open(span, self.columns.types)
        return self._written(reader.place(span), rows, shard) | {"guessed": rows.guessed}

    def _written(self, place: str, batches: Iterable[pa.RecordBatch], shard: int) -> dict[str, Any]:
        """Writes one shard of each split, and returns the outcome."""
        required, repeats = Required(self.columns.required), Repeats()
        kept = map(required, batches)
        rows, error = {}, None
        try:
            rows = shards.write_shards(
                (self._dealt(batch, repeats, place) for batch in kept),
                self.splits.names,
                self.uri,
                shard,
                self.num_shards,
            )
        except DataError as data_error:
            error = str(data_error)
        return {
            "file": place,
            "rows": rows,
            LEFT_OUT: required.left_out,
            "error": error,
            "sketch": repeats.sketch(),
        }

    def explained(
        self, element: tuple[Source, dict[str, Any]], guessed: Mapping[str, str]
    ) -> dict[str, Any]:
        """Where a part could not be read, says what is wrong with the file.

        Only all of the file tells the line, and all that is wrong. It is read and not written, so
        that no shard is written by two.

        Args:
            element: A file, and what became of all of its parts.
            guessed: As for `part`.

        Returns:
            What became of the file.
        """
        source, outcome = element
        if source.parts == 1 or not outcome["error"]:
            return outcome
        try:
            batches = reading.read_batches(
                source.path, self.columns.types, self.columns.csv, guessed
            )
            collections.deque(batches, maxlen=0)
            parts.check_unchanged(source)
        except DataError as error:
            return outcome | {"error": str(error)}
        return outcome

    def _dealt(
        self, batch: pa.RecordBatch, repeats: Repeats, place: str
    ) -> Iterable[tuple[str, bytes]]:
        """The rows of a batch with their splits; each row is hashed once."""
        rows = encode_batch(batch).to_pylist()
        hashes = list(map(row_hash, rows))
        repeats.add_all(hashes)
        return zip(self.splits.of(batch, hashes, place), rows, strict=True)
