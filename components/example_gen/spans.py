"""Which spans a run takes, which files they hold, and a fingerprint over all of them.

A span is a folder `span-<number>` under the input base, with CSV or Parquet files in it, or with
folders `version-<number>` of them, the newest of which is read. Numbers may be padded with zeros;
those of spans go on without gaps. TFX's own input processor takes a single span (tfx 1.21,
components/example_gen/input_processor.py).
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Sequence

from tfx.proto import range_config_pb2

from components.example_gen import folders
from components.example_gen.files import open_binary, unreachable_data
from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

PATTERN = "span-{SPAN}/*"
ALL_SPANS = 2**31 - 1  # the widest window that the proto can hold
# Up to this many bytes in all, files are compared by what is in them, so that a file that was only
# touched or copied is still the same; beyond, reading them twice would cost too much.
_CONTENT_LIMIT = 1 << 30
_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Selection:
    """The spans of a run, in ascending order, and their files by span and name.

    Attributes:
        base: The folder with the span folders.
        spans: Their numbers.
        versions: The version of each span; None of one that has none.
        files: With the path of the base.
    """

    base: str
    spans: tuple[int, ...]
    versions: tuple[int | None, ...]
    files: tuple[str, ...]


def range_config(spans: str) -> range_config_pb2.RangeConfig:
    """Packs the choice of spans into the message that TFX has for it.

    Args:
        spans: `newest`, `all`, `last:<n>` for a window of the n newest, or the number of one span.

    Returns:
        A static range for one span; else a rolling range, which is clipped to what there is.

    Raises:
        DataError: If the text is none of these.
    """
    match = re.fullmatch(r"newest|all|last:(?P<window>0*[1-9]\d*)|(?P<span>\d+)", spans)
    if match is None:
        raise DataError(
            f"spans: {spans!r} is not a choice of spans. Write newest, all, last:3 (the three "
            "newest) or the number of one span."
        )
    if match["span"]:
        span = int(match["span"])
        return range_config_pb2.RangeConfig(
            static_range=range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
        )
    windows = {"newest": 1, "all": ALL_SPANS}
    window = windows.get(spans) or int(match["window"])
    return range_config_pb2.RangeConfig(
        rolling_range=range_config_pb2.RollingRange(num_spans=window)
    )


def select(
    input_base: str,
    wanted: range_config_pb2.RangeConfig,
    versions: Sequence[int | None] | None = None,
) -> Selection:
    """Finds the spans that a run takes, and their files.

    Args:
        input_base: The folder with the span folders.
        wanted: A static range, all of whose spans must exist, or a rolling range that ends with
            the newest span, and takes fewer than its number if there are not as many.
        versions: One for each span, where it is settled already; else the newest.

    Raises:
        DataError: If there are no spans, if one or its version is missing or holds no files, or if
            it holds files that cannot be read.
    """
    with unreachable_data():
        return _select(input_base, wanted, versions)


def _select(
    input_base: str,
    wanted: range_config_pb2.RangeConfig,
    versions: Sequence[int | None] | None,
) -> Selection:
    found = folders.spans(input_base)
    if wanted.HasField("static_range"):
        first, last = wanted.static_range.start_span_number, wanted.static_range.end_span_number
    else:
        last = max(found)
        first = max(min(found), last - wanted.rolling_range.num_spans + 1)
    spans = tuple(range(first, last + 1))
    missing = [span for span in spans if span not in found]
    if missing:
        raise DataError(
            f"{input_base} lacks span {_listed(missing)} of those that the run takes "
            f"({_listed(list(spans))}).\nFound: {_listed(sorted(found))}.\n"
            "Add the missing folder, choose other spans in the configuration (data.spans), or "
            "number the folders so that they follow each other."
        )
    taken = [
        folders.version(found[span], settled)
        for span, settled in zip(spans, versions or [None] * len(spans), strict=True)
    ]
    files = [path for _, folder in taken for path in folders.data_files(folder)]
    return Selection(input_base, spans, tuple(number for number, _ in taken), tuple(files))


def fingerprint(selection: Selection) -> str:
    """A text that changes when a file is added, removed, renamed or changed in these spans.

    Args:
        selection: The files to look at. They are compared by content up to 1 GiB in all, beyond
            that by size and time of change, as TFX does. S3 knows a hash of the content.

    Raises:
        DataError: If a file cannot be read.
    """
    with unreachable_data():
        stats = [fileio.stat(path) for path in selection.files]
    by_content = sum(stat.length for stat in stats) <= _CONTENT_LIMIT
    digest = hashlib.sha256()
    for path, stat in zip(selection.files, stats, strict=True):
        # Folders and name, not the whole path: a checkout elsewhere has the same data.
        name = path.removeprefix(selection.base).lstrip("/")
        state = getattr(stat, "etag", None)
        if state is None:
            state = _content_hash(path) if by_content else f"{stat.length},{stat.mtime_nsec}"
        digest.update(f"{name}\0{state}\0".encode())
    return f"{'content' if by_content else 'stat'}:{digest.hexdigest()}"


def size(selection: Selection) -> int:
    """Bytes of all files.

    Raises:
        DataError: If the store of the data cannot be reached.
    """
    with unreachable_data():
        return sum(fileio.stat(path).length for path in selection.files)


def _content_hash(path: str) -> str:
    digest = hashlib.sha256()
    try:
        with open_binary(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return digest.hexdigest()


def _listed(spans: list[int]) -> str:
    if len(spans) == 1:
        return str(spans[0])
    if len(spans) == spans[-1] - spans[0] + 1:
        return f"{spans[0]} to {spans[-1]}"
    return ", ".join(map(str, spans))
