"""The named files and their kind: one, several, a folder of them, or a folder of spans."""

from __future__ import annotations

import codecs
import collections
import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from tfxkit.components.example_gen.compression import UNREADABLE, compression, unpacked
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
_PARQUET = ".parquet"
_HEAD_BYTES = 1 << 10
_CSV_OR_PARQUET = "Save it as CSV or Parquet"
_UNPACK = "Unpack it, and name the files in it"
_BY_PANDAS = "Save it as Parquet: pandas.{}(FILE).to_parquet('data.parquet')"
# First bytes of files that are neither text nor Parquet, and how to read them all the same.
_OTHER_KINDS = (
    (
        rb"PK\x03\x04.{26}(\[Content_Types\]|_rels/|docProps/|xl/)",
        "an Excel workbook",
        "Save it as CSV",
    ),
    (
        rb"PK\x03\x04.{26}mimetypeapplication/vnd.oasis.opendocument",
        "an OpenDocument spreadsheet",
        "Save it as CSV",
    ),
    (rb"PK\x03\x04", "a ZIP archive", _UNPACK),
    (rb"PK\x05\x06", "a ZIP archive or a spreadsheet without content", "Save the data as CSV"),
    (rb"\xd0\xcf\x11\xe0", "a workbook of an old Excel", "Save it as CSV"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (rb"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (rb".{257}ustar", "a tar archive", _UNPACK),
    (rb"\x04\x22\x4d\x18", "packed by LZ4", "Unpack it: unlz4"),
    (rb"ARROW1\0\0", "an Arrow (Feather) file", _BY_PANDAS.format("read_feather")),
    (rb"FEA1", "a Feather file of version 1", _BY_PANDAS.format("read_feather")),
    (rb"\xff\xff\xff\xff.{3}\0", "an Arrow stream", _CSV_OR_PARQUET),
    (rb"ORC", "an ORC file", _BY_PANDAS.format("read_orc")),
    (rb"Obj\x01", "an Avro file", _CSV_OR_PARQUET),
    (
        rb"SQLite format 3\0",
        "an SQLite database",
        "Export the table as CSV, or read it by python -m pipeline ingest",
    ),
    (rb"\x89HDF\r\n", "an HDF5 file", _BY_PANDAS.format("read_hdf")),
    (rb"\x80[\x02-\x05]", "a pickle", _BY_PANDAS.format("read_pickle")),
    (rb"\x93NUMPY", "a NumPy array", _CSV_OR_PARQUET),
    (rb"%PDF-", "a PDF", _CSV_OR_PARQUET),
    (rb"PARE", "an encrypted Parquet file", "Decrypt it"),
)
_NO_TEXT = re.compile(rb"[\x00-\x08]")
_JSON_LINES = ".jsonl"
_JSON = re.compile(rb"\s*\{\s*[\"}]")
_JSON_ARRAY = re.compile(rb"\s*\[\s*[\[{]")


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

    @property
    def span_count(self) -> int:
        """Number of spans."""
        if self.spans is None:
            return 1
        return len({path.relative_to(self.spans).parts[0] for path in self.files})


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
    """Suffix of a file as ExampleGen reads it, such as .csv, .csv.gz or .parquet.

    Raises:
        UsageError: If the file is packed and damaged.
    """
    head, packed = _head(path)
    if head.startswith(b"PAR1") and not packed:
        return _PARQUET
    return f"{_JSON_LINES if _JSON.match(head) else '.csv'}{packed}"


def kind(path: Path) -> str:
    """Kind of a file for the screen: CSV, JSON lines or Parquet."""
    end = suffix(path)
    if end.startswith(_JSON_LINES):
        return "JSON lines"
    return "Parquet" if end == _PARQUET else "CSV"


def _head(path: Path) -> tuple[bytes, str]:
    """First bytes of a file without its compression, and the suffix for that."""
    with path.open("rb") as file:
        packed = compression(file.read(_HEAD_BYTES))
    try:
        with open_unpacked(path) as content:
            return content.read(_HEAD_BYTES).removeprefix(codecs.BOM_UTF8), packed
    except UNREADABLE as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


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
        _refuse_other_kinds(path)
    kinds = {kind(path): path for path in files}
    if len(kinds) > 1:
        shown = " and ".join(f"{path} ({kind})" for kind, path in kinds.items())
        raise UsageError(f"--data: the files are of different kinds: {shown}. Choose one kind.")
    return tuple(files)


def _refuse_other_kinds(path: Path) -> None:
    head, packed = _head(path)
    for first, kind, advice in _OTHER_KINDS:
        # Not text that begins alike, such as a column called ORCID.
        if re.match(first, head, re.DOTALL) and _NO_TEXT.search(head):
            raise UsageError(f"{path} is {kind}. {advice}.")
    if head.startswith(b"PAR1") and packed:
        raise UsageError(f"{path} is a packed Parquet file. Unpack it.")
    if _JSON_ARRAY.match(head):
        raise UsageError(
            f"{path} is one JSON array. Write one object a line: jq -c '.[]' FILE > data.jsonl"
        )


def open_unpacked(path: Path) -> BinaryIO:
    """Opens a file for reading without its compression."""
    file = path.open("rb")
    packed = compression(file.read(_HEAD_BYTES))
    file.seek(0)
    return unpacked(file, packed)
