"""Spans from record batches: one Parquet file, whole or absent, with its provenance inside.

Each span is a folder `span-<number>/version-<number>`, so that it can be made again. The provenance
is in the footer of the file: it appears with the rows, and moves with them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tfxkit.components.example_gen.tables import read_provenance
from tfxkit.errors import DataError, StorageError, UsageError
from tfxkit.ingestion.casts import cast_column, plan_casts
from tfxkit.ingestion.sources import SourceRows
from tfxkit.storage.artifacts import PROVENANCE_KEY
from tfxkit.storage.filesystems import fileio
from tfxkit.values.reading import Reading

FILE = "rows.parquet"
_ASIDE = ".ingest-"
_LOCK = ".ingest.lock"


@dataclasses.dataclass(frozen=True)
class SpanPlace:
    """Place of a new span, or of a new version of one.

    Attributes:
        base: Folder of the spans, a path or an address.
        span: Name of its folder, such as `span-7`.
        version: Number of the version.
    """

    base: str
    span: str
    version: int

    @property
    def file(self) -> str:
        """Path of the data file."""
        return f"{self.base}/{self.span}/version-{self.version}/{FILE}"


@dataclasses.dataclass(frozen=True)
class Written:
    """Result of `write_span`.

    Attributes:
        rows: Number of rows.
        left_out: Columns that are not in the file, with the reason.
        new: Columns that the schema lacks.
        absent: Columns of the schema that the source lacks.
    """

    rows: int
    left_out: Mapping[str, str]
    new: tuple[str, ...]
    absent: tuple[str, ...]


def next_place(base: str) -> SpanPlace:
    """Place of the span after the newest one."""
    names = _names(base)
    numbers = [int(match[1]) for name in names if (match := re.fullmatch(r"span-(\d+)", name))]
    padded = [name for name in names if re.fullmatch(r"span-0\d*", name)]
    width = len(padded[-1]) - len("span-") if padded else 0
    return SpanPlace(base, f"span-{max(numbers, default=0) + 1:0{width}}", 1)


def place_again(base: str, number: int) -> tuple[SpanPlace, dict[str, Any]]:
    """Place of the next version of a span, and the provenance of the newest one.

    Raises:
        UsageError: If there is no such span, or `ingest` did not make it.
    """
    spans = {int(m[1]): m[0] for name in _names(base) if (m := re.fullmatch(r"span-(\d+)", name))}
    if number not in spans:
        known = ", ".join(map(str, sorted(spans))) or "none"
        raise UsageError(f"--again {number}: {base} has no such span; there are: {known}")
    folder = f"{base}/{spans[number]}"
    versions = [int(m[1]) for name in _names(folder) if (m := re.fullmatch(r"version-(\d+)", name))]
    newest = SpanPlace(base, spans[number], max(versions, default=0))
    provenance = read_provenance(newest.file) if versions else None
    if provenance is None:
        raise UsageError(
            f"--again {number}: `ingest` did not make {folder}, so its query is not recorded."
        )
    return dataclasses.replace(newest, version=newest.version + 1), provenance


def write_span(
    source_rows: SourceRows,
    reading: Reading | None,
    place: SpanPlace,
    provenance: Mapping[str, Any],
) -> Written:
    """Writes all rows as a span, or nothing.

    Args:
        source_rows: The rows.
        reading: Reading by the curated schema and the configuration; None to keep the types of the
            source.
        place: From `next_place` or `place_again`.
        provenance: Facts to keep with the rows; the number of rows is added.

    Raises:
        DataError: If there are no rows, or if a value does not fit its type.
        StorageError: If the span cannot be written.
    """
    _check_names(source_rows.schema.names, reading.columns if reading else {})
    with _folder_aside(place) as aside:
        written = _write_file(source_rows, reading, os.path.join(aside, FILE), provenance)
        _put_in_place(aside, place)
    return written


def _check_names(names: list[str], expected: Collection[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        raise DataError(
            f"The result has several columns {twice[0]!r}. Name them in the query (AS …)."
            if twice
            else "The result has a column without a name. Name it in the query (AS …)."
        )
    if expected and not set(expected) & set(names):
        raise DataError(
            f"The result has none of the columns in configs/schema.pbtxt; it has: "
            f"{', '.join(names)}. To keep the types of the source, before `init` describes the "
            "data, add --no-schema."
        )


def _write_file(
    source_rows: SourceRows,
    reading: Reading | None,
    path: str,
    provenance: Mapping[str, Any],
) -> Written:
    casts = plan_casts(source_rows.schema, reading)
    kept = [cast for cast in casts if cast.written is not None]
    schema = pa.schema([(cast.field.name, cast.written) for cast in kept])
    rows = 0
    with pq.ParquetWriter(path, schema, write_page_checksum=True) as writer:
        for batch in source_rows.batches:
            columns = [cast_column(batch.column(cast.field.name), cast, rows + 1) for cast in kept]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            rows += batch.num_rows
        facts = {**provenance, "rows": rows}
        writer.add_key_value_metadata({PROVENANCE_KEY: json.dumps(facts).encode()})
    if not rows:
        raise DataError(
            "The source has no rows for this span: a delivery that failed must not look like a "
            "quiet day, so no span was written."
        )
    names = set(source_rows.schema.names)
    return Written(
        rows=rows,
        left_out={cast.field.name: cast.why_left_out for cast in casts if cast.written is None},
        new=tuple(cast.field.name for cast in kept if reading and cast.how is None),
        absent=tuple(name for name in (reading.columns if reading else ()) if name not in names),
    )


@contextlib.contextmanager
def _folder_aside(place: SpanPlace) -> Iterator[str]:
    """A folder for the file, beside its place where a rename is possible."""
    if "://" in place.base:
        with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
            yield folder
        return
    try:
        Path(place.base).mkdir(parents=True, exist_ok=True)
        with _locked(Path(place.base)), contextlib.ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix=_ASIDE, dir=place.base)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"Cannot write to {place.base}: {error.strerror or error}") from None


@contextlib.contextmanager
def _locked(base: Path) -> Iterator[None]:
    """One ingestion at a time; removes what a killed one has left."""
    with (base / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another `ingest` writes to {base}. Wait for its end.") from None
        for leftover in base.glob(f"{_ASIDE}*/"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _put_in_place(aside: str, place: SpanPlace) -> None:
    if "://" in place.base:
        if fileio.exists(place.file):
            raise UsageError(f"{place.file} has appeared meanwhile. Start again.")
        fileio.makedirs(os.path.dirname(place.file))
        fileio.copy(os.path.join(aside, FILE), place.file)  # an object appears whole
        return
    with open(os.path.join(aside, FILE), "rb") as file:
        os.fsync(file.fileno())
    span = Path(place.base, place.span)
    version = span / f"version-{place.version}"
    if version.exists() or (place.version == 1 and span.exists()):
        raise UsageError(f"{version} has appeared meanwhile. Start again.")
    os.chmod(aside, 0o777 & ~_umask())
    if place.version > 1:
        os.rename(aside, version)
        return
    whole = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=place.base))
    try:
        os.chmod(whole, 0o777 & ~_umask())
        os.rename(aside, whole / version.name)
        os.rename(whole, span)
    finally:
        shutil.rmtree(whole, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _names(folder: str) -> list[str]:
    if not fileio.isdir(folder):
        return []
    return sorted(os.fsdecode(name).rstrip("/") for name in fileio.listdir(folder))
