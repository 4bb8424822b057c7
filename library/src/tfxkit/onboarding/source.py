"""The named files: one, several, a folder of them, or a folder of spans."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tfxkit.errors import UsageError

_SPAN = re.compile(r"span-(\d+)")
_VERSION = re.compile(r"version-(\d+)")
_IGNORED = re.compile(r"[._].*|.*~|.*\.(tmp|crc)")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")  # somewhat shorter than tfxkit.config.loading has it
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@dataclasses.dataclass(frozen=True)
class Source:
    """The data as it lies on the disk.

    Attributes:
        files: In the order of spans and names.
        name: What the data is called: the name of the file or folder, fit for a pipeline's name.
        spans: The folder of `span-<number>` folders, if that is what was named: it is used where it
            lies. Files are copied into the project.
    """

    files: tuple[Path, ...]
    name: str
    spans: Path | None = None


def find(paths: Sequence[Path]) -> Source:
    """Finds the files.

    Raises:
        UsageError: If one is not there or cannot be data, or if a folder is mixed with others.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"--data: there is no {path}")
    if len(paths) > 1 and (folder := next((path for path in paths if path.is_dir()), None)):
        raise UsageError(f"--data: {folder} is a folder: name one folder, or files only")
    name = pipeline_name(paths[0])
    if not paths[0].is_dir():
        return Source(_checked(paths), name)
    folder = paths[0]
    spans = sorted(
        (path for path in folder.iterdir() if path.is_dir() and _SPAN.fullmatch(path.name)),
        key=lambda path: int(path.name.removeprefix("span-")),
    )
    parts = [_newest_version(span) for span in spans] or [folder]
    files = [path for part in parts for path in _data_files(part)]
    if not files:
        raise UsageError(f"--data: there are no files in {folder}")
    return Source(_checked(files), name, folder if spans else None)


def suffix(path: Path) -> str:
    """The ending that ExampleGen reads such a file by: .csv, .csv.gz or .parquet."""
    with path.open("rb") as file:
        head = file.read(4)
    if head == _PARQUET:
        return ".parquet"
    return ".csv.gz" if head.startswith(_GZIP) else ".csv"


def pipeline_name(path: Path) -> str:
    """Lower case letters, digits and dashes, as the configuration wants them."""
    stem = path.resolve().name.split(".")[0] or path.resolve().name
    letters = unicodedata.normalize("NFKD", stem.lower())  # ü is a u, and two dots
    plain = re.sub(r"[\u0300-\u036f]", "", letters)
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return name[:100].rstrip("-") or "own-data"


def checked_name(name: str) -> str:
    """A pipeline's name that the user gave.

    Raises:
        UsageError: If the configuration would not take it.
    """
    if _NAME.fullmatch(name):
        return name
    near = pipeline_name(Path("/", name))
    raise UsageError(
        f"--name: {name!r} is no name of a pipeline: lower case letters, digits and dashes, up to "
        f"100, not beginning with a dash; {near!r}, for example."
    )


def _newest_version(span: Path) -> Path:
    """Files of a span that a run reads; `tfxkit.components.example_gen.spans` without TFX."""
    versions: dict[int, Path] = {}
    for path in sorted(span.iterdir()):
        if path.is_dir() and (match := _VERSION.fullmatch(path.name)):
            if (other := versions.get(int(match[1]))) is not None:
                raise UsageError(f"{span} has a version twice: {other.name} and {path.name}.")
            versions[int(match[1])] = path
    if versions and (beside := _data_files(span)):
        raise UsageError(
            f"{span} holds {beside[0].name} beside folders of versions, and only the newest "
            "version is read. Put it into its own version-<number>."
        )
    return versions[max(versions)] if versions else span


def _data_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and not _IGNORED.fullmatch(p.name))


def _checked(files: Sequence[Path]) -> tuple[Path, ...]:
    for path in files:
        if not path.stat().st_size:
            raise UsageError(f"{path} is empty: it lacks even the line with the column names.")
        if zipfile.is_zipfile(path):
            raise UsageError(
                f"{path} is a ZIP archive or a spreadsheet. Unpack it, or save it as CSV."
            )
    if len({suffix(path) == ".parquet" for path in files}) > 1:
        raise UsageError("--data: some of the files are Parquet and some are not: choose one kind.")
    return tuple(files)
