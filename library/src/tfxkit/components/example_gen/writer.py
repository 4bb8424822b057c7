"""Shards of splits: written by the workers from the rows of a file, a part of one or a span."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import tensorflow as tf

from tfxkit.components.example_gen.columns import Required, Rounded
from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.files import DataFile, Part, check_unchanged
from tfxkit.components.example_gen.outcomes import Repeats
from tfxkit.components.example_gen.reader import Reader
from tfxkit.components.example_gen.splits import Splits, row_hash
from tfxkit.components.example_gen.tables import read_batches, read_provenance
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError
from tfxkit.storage.artifacts import INGESTED, LEFT_OUT, ROUNDED, SPLIT_PREFIX
from tfxkit.storage.filesystems import fileio
from tfxkit.values.reading import Reading

TEMPORARY = ".tmp"  # beside the split folders, all of whose content is read as data
# Half the time of the usual level 6, for a quarter more bytes.
_GZIP = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


@dataclasses.dataclass(frozen=True)
class RowFormat:
    """Reading of values, dialect of CSV files, and columns that every row must have.

    Attributes:
        reading: Reading of the columns of the schema.
        csv: Dialect of CSV files.
        required: Rows without a value in one of these columns are left out.
    """

    reading: Reading
    csv: CsvFormat
    required: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ShardWriter:
    """Writes shards in a worker of Beam; a DataError becomes part of the outcome.

    As an exception of a worker, Beam would turn it into a RuntimeError with a traceback as text.

    Attributes:
        row_format: Format of the rows.
        splits: Assignment of rows to splits.
        uri: Folder of the artifact.
        num_shards: Number of shards of each split.
    """

    row_format: RowFormat
    splits: Splits
    uri: str
    num_shards: int

    def write_part(
        self, element: tuple[DataFile, int, Part | None], guessed: Mapping[str, str]
    ) -> tuple[DataFile, dict[str, Any]]:
        """Writes one shard of each split.

        Args:
            element: A file, the number of the shard among those of the file, and the part to read
                into it, None for the whole file.
            guessed: Types of columns that the schema lacks.

        Returns:
            The file and its outcome, in the form that `merge_outcomes` takes.
        """
        file, number, part = element
        rounded = Rounded()
        batches = self._batches(file.path, guessed, part, rounded)
        outcome = self._write(file.path, batches, file.shard + number, rounded)
        if not part or not part.number:
            outcome[INGESTED] = read_provenance(file.path)
        if part and not outcome["error"]:
            try:
                check_unchanged(file)
            except DataError as error:
                outcome["error"] = str(error)
        return file, outcome

    def write_span(self, reader: Reader, span: int, shard: int) -> dict[str, Any]:
        """Writes the rows of a span into one shard of each split.

        Args:
            reader: The source.
            span: Number of the span.
            shard: Number of the shard.

        Returns:
            The outcome of the span, in the form that `write_outcomes` takes.
        """
        rows = reader.open(span, self.row_format.reading)
        outcome = self._write(reader.place(span), rows, shard, rows.rounded)
        return outcome | {"guessed": rows.guessed}

    def _write(
        self, place: str, batches: Iterable[pa.RecordBatch], shard: int, rounded: Rounded
    ) -> dict[str, Any]:
        """Writes one shard of each split, and returns the outcome."""
        required, repeats = Required(self.row_format.required), Repeats()
        kept = map(required, batches)
        rows, error = {}, None
        try:
            rows = write_shards(
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
            ROUNDED: rounded.examples,
        }

    def explain_error(
        self, element: tuple[DataFile, dict[str, Any]], guessed: Mapping[str, str]
    ) -> dict[str, Any]:
        """Replaces the error of a part by the errors of the whole file.

        Only the whole file gives their lines and all of them. It is read and not written, so that
        no two workers write the same shard.

        Args:
            element: A file, and the merged outcome of its parts.
            guessed: As for `write_part`.

        Returns:
            The outcome of the file.
        """
        file, outcome = element
        if file.parts == 1 or not outcome["error"]:
            return outcome
        try:
            collections.deque(self._batches(file.path, guessed), maxlen=0)
            check_unchanged(file)
        except DataError as error:
            return outcome | {"error": str(error)}
        return outcome

    def _batches(
        self,
        path: str,
        guessed: Mapping[str, str],
        part: Part | None = None,
        rounded: Rounded | None = None,
    ) -> Iterable[pa.RecordBatch]:
        reading, csv = self.row_format.reading, self.row_format.csv
        return read_batches(path, reading, csv, guessed, part, rounded=rounded)

    def _dealt(
        self, batch: pa.RecordBatch, repeats: Repeats, place: str
    ) -> Iterable[tuple[str, bytes]]:
        """Rows of a batch with their splits; each row is hashed once."""
        rows = encode_batch(batch).to_pylist()
        hashes = list(map(row_hash, rows))
        repeats.add_all(hashes)
        return zip(self.splits.of(batch, hashes, place), rows, strict=True)


def write_shards(
    batches: Iterable[Iterable[tuple[str, bytes]]],
    splits: Sequence[str],
    uri: str,
    shard: int,
    shards: int,
) -> dict[str, int]:
    """Writes gzipped TFRecords `Split-<name>/data_tfrecord-<shard>-of-<shards>.gz`.

    A shard appears under its name when it is complete. Writing it again, as Beam does with a
    bundle that failed, gives the same bytes. A split without rows gets a valid file without
    records.

    Args:
        batches: Serialized examples, in order, each with its split.
        splits: Names of all splits.
        uri: Folder of the artifact.
        shard: Number of this shard, from 0.
        shards: Number of all shards.

    Returns:
        Number of rows by split.
    """
    rows = dict.fromkeys(splits, 0)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in rows}
        with contextlib.ExitStack() as stack:
            writers = {
                name: stack.enter_context(tf.io.TFRecordWriter(path, _GZIP))
                for name, path in paths.items()
            }
            for batch in batches:
                for name, row in batch:
                    writers[name].write(row)
                    rows[name] += 1
        for name, path in paths.items():
            target = os.path.join(
                f"{SPLIT_PREFIX}{name}", f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
            )
            _publish(path, uri, target)
    return rows


def remove_earlier(uri: str) -> None:
    """Removes the shards of an earlier attempt, whose numbers may be others if a file changed."""
    for name in fileio.listdir(uri) if fileio.exists(uri) else []:
        if os.fsdecode(name).startswith(SPLIT_PREFIX):
            fileio.rmtree(os.path.join(uri, os.fsdecode(name)))


def remove_temporary(uri: str) -> None:
    """Removes the incomplete shards of interrupted attempts."""
    folder = os.path.join(uri, TEMPORARY)
    if fileio.exists(folder):
        fileio.rmtree(folder)


def _publish(path: str, uri: str, target: str) -> None:
    temporary = os.path.join(uri, TEMPORARY, uuid.uuid4().hex)
    for name in (temporary, os.path.join(uri, target)):
        fileio.makedirs(os.path.dirname(name))
    with open(path, "rb") as source, fileio.open(temporary, "wb") as sink:
        shutil.copyfileobj(source, sink)
    fileio.rename(temporary, os.path.join(uri, target), overwrite=True)
