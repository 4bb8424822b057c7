"""Which spans a run takes, which files they hold, and a fingerprint over all of them.

A span is a folder `span-<number>` under the input base, with CSV or Parquet files in it. Numbers go
on without gaps and may be padded with zeros. TFX's own input processor takes a single span
(tfx 1.21, components/example_gen/input_processor.py).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re

from tfx.proto import range_config_pb2

from components.errors import DataError
from components.example_gen.files import open_binary, unreachable_data
from components.example_gen.reading import SUFFIXES
from components.filesystems import fileio

PATTERN = "span-{SPAN}/*"
ALL_SPANS = 2**31 - 1  # the widest window that the proto can hold
_FOLDER = re.compile(r"span-(\d+)")
# Not data: hidden files, and what editors and Spark leave behind.
_IGNORED = re.compile(r"[._].*|.*~|.*\.(tmp|crc)")
# Up to this many bytes in all, files are compared by what is in them, so that a file that was only
# touched or copied is still the same; beyond, reading them twice would cost too much.
_CONTENT_LIMIT = 1 << 30
_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Selection:
    """The spans of a run, in ascending order, and their files by span and name."""

    spans: tuple[int, ...]
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


def select(input_base: str, wanted: range_config_pb2.RangeConfig) -> Selection:
    """Finds the spans that a run takes, and their files.

    Args:
        input_base: The folder with the span folders.
        wanted: A static range, all of whose spans must exist, or a rolling range that ends with
            the newest span, and takes fewer than its number if there are not as many.

    Raises:
        DataError: If there are no spans, if one is missing or holds no files, or if it holds files
            that cannot be read.
    """
    with unreachable_data():
        return _select(input_base, wanted)


def _select(input_base: str, wanted: range_config_pb2.RangeConfig) -> Selection:
    folders = _span_folders(input_base)
    if wanted.HasField("static_range"):
        first, last = wanted.static_range.start_span_number, wanted.static_range.end_span_number
    else:
        last = max(folders)
        first = max(min(folders), last - wanted.rolling_range.num_spans + 1)
    spans = tuple(range(first, last + 1))
    missing = [span for span in spans if span not in folders]
    if missing:
        raise DataError(
            f"{input_base} lacks span {_listed(missing)} of those that the run takes "
            f"({_listed(list(spans))}).\nFound: {_listed(sorted(folders))}.\n"
            "Add the missing folder, choose other spans in the configuration (data.spans), or "
            "number the folders so that they follow each other."
        )
    files = [path for span in spans for path in _data_files(folders[span])]
    return Selection(spans, tuple(files))


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
        # Folder and name, not the whole path: a checkout elsewhere has the same data.
        name = "/".join(path.split("/")[-2:])
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


def _span_folders(input_base: str) -> dict[int, str]:
    names = _listdir(input_base)
    folders: dict[int, str] = {}
    for name in names:
        match = _FOLDER.fullmatch(name)
        if match is None:
            continue
        if (span := int(match[1])) in folders:
            raise DataError(
                f"{input_base} has span {span} twice, as {os.path.basename(folders[span])} and as "
                f"{name}. Merge or rename one of them."
            )
        folders[span] = os.path.join(input_base, name)
    if not folders:
        raise DataError(
            f"{input_base} has no spans: folders span-1, span-2, … with CSV or Parquet files.\n"
            f"Found: {', '.join(names[:5]) or 'nothing'}.\n"
            "Put the files into such folders, or set data.path to where they are."
        )
    return folders


def _data_files(folder: str) -> list[str]:
    names = [name for name in _listdir(folder) if not _IGNORED.fullmatch(name)]
    if not names:
        raise DataError(f"{folder} has no data files. Add CSV or Parquet files, or remove it.")
    stems: dict[str, str] = {}
    for name in names:
        suffix = next((s for s in SUFFIXES if name.endswith(s)), None)
        if suffix is None or fileio.isdir(os.path.join(folder, name)):
            raise DataError(
                f"{folder} holds {name}, which is not a file that ends in {', '.join(SUFFIXES)}. "
                "Convert it, or take it out of the span."
            )
        stem = name.removesuffix(suffix)
        if stem in stems:
            raise DataError(
                f"{folder} holds both {stems[stem]} and {name}: the same rows twice, it seems. "
                "Remove or rename one of them."
            )
        stems[stem] = name
    return [os.path.join(folder, name) for name in names]


def _listdir(folder: str) -> list[str]:
    if not fileio.isdir(folder):
        raise DataError(f"There is no folder {folder}. Set data.path to where the spans are.")
    # Object stores end the names of folders with a slash.
    return sorted(name.rstrip("/") for name in fileio.listdir(folder))


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
