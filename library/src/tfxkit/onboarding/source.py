"""The named files and their format: one, several, a folder of them, or a folder of spans."""

from __future__ import annotations

import codecs
import collections
import csv
import dataclasses
import gzip
import itertools
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from tfxkit.config.data import CsvFormat
from tfxkit.config.formats import LONGEST_PIPELINE_NAME, is_pipeline_name
from tfxkit.errors import UsageError

_SPAN = re.compile(r"span-(\d+)")
_VERSION = re.compile(r"version-(\d+)")
_IGNORED = re.compile(r"[._].*|.*~|.*\.(tmp|crc)")
_FAST = "-fast"  # appended to the name of the pipeline by configs/fast.yaml
_DERIVED_NAME_LENGTH = LONGEST_PIPELINE_NAME - len(_FAST)
# Endings that a copy of a file loses before it gets the one of its format.
_ENDINGS = re.compile(
    r"(\.(csv|tsv|tab|txt|dat|data|parquet|pq|jsonl?|ndjson|gz|gzip|bz2|xz|zst|tmp|crc|bak))*~*$",
    re.IGNORECASE,
)
_LONGEST_STEM = 200  # bytes in UTF-8; file systems allow 255 for the whole name
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
DELIMITERS = ",;\t|"
_LINES = 200  # enough to distinguish a delimiter from a comma in a text
_CHUNK_BYTES = 1 << 20
_MOST_CHUNKS = 256  # a file whose first letter beyond ASCII comes later is read as UTF-8
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LATIN = "cp1252"  # "ANSI" on Windows; a superset of the printable characters of Latin-1


@dataclasses.dataclass(frozen=True)
class Source:
    """Data as it lies on the disk.

    Attributes:
        files: Files in the order of spans and names.
        name: Name of the file or folder, as a name of a pipeline.
        spans: Folder of `span-<number>` folders, if one was named: it is used where it lies. Files
            are copied into the project.
    """

    files: tuple[Path, ...]
    name: str
    spans: Path | None = None


def find_source(paths: Sequence[Path]) -> Source:
    """Finds the files.

    Raises:
        UsageError: If a file is missing or is no data, or if a folder is mixed with others.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"--data: there is no {path}")
    for path, count in collections.Counter(path.resolve() for path in paths).items():
        if count > 1:
            raise UsageError(f"--data: {path} is named {count} times. Name each file once.")
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
    """Suffix of a file as ExampleGen reads it: .csv, .csv.gz or .parquet."""
    with path.open("rb") as file:
        head = file.read(4)
    if head == _PARQUET:
        return ".parquet"
    return ".csv.gz" if head.startswith(_GZIP) else ".csv"


def pipeline_name(path: Path) -> str:
    """Derives a name of a pipeline from a path: lower-case letters, digits and dashes.

    It leaves room for the name of the pipeline in `configs/fast.yaml`.
    """
    stem = path.resolve().name.split(".")[0] or path.resolve().name
    letters = unicodedata.normalize("NFKD", stem.lower())  # ü is a u, and two dots
    plain = re.sub(r"[\u0300-\u036f]", "", letters)
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return _cut(name, _DERIVED_NAME_LENGTH) or "own-data"


def fast_pipeline_name(name: str) -> str:
    """Name of the pipeline in `configs/fast.yaml`; never the given one."""
    fast = f"{_cut(name, _DERIVED_NAME_LENGTH)}{_FAST}"
    return fast if fast != name else f"{_cut(name, _DERIVED_NAME_LENGTH - 1)}{_FAST}"


def data_file_names(files: Sequence[Path]) -> list[str]:
    """Names for copies of files in one span, so that a run reads each of them.

    They keep the stem as far as a run allows: names that start with a dot or an underscore count as
    temporary, and two files with one stem as the same rows twice.
    """
    names: list[str] = []
    taken: set[str] = set()
    for path in files:
        stem = _stem(path.name)
        free = (f"{stem}-{number}" if number > 1 else stem for number in itertools.count(1))
        name = next(each for each in free if each.casefold() not in taken)
        taken.add(name.casefold())
        names.append(f"{name}{suffix(path)}")
    return names


def _stem(name: str) -> str:
    stem = _ENDINGS.sub("", name, count=1).lstrip("._-~ ")
    encoded = stem.encode(errors="ignore")[:_LONGEST_STEM]
    return encoded.decode(errors="ignore").strip() or "data"


def _cut(name: str, length: int) -> str:
    """The beginning of a name, up to a dash if one is near."""
    if len(name) <= length:
        return name
    whole_words = name[: length + 1].rpartition("-")[0]
    near = len(whole_words) > length // 2
    return (whole_words if near else name[:length]).rstrip("-")


def checked_name(name: str) -> str:
    """Checks the name of a pipeline.

    Raises:
        UsageError: If the configuration would not accept it.
    """
    if is_pipeline_name(name):
        return name
    near = pipeline_name(Path("/", name))
    raise UsageError(
        f"--name: {name!r} is no name of a pipeline: at most {LONGEST_PIPELINE_NAME} lower-case "
        f"letters, digits and dashes, no dash at the beginning; {near!r}, for example."
    )


def _newest_version(span: Path) -> Path:
    """Folder of a span that a run reads; `tfxkit.components.example_gen.spans` without TFX."""
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


def detect_format(path: Path) -> CsvFormat:
    """Detects encoding, delimiter and quote of a CSV file.

    The delimiter splits most of the first lines into as many values as the header, at least two.
    A file with one column has none.

    Raises:
        UsageError: If the file is no text.
    """
    encoding = _encoding(path)
    with open_unpacked(path) as file:
        text = codecs.getreader("utf-8-sig" if encoding == "utf-8" else encoding)(file)
        lines = list(itertools.islice(iter(text.readline, ""), _LINES))
    quote = _quote(lines)
    delimiter = max(DELIMITERS, key=lambda sign: _fit(lines, sign, quote))
    return CsvFormat(delimiter=delimiter, quote=quote, encoding=encoding)


def open_unpacked(path: Path) -> BinaryIO:
    """Opens a file for reading, and unpacks gzip."""
    return gzip.open(path) if suffix(path) == ".csv.gz" else path.open("rb")  # type: ignore[return-value]


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_unpacked(path) as file:
            for number in range(_MOST_CHUNKS):
                chunk = file.read(_CHUNK_BYTES)
                if not number:
                    for bom, encoding in _BOMS:
                        if chunk.startswith(bom):
                            return encoding
                if b"\0" in chunk:
                    raise UsageError(
                        f"{path} is not text: it holds zero bytes. Save it as CSV or Parquet."
                    )
                decoder.decode(chunk, final=not chunk)
                if not chunk:
                    break
    except UnicodeDecodeError:
        return _LATIN
    except (OSError, EOFError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return "utf-8"


def _quote(lines: list[str]) -> str:
    """Apostrophe, if most lines have values between apostrophes, and none a double quote."""
    text = "".join(lines)
    around = re.compile(rf"(^|[{DELIMITERS}])'[^']*'($|[{DELIMITERS}])")
    in_most = sum(1 for line in lines if around.search(line.strip())) > len(lines) / 2
    return "'" if in_most and '"' not in text else '"'


def _fit(lines: list[str], delimiter: str, quote: str) -> tuple[float, int]:
    """Share of the lines with as many values as the header, and the number of these values."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if row]
    except csv.Error:
        return 0.0, 0
    counts = collections.Counter(map(len, rows))
    width = len(rows[0]) if rows else 0
    return (counts[width] / len(rows), width) if width > 1 else (0.0, width)
