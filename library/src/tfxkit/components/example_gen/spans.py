"""Spans: their selection for a run, their files, and a fingerprint of the content.

A span is a folder `span-<number>` under the input base with data files, or with folders
`version-<number>` of such files; the newest version is read. Numbers may be padded with zeros;
those of spans are consecutive. TFX's own input processor takes a single span (tfx 1.21,
components/example_gen/input_processor.py).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Collection, Iterable, Sequence

from tfx.proto import range_config_pb2

from tfxkit.components.example_gen.files import SUFFIXES, open_binary, unreachable_data
from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

PATTERN = "span-{SPAN}/*"
ALL_SPANS = 2**31 - 1  # the widest window that the proto can hold
# Up to this many bytes in all, files are compared by content, so that a file that was only touched
# or copied counts as unchanged; beyond, reading them twice would cost too much.
CONTENT_LIMIT = 1 << 30
_CHUNK_BYTES = 1 << 20
_SHOWN_RANGES = 5
# Not data: hidden files, and leftovers of editors and Spark.
_IGNORED = re.compile(r"[._].*|.*~|.*\.(tmp|crc)")


@dataclasses.dataclass(frozen=True)
class Selection:
    """Spans of a run, in ascending order, and their files by span and name.

    Attributes:
        base: Folder with the span folders.
        spans: Numbers of the spans.
        versions: Version of each span; None for a span without versions.
        files: Paths of the files, with the base.
    """

    base: str
    spans: tuple[int, ...]
    versions: tuple[int | None, ...]
    files: tuple[str, ...]


def range_config(spans: str) -> range_config_pb2.RangeConfig:
    """Converts the choice of spans to the message of TFX.

    Args:
        spans: `newest`, `all`, `last:<n>` for a window of the n newest, or the number of one span.

    Returns:
        A static range for one span; else a rolling range, which is clipped to the existing spans.

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
    """Selects the spans of a run, and their files.

    Args:
        input_base: Folder with the span folders.
        wanted: A static range, all of whose spans must exist, or a rolling range that ends with
            the newest span, and is shorter if there are fewer spans.
        versions: Version of each span, once resolved; by default the newest.

    Raises:
        DataError: If there are no spans, if a span or its version is missing or holds no files, or
            if it holds files of another format.
    """
    with unreachable_data():
        return _select(input_base, wanted, versions)


def choose(
    known: Collection[int], wanted: range_config_pb2.RangeConfig, source: str
) -> tuple[int, ...]:
    """Selects the numbers of the spans of a run, in ascending order.

    Args:
        known: Numbers of all spans; at least one.
        wanted: As for `select`.
        source: Folder or reader of the spans, for the message.

    Raises:
        DataError: If a span is missing.
    """
    if wanted.HasField("static_range"):
        first, last = wanted.static_range.start_span_number, wanted.static_range.end_span_number
    else:
        last = max(known)
        first = max(min(known), last - wanted.rolling_range.num_spans + 1)
    missing = sorted(set(range(first, last + 1)).difference(known))
    if missing:
        raise DataError(
            f"{source} lacks span {_format_spans(missing)} of those that the run takes "
            f"({_format_spans(range(first, last + 1))}).\nFound: {_format_spans(sorted(known))}.\n"
            "Add the missing span, choose other spans in the configuration (data.spans), or "
            "number the spans consecutively."
        )
    return tuple(range(first, last + 1))


def _select(
    input_base: str,
    wanted: range_config_pb2.RangeConfig,
    versions: Sequence[int | None] | None,
) -> Selection:
    folders = _span_folders(input_base)
    spans = choose(folders, wanted, input_base)
    chosen = [
        _version(folders[span], resolved)
        for span, resolved in zip(spans, versions or [None] * len(spans), strict=True)
    ]
    files = [path for _, folder in chosen for path in _data_files(folder)]
    return Selection(input_base, spans, tuple(number for number, _ in chosen), tuple(files))


def fingerprint(selection: Selection) -> str:
    """Fingerprint that changes when a file of these spans is added, removed, renamed or changed.

    Args:
        selection: Files to compare: by content up to 1 GiB in all, beyond that by size and time of
            change, as in TFX. S3 supplies a hash of the content.

    Raises:
        DataError: If a file cannot be read.
    """
    with unreachable_data():
        stats = [fileio.stat(path) for path in selection.files]
    by_content = sum(stat.length for stat in stats) <= CONTENT_LIMIT
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
    """Size of all files in bytes.

    Raises:
        DataError: If the storage of the data cannot be reached.
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


def _format_spans(spans: Iterable[int]) -> str:
    """Numbers in ascending order, as ranges where they are consecutive; the first few."""
    ranges: list[list[int]] = []
    for span in spans:
        if ranges and span == ranges[-1][-1] + 1:
            ranges[-1][1:] = [span]
        else:
            ranges.append([span])
    more = ", …" if len(ranges) > _SHOWN_RANGES else ""
    return ", ".join(" to ".join(map(str, ends)) for ends in ranges[:_SHOWN_RANGES]) + more


def _span_folders(input_base: str) -> dict[int, str]:
    """Folders `span-<number>` by number; other names are ignored.

    Raises:
        DataError: If there are none, or two with the same number.
    """
    names = _listdir(input_base)
    folders = _numbered("span", input_base, names)
    if not folders:
        raise DataError(
            f"{input_base} has no spans: folders span-1, span-2, … with files of CSV, JSON "
            "lines or Parquet.\n"
            f"Found: {', '.join(names[:5]) or 'nothing'}.\n"
            "Put the files into such folders, or set data.path to where they are."
        )
    return folders


def _version(span: str, resolved: int | None = None) -> tuple[int | None, str]:
    """Version of a span to read: the newest, as with TFX's `{VERSION}`, or the resolved one.

    Args:
        span: Folder of the span.
        resolved: Number of the version, once resolved.

    Returns:
        Number and folder of the version; None and the span itself if it has no versions.

    Raises:
        DataError: If other files lie beside the versions, if two have the same number, or if the
            resolved one was removed.
    """
    names = _names_of_data(span)
    folders = {
        number: path
        for number, path in _numbered("version", span, names).items()
        if fileio.isdir(path)
    }
    if resolved is not None and resolved not in folders:
        raise DataError(
            f"{span} has no version {resolved} any more, which this run was to read. "
            "Start it again."
        )
    if not folders:
        return None, span
    others = [name for name in names if os.path.join(span, name) not in folders.values()]
    if others:
        raise DataError(
            f"{span} holds {others[0]} beside folders of versions, and only the newest version is "
            "read.\nPut it into its own version-<number>, or take it out of the span."
        )
    number = max(folders) if resolved is None else resolved
    return number, folders[number]


def _data_files(folder: str) -> list[str]:
    """Paths of the files of a span or version, by name.

    Raises:
        DataError: If there are none, or some in another format or in two formats.
    """
    names = _names_of_data(folder)
    if not names:
        raise DataError(
            f"{folder} has no data files. Add CSV, JSON lines or Parquet files, or remove it."
        )
    stems: dict[str, str] = {}
    for name in names:
        suffix = next((s for s in SUFFIXES if name.endswith(s)), None)
        if suffix is None or fileio.isdir(os.path.join(folder, name)):
            raise DataError(
                f"{folder} holds {name}, which is not a file that ends in .csv, .jsonl, .ndjson "
                "(each also packed, as in .csv.gz) or .parquet. Convert it, or take it out of the "
                "span."
            )
        stem = name.removesuffix(suffix)
        if stem in stems:
            raise DataError(
                f"{folder} holds both {stems[stem]} and {name}: the same rows twice, it seems. "
                "Remove or rename one of them."
            )
        stems[stem] = name
    return [os.path.join(folder, name) for name in names]


def _numbered(prefix: str, folder: str, names: Iterable[str]) -> dict[int, str]:
    """Paths of the names `<prefix>-<number>`, by number."""
    paths: dict[int, str] = {}
    for name in names:
        match = re.fullmatch(rf"{prefix}-(\d+)", name)
        if match is None:
            continue
        if (number := int(match[1])) in paths:
            raise DataError(
                f"{folder} has {prefix} {number} twice, as {os.path.basename(paths[number])} and "
                f"as {name}. Merge or rename one of them."
            )
        paths[number] = os.path.join(folder, name)
    return paths


def _names_of_data(folder: str) -> list[str]:
    return [name for name in _listdir(folder) if not _IGNORED.fullmatch(name)]


def _listdir(folder: str) -> list[str]:
    if not fileio.isdir(folder):
        raise DataError(f"There is no folder {folder}. Set data.path to where the spans are.")
    # Object stores end the names of folders with a slash.
    return sorted(name.rstrip("/") for name in fileio.listdir(folder))
