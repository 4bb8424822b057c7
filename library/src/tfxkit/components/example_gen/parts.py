"""The parts that a large file is read in, each by a worker of its own.

How many there are follows from the size of the file alone, not from who reads them: an artifact is
the same on any engine. The rows of the parts, one after the other, are those of the file.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence

from tfxkit.components.example_gen import parquet_files, row_starts
from tfxkit.components.example_gen.files import unreachable_data
from tfxkit.components.example_gen.row_starts import Look
from tfxkit.config.csv_format import CsvFormat
from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

logger = logging.getLogger(__name__)

# A part takes one core some seconds; and each is a file more for the steps that come after.
PART_BYTES = 32 << 20
_PLAIN_CSV = ".csv"  # a packed file can be read from its begin only
_ENCODING = "utf-8"  # no byte of a longer character is a line break or a quote


@dataclasses.dataclass(frozen=True)
class Source:
    """A file to read.

    Attributes:
        path: Where it is.
        shard: The number of its first shard.
        parts: How many parts it is read in, each of which becomes a shard; 1 if as a whole.
        size: In bytes, where it is read in parts.
        state: A text that changes with the content, likewise: the time of the last change or, on
            S3, the ETag.
    """

    path: str
    shard: int
    parts: int
    size: int = 0
    state: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether its ranges of bytes have to be looked at before it can be read."""
        return self.parts > 1 and self.path.endswith(_PLAIN_CSV)

    def range(self, number: int) -> tuple[int, int]:
        """The bytes of a part, from and up to, as if rows could begin anywhere."""
        return self.size * number // self.parts, self.size * (number + 1) // self.parts


@dataclasses.dataclass(frozen=True)
class Part:
    """What is read of a file.

    Attributes:
        number: Of this part, from 0.
        of: How many there are.
        pieces: The bytes of a CSV file, from and up to: the header and the rows; none if no row
            begins in this part.
    """

    number: int
    of: int
    pieces: tuple[tuple[int, int], ...] = ()


def sources(paths: Sequence[str], csv: CsvFormat) -> list[Source]:
    """Says in how many parts files are read, and which shards these become.

    Raises:
        DataError: If the store of the data cannot be reached.
    """
    found: list[Source] = []
    shard = 0
    for path in paths:
        source = Source(path, shard, 1)
        if path.endswith(parquet_files.SUFFIXES) or (
            path.endswith(_PLAIN_CSV) and csv.encoding == _ENCODING
        ):
            size, state = _stat(path)
            if size > PART_BYTES:
                source = Source(path, shard, -(-size // PART_BYTES), size, state)
        found.append(source)
        shard += source.parts
    return found


def look(source: Source, number: int, csv: CsvFormat) -> Look | None:
    """Looks for the first row of a part of a CSV file; None if the file cannot be read."""
    try:
        return row_starts.look(source.path, csv, *source.range(number))
    except (DataError, OSError) as error:  # to read it tells what is wrong
        logger.warning("%s cannot be read: %s", source.path, error)
        return None


def cut(source: Source, looks: Sequence[Look | None]) -> list[Part | None]:
    """The parts of a CSV file.

    Args:
        source: The file.
        looks: At each of its ranges, in order.

    Returns:
        As many parts. If the file cannot be cut safely the first is None, which stands for all of
        the file, and the others have no rows.
    """
    known = [one for one in looks if one is not None]
    starts = row_starts.row_starts(known) if len(known) == len(looks) else None
    rest: list[Part | None] = [Part(number, source.parts) for number in range(1, source.parts)]
    if starts is None:
        logger.warning("Where rows begin in %s is not clear: one worker reads it", source.path)
        return [None, *rest]
    header_end, begins = starts
    parts: list[Part | None] = []
    end = source.size
    for number, begin in reversed(list(enumerate([0, *begins]))):
        if begin is None or begin == end:
            parts.append(Part(number, source.parts))
            continue
        rows = (begin, end)
        pieces = ((0, header_end), rows) if number else (rows,)
        parts.append(Part(number, source.parts, pieces))
        end = begin
    return parts[::-1]


def check_unchanged(source: Source) -> None:
    """Makes sure that all parts were read of the same file.

    Raises:
        DataError: If it is another one by now, or its store cannot be reached.
    """
    if _stat(source.path) != (source.size, source.state):
        raise DataError(f"{source.path} was changed while it was being read. Run it again.")


def _stat(path: str) -> tuple[int, str]:
    if os.path.exists(path):  # TensorFlow tells full seconds only
        found = os.stat(path)
        return found.st_size, str(found.st_mtime_ns)
    try:
        with unreachable_data():
            stat = fileio.stat(path)
    except fileio.NotFoundError as error:
        raise DataError(f"There is no file {path} any more. Run it again.") from error
    return stat.length, str(getattr(stat, "etag", stat.mtime_nsec))
