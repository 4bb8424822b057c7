"""A large file is read in parts, and their rows are those of the file, whatever is in it."""

from __future__ import annotations

import gzip
import itertools
import random
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet
import pytest
from botocore.response import StreamingBody

from tests.components.example_gen.conftest import reading_of
from tfxkit.components.example_gen import files, tables
from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.files import Part
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

NAMES = ("a", "bé", "c")
TYPES = dict.fromkeys(NAMES, "BYTES")
DIALECTS = [
    CsvFormat(),
    CsvFormat(delimiter=";", quote="'"),
    CsvFormat(delimiter="\t", quote=""),
    CsvFormat(delimiter=" ", missing=("NA",)),
]


def rows_of(path: str, how: CsvFormat, part: Part | None = None) -> list[bytes]:
    batches = tables.read_batches(path, reading_of(TYPES), how, part=part)
    return [row for batch in batches for row in encode_batch(batch).to_pylist()]


def parts_of(path: str, how: CsvFormat) -> list[Part | None]:
    """As the step cuts the file."""
    [source] = files.data_files([path], how)
    if not source.is_cut:
        return [Part(i, source.parts) for i in range(source.parts)] if source.parts > 1 else [None]
    return files.cut_file(source, [files.scan_range(source, i, how) for i in range(source.parts)])


class Text:
    """Random CSV files."""

    def __init__(self, seed: int, how: CsvFormat) -> None:
        self.random, self.how = random.Random(seed), how

    def file(self, value) -> str:
        """Rows of values, with whatever line breaks, blank lines and byte order mark there are."""
        pick = self.random.choice
        width = pick([1, 2, 3])
        breaks = pick([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])
        rows = [[value() for _ in range(width)] for _ in range(pick([3, 10, 40]))]
        lines = [self.how.delimiter.join(row) for row in [list(NAMES[:width]), *rows]]
        text = "".join(line + pick(breaks) * pick([1, 1, 1, 2]) for line in lines)
        return pick(["", "\ufeff", "\n\r\n"]) + (text if pick([0, 1]) else text.rstrip("\r\n"))

    def value(self) -> str:
        """A value as programs write it."""
        pick, quote = self.random.choice, self.how.quote
        plain = pick(["", "x", "12", "é€", "NA", "a_longer_value"])
        if not quote or pick([0, 1]):
            return plain
        inside = [plain, self.how.delimiter, "\n", "\r\n", "\r", quote * 2]
        return quote + "".join(self.random.choices(inside, k=pick([0, 1, 2, 5]))) + quote

    def stray(self) -> str:
        """A value as people write it, with quotes anywhere."""
        quote = self.how.quote or '"'
        odd = [
            f"5{quote}",
            f" {quote}x{quote}",
            f"{quote}x{quote}y",
            quote,
            f"x{quote * 2}y{quote}",
        ]
        return self.random.choice(odd) if self.random.random() < 0.05 else self.value()


@pytest.fixture(params=[1, 7, 1 << 20])
def tiny(request, monkeypatch) -> Iterator[None]:
    """Parts of some rows, looked at in chunks that end anywhere."""
    monkeypatch.setattr(files, "PART_BYTES", 40)
    monkeypatch.setattr(files, "CHUNK_BYTES", request.param)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("how", DIALECTS, ids=lambda how: f"{how.delimiter!r} {how.quote}")
def test_parts_give_the_rows_of_the_file(write, how):
    cut = 0
    for seed in range(60):
        text = Text(seed, how)
        path = write("a.csv", text.file(text.value))
        found = parts_of(path, how)
        assert [row for part in found for row in rows_of(path, how, part)] == rows_of(path, how)
        cut += sum(part is not None and bool(part.pieces) for part in found) > 1
    assert cut > 20


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("how", DIALECTS, ids=lambda how: f"{how.delimiter!r} {how.quote}")
def test_a_file_with_stray_quotes_is_never_read_otherwise(write, how):
    outcomes = set()
    for seed in range(120):
        text = Text(seed, how)
        path = write("a.csv", text.file(text.stray))
        found = parts_of(path, how)
        try:
            whole = rows_of(path, how)
        except DataError:
            with pytest.raises(DataError):  # which makes the step read the whole file
                [rows_of(path, how, part) for part in found]
            continue
        assert [row for part in found for row in rows_of(path, how, part)] == whole
        if len(found) > 1:
            outcomes.add(found[0] is None)
    assert outcomes == ({True, False} if how.quote else {False})


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("blank", ["", "\n", "\r\n\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("header", ["a,bé\n", '"a","bé"\r\n', '"a\n""","bé"\r'])
def test_the_header_is_found(write, monkeypatch, header, mark, blank):
    monkeypatch.setitem(TYPES, 'a\n"', "BYTES")
    path, how = write("a.csv", mark + blank + header + '1,"x\n"\n' * 20), CsvFormat()
    found = parts_of(path, how)
    rows = [rows_of(path, how, part) for part in found]
    assert len(rows) > 3
    assert all(rows)
    assert list(itertools.chain(*rows)) == rows_of(path, how)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    "text",
    [
        "a,bé\n" + "1,x\n" * 30 + '1,5" disk\n',
        "a,bé\n" + "1,x\n" * 30 + '1, "x"\n',
        "a,bé\n" + "1,x\n" * 30 + '1,"x"y""\n',
        "a,bé\n" + "1,x\n" * 30 + '1,"open\n' + "1,x\n" * 30,
        f"a,{'b' * 60}\n" + "1,x\n" * 30,
        "\n" * 9999 + "a,bé\n" + "1,x\n" * 30,
    ],
    ids=["within", "after a space", "after the end", "open", "long header", "blank lines"],
)
def test_what_cannot_be_cut_safely_is_read_as_a_whole(write, text):
    first, *others = parts_of(write("a.csv", text), CsvFormat())
    assert first is None
    assert others
    assert not any(part.pieces for part in others)


@pytest.mark.usefixtures("tiny")
def test_a_stray_quote_is_seen_wherever_a_range_begins(write):
    for shift in range(120):
        text = f"a,bé\n1,{'x' * shift}\n" + "1,x\n" * 30 + '1,5" disk\n'
        assert parts_of(write("a.csv", text), CsvFormat())[0] is None


@pytest.mark.usefixtures("tiny")
def test_a_row_longer_than_a_part_is_in_the_one_where_it_starts(write):
    how = CsvFormat(quote="'")
    path = write("a.csv", "a,bé\n1,'" + "long\n" * 50 + "'\n2,x\n3,y\n" + "4,z\n" * 10)
    found = parts_of(path, how)
    rows = [len(rows_of(path, how, part)) for part in found]
    assert sum(rows) == 13
    assert rows.count(0) >= 5
    assert [part.pieces == () for part in found] == [count == 0 for count in rows]


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("name", "content", "how"),
    [
        ("a.csv", "a,bé\n" + "1,x\n" * 4, {}),
        ("a.csv.gz", gzip.compress(random.Random(0).randbytes(500)), {}),
        ("a.csv", ("a,bé\n" + "1,ü\n" * 40).encode("cp1252"), {"encoding": "cp1252"}),
        ("a.csv", ("a,bé\n" + "1,ü\n" * 40).encode("utf-16"), {"encoding": "utf-16"}),
    ],
    ids=["small", "packed", "another encoding", "two bytes a character"],
)
def test_what_is_small_or_cannot_be_cut_is_read_as_a_whole(write, name, content, how):
    [source] = files.data_files([write(name, content)], CsvFormat(**how))
    assert source.parts == 1


def test_shards_are_numbered_through_and_depend_on_sizes_alone(write, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", 100)
    sizes = (100, 101, 250, 30)
    paths = [write(f"{i}.csv", "a" * size) for i, size in enumerate(sizes)]
    found = files.data_files(paths, CsvFormat())
    assert [(source.shard, source.parts) for source in found] == [(0, 1), (1, 2), (3, 3), (6, 1)]
    assert [found[2].range(i) for i in range(3)] == [(0, 83), (83, 166), (166, 250)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_row_groups_are_dealt_out_in_their_order(tmp_path, monkeypatch, count):
    path = str(tmp_path / "a.parquet")
    table = pa.table({"a": [f"{i}" * (i % 9) for i in range(90)]})
    pyarrow.parquet.write_table(table, path, row_group_size=11)
    monkeypatch.setattr(files, "PART_BYTES", -(-(tmp_path / "a.parquet").stat().st_size // count))
    found = parts_of(path, CsvFormat())
    assert len(found) == count
    rows = [rows_of(path, CsvFormat(), part) for part in found]
    assert list(itertools.chain(*rows)) == rows_of(path, CsvFormat())
    assert sum(map(bool, rows)) > count / 3


def test_parquet_without_rows_has_parts_without_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", 100)
    path = str(tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    found = parts_of(path, CsvFormat())
    assert len(found) > 1
    assert not any(rows_of(path, CsvFormat(), part) for part in found)


def test_a_part_of_an_object_is_read_without_the_rest(s3, monkeypatch):
    path, how = f"{s3}/large.csv", CsvFormat()
    text = "a,bé\n" + "".join(f"{i},x\n" for i in range(1_200_000))
    with fileio.open(path, "w") as file:
        file.write(text)
    monkeypatch.setattr(files, "PART_BYTES", 2 << 20)
    found = parts_of(path, how)
    assert len(found) == 6
    read = Counted(monkeypatch)
    rows = []
    for part in found:
        before = read.bytes
        rows += rows_of(path, how, part)
        assert read.bytes - before < len(text) / 2  # the part, and what buffers read ahead
    assert len(rows) == 1_200_000
    assert rows == list(dict.fromkeys(rows))


class Counted:
    """Counts the bytes that come from the store."""

    def __init__(self, monkeypatch) -> None:
        self.bytes = 0
        readinto = StreamingBody.readinto

        def counted(body, buffer):
            count = readinto(body, buffer)
            self.bytes += count
            return count

        monkeypatch.setattr(StreamingBody, "readinto", counted)
