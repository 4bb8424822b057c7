"""What lies in a folder of data: its spans, the versions of a span, and the files of either."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from components.example_gen.reading import SUFFIXES
from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

# Not data: hidden files, and what editors and Spark leave behind.
_IGNORED = re.compile(r"[._].*|.*~|.*\.(tmp|crc)")


def spans(input_base: str) -> dict[int, str]:
    """The folders `span-<number>` by their number; whatever else is there does not count.

    Raises:
        DataError: If there are none, or two of a number.
    """
    names = _listdir(input_base)
    folders = _numbered("span", input_base, names)
    if not folders:
        raise DataError(
            f"{input_base} has no spans: folders span-1, span-2, … with CSV or Parquet files.\n"
            f"Found: {', '.join(names[:5]) or 'nothing'}.\n"
            "Put the files into such folders, or set data.path to where they are."
        )
    return folders


def version(span: str, settled: int | None = None) -> tuple[int | None, str]:
    """The version of a span to read: the newest, as of TFX's `{VERSION}`, or the one settled on.

    Args:
        span: The folder of the span.
        settled: The number of the version, if it must be a certain one.

    Returns:
        Number and folder of the version; None and the span itself if it has no versions.

    Raises:
        DataError: If something lies beside the versions, if there are two of a number, or if the
            one settled on is not there any more.
    """
    names = _names_of_data(span)
    folders = {
        number: path
        for number, path in _numbered("version", span, names).items()
        if fileio.isdir(path)
    }
    if settled is not None and settled not in folders:
        raise DataError(
            f"{span} has no version {settled} any more, which this run was to read. Start it again."
        )
    if not folders:
        return None, span
    others = [name for name in names if os.path.join(span, name) not in folders.values()]
    if others:
        raise DataError(
            f"{span} holds {others[0]} beside folders of versions, of which the newest is read.\n"
            "Put it into a version-<number> of its own, or take it out of the span."
        )
    number = max(folders) if settled is None else settled
    return number, folders[number]


def data_files(folder: str) -> list[str]:
    """The paths of the files of a span or version, by name.

    Raises:
        DataError: If there are none, or some that cannot be read or that are there twice.
    """
    names = _names_of_data(folder)
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


def _numbered(kind: str, folder: str, names: Iterable[str]) -> dict[int, str]:
    """The paths of those named `<kind>-<number>`, by number."""
    found: dict[int, str] = {}
    for name in names:
        match = re.fullmatch(rf"{kind}-(\d+)", name)
        if match is None:
            continue
        if (number := int(match[1])) in found:
            raise DataError(
                f"{folder} has {kind} {number} twice, as {os.path.basename(found[number])} and as "
                f"{name}. Merge or rename one of them."
            )
        found[number] = os.path.join(folder, name)
    return found


def _names_of_data(folder: str) -> list[str]:
    return [name for name in _listdir(folder) if not _IGNORED.fullmatch(name)]


def _listdir(folder: str) -> list[str]:
    if not fileio.isdir(folder):
        raise DataError(f"There is no folder {folder}. Set data.path to where the spans are.")
    # Object stores end the names of folders with a slash.
    return sorted(name.rstrip("/") for name in fileio.listdir(folder))
