"""CSV and Parquet files are read alike, and what is wrong with them is said where it is."""

import bz2
import gzip
import lzma

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from tests.components.example_gen.conftest import read_table, reading_of
from tfxkit.components.example_gen import csv_files, tables
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError

READING = reading_of({"count": "INT", "name": "BYTES", "price": "FLOAT"})
GOOD = "count,price,name\n1,1.5,a\n,,\n3.0,2,c\n"
GOOD_ROWS = [
    {"count": 1, "price": 1.5, "name": b"a"},
    {"count": None, "price": None, "name": None},
    {"count": 3, "price": 2.0, "name": b"c"},
]


PACKED = {
    "a.csv.gz": gzip.compress(GOOD.encode()),
    "a.csv.bz2": bz2.compress(GOOD.encode()),
    "a.csv.xz": lzma.compress(GOOD.encode()),
    "a.csv.zst": zstandard.compress(GOOD.encode()),
    "b.csv.zst": zstandard.compress(GOOD[:9].encode()) + zstandard.compress(GOOD[9:].encode()),
}


def test_csv_in_any_container_and_parquet_give_the_same_table(write, tmp_path, small_schema):
    parquet = tmp_path / "rows.parquet"
    # As data frames keep integers with gaps: as floats.
    columns = {"count": [1.0, None, 3.0], "price": [1.5, None, 2], "name": ["a", "", "c"]}
    pyarrow.parquet.write_table(pa.table(columns), parquet)
    paths = [write(name, content) for name, content in PACKED.items()]
    tables = [
        read_table(path, small_schema) for path in (write("a.csv", GOOD), *paths, str(parquet))
    ]
    assert tables[0].to_pylist() == GOOD_ROWS
    assert all(table == tables[0] for table in tables)
    assert tables[0].schema.types == [pa.int64(), pa.float32(), pa.binary()]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('count,name\n1,"a, ""b"""\n2,"two\nlines"\n', [b'a, "b"', b"two\nlines"]),
        ("\ufeffname,count\r\nx,1\r\n\r\ny,2\r\n", [b"x", b"y"]),
        ("count,name\n1,NA\n2,null", [b"NA", b"null"]),
        ('count,name\n1,""\n2,\n', [None, None]),
    ],
    ids=["quoted", "bom, crlf and blank line", "words are text", "empty is missing"],
)
def test_reads_the_dialects_of_csv(write, small_schema, text, names):
    table = read_table(write("a.csv", text), small_schema)
    assert table.column("name").to_pylist() == names
    assert table.column("count").to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("written", "how"),
    [
        ("utf-8", {}),
        ("utf-8-sig", {}),
        ("utf-8-sig", {"encoding": "UTF-8-SIG"}),
        ("latin-1", {"encoding": "latin-1"}),
        ("cp1252", {"encoding": "windows-1252"}),
        ("utf-16", {"encoding": "utf-16"}),
        ("utf-16-be", {"encoding": "utf-16-be"}),
        ("utf-32", {"encoding": "utf-32"}),
    ],
)
@pytest.mark.parametrize(
    "file", [("a.csv", "\n"), ("a.csv", "\r"), ("a.csv", "\r\n"), ("a.csv.gz", "\r\n")]
)
def test_reads_text_of_any_encoding(write, small_schema, written, how, file):
    """With chunks that end within a character."""
    name, ending = file
    text = ending.join(["count,name,größe", '1,"Zoë, ""die""\nGroße",1', "2,n,ü", ""])
    content = text.encode(written)
    path = write(name, gzip.compress(content) if name.endswith("gz") else content)
    for chunk in (1, 3, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_files, "CHUNK_BYTES", chunk)
            table = read_table(path, small_schema, **how)
        assert table.column("name").to_pylist() == ['Zoë, "die"\nGroße'.encode(), b"n"]
        assert table.column("count").to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (
            "count\n1\n".encode("utf-16-le"),
            "utf-16",
            r"line 1 \(byte 0\): .* not utf-16.* utf-16-le",
        ),
        (b"count\n1\n", "utf-16", r"line 1 \(byte 0\): .* not utf-16 .* utf-8"),
        ("count\n12\n".encode("utf-16")[:-1], "utf-16", r"line 2 \(byte 18\): .* ends within"),
        ("count\n1€\n".encode(), "ascii", r"line 2 \(byte 7\): .* not ascii text.* utf-8"),
    ],
)
def test_says_what_the_encoding_may_be_instead(write, small_schema, content, encoding, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        read_table(write("a.csv", content), small_schema, encoding=encoding)


@pytest.mark.parametrize("chunk", [1, 2, 5, 1 << 20])
def test_where_no_text_is_does_not_depend_on_chunks(write, small_schema, monkeypatch, chunk):
    path = write("a.csv", b"count,name\n1,a\xc3\xa4\n2,\xc3\xa4b\xc3\n")
    monkeypatch.setattr(csv_files, "CHUNK_BYTES", chunk)
    with pytest.raises(DataError, match=r"line 3 \(byte 22\)"):
        read_table(path, small_schema)


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ('count;name\n1;a,b\n;n/a\n-999;"c;d"\n', {"delimiter": ";"}),
        ("count\tname\n1\ta,b\n?\tn/a\n-999\tc;d\n", {"delimiter": "\t"}),
        ("count|name\n1|a,b\n|n/a\n-999|'c;d'\n", {"delimiter": "|", "quote": "'"}),
    ],
)
def test_delimiter_quote_and_words_for_what_is_missing(write, small_schema, text, how):
    path = write("a.csv", text)
    table = read_table(path, small_schema, **how, missing=["n/a", "?", -999])
    assert table.column("name").to_pylist() == [b"a,b", None, b"c;d"]
    assert table.column("count").to_pylist() == [1, None, None]
    (raw,) = tables.read_raw_batches(
        path, ["count", "name"], CsvFormat(**how, missing=("n/a", "?"))
    )
    assert raw.column("name").to_pylist() == ["a,b", "n/a", "c;d"]


def test_without_quotes_a_quote_is_a_character_like_others(write, small_schema):
    table = read_table(write("a.csv", 'count,name\n1,"a\n2,5" disk\n'), small_schema, quote="")
    assert table.column("name").to_pylist() == [b'"a', b'5" disk']


def test_a_word_for_what_is_missing_gives_no_type(write):
    path = write("a.csv", "count,x,y\n1,?,?\n2,3,?\n")
    reading = reading_of({"count": "INT"}, missing=("?",))
    assert tables.guess_types(path, reading, CsvFormat(missing=("?",))) == {"x": "INT"}


def test_header_without_rows_is_an_empty_table(write, small_schema):
    table = read_table(write("a.csv", "count,name"), small_schema)
    assert table.num_rows == 0
    assert table.column_names == ["count", "name"]


def test_missing_column_is_absent_and_unknown_one_is_left_out(write, small_schema):
    table = read_table(write("a.csv", "other,count\nx,1\n"), small_schema)
    assert table.to_pylist() == [{"count": 1}]


def test_a_first_column_without_a_name_numbers_the_rows_and_is_left_out(write, small_schema):
    path = write("a.csv", ",count,name\n7,1,a\n8,2,b\n")
    table = read_table(path, small_schema)
    assert table.to_pylist() == [{"count": 1, "name": b"a"}, {"count": 2, "name": b"b"}]
    [raw] = tables.read_raw_batches(path, ["count", "name"])
    assert raw.schema.names == ["count", "name"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("count,name\n1,a\n2\n", "names 2 columns, but 1 row has .* line 3 has 1: '2'\n"),
        ('count,name\n1,"a\nb"\n2,a,b\n\n3\n4,"x,y"\n', "2 rows .* line 4 has 3: .* line 6 has 1"),
        ("count,name\n" + "1\n" * 20 + "1,a\n", "20 rows .* line 6 has 1: '1'\n  and 15 more\n"),
        ("", "is empty: it lacks even the line with the column names"),
        ("count;name\n1;a\n", "are separated by ';': set data.csv.delimiter to that.$"),
        ("a,b\tcount\tname\n1\t1\ta\n", r"are separated by '\\t'"),
        ("1,1.5,a\n2,2.5,b\n", "none of the columns in configs/schema.pbtxt"),
        ("count,name,count\n1,a,2\n", "more than one column 'count'"),
        ('count,"name\n' + "1,a\n" * 50_000, "cannot be read as CSV"),
        ("count,,name\n0,1,a\n", "column 2 has no name"),
        ("count,größe\n".encode("latin-1"), r"line 1 \(byte 8\).* not utf-8 text.*cp1252"),
        (
            "count,name\n1,a\n2,größe\n".encode("latin-1"),
            r"line 3 \(byte 19\): what .* after '2,gr' is not utf-8 text.\nIt may be cp1252",
        ),
        ("count,name\n1,a\n".encode("utf-16"), "line 1 .* may be utf-16: set data.csv.encoding"),
        ("count,name\n1,a\n".encode("utf-16-le"), "line 1 .* may be utf-16-le"),
        ("größe,name\n1,a\n".encode("utf-16-be"), "line 1 .* may be utf-16-be"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00xl/workbook.xml" * 9, "Is it text at all"),
        ("count,name\n1,a\n2.5,b\n", r"count is INT, but line 3 has '2\.5'\n"),
        ('count,name\n1,"a\n\nb"\nx,b\n,c\ny,d\n', "INT, but line 5 has 'x', as do 1 more"),
    ],
)
def test_says_what_is_wrong_with_a_csv_file_and_where(write, small_schema, content, message):
    path = write("bad.csv", content)
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        read_table(path, small_schema)
    assert path in str(caught.value)


def test_collects_misfits_over_columns_and_blocks(write, small_schema, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 64)
    rows = [f"{i},{i}\n" for i in range(100)]
    rows[50], rows[90], rows[91] = "fifty,50\n", "ninety,90\n", "91,9l\n"
    with pytest.raises(DataError) as caught:
        read_table(write("a.csv", "count,price\n" + "".join(rows)), small_schema)
    assert "count is INT, but line 52 has 'fifty', as do 1 more" in str(caught.value)
    assert "price is FLOAT, but line 93 has '9l'\n" in str(caught.value)


@pytest.mark.parametrize("name", [*PACKED, "a.parquet"])
@pytest.mark.parametrize(
    "content",
    [
        b"PAR1 not really",
        gzip.compress(GOOD.encode() * 50)[:-20],
        b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff",
        bz2.compress(GOOD.encode() * 50)[:-20],
        lzma.compress(GOOD.encode() * 50)[:-20],
        zstandard.compress(GOOD.encode() * 50)[:-2],
    ],
    ids=["another format", "truncated", "corrupt", "bz2", "xz", "zst"],
)
def test_says_that_a_file_is_damaged(write, small_schema, name, content):
    with pytest.raises(DataError, match="cannot be read as"):
        read_table(write(name, content), small_schema)


def test_parquet_misfit_names_row_and_column(tmp_path, small_schema):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"count": [1.0, 2.5]}), path)
    with pytest.raises(DataError, match=r"count is INT, but row 2 has 2\.5"):
        read_table(str(path), small_schema)
    pyarrow.parquet.write_table(pa.table({"count": [[1], [2, 3]]}), path)
    with pytest.raises(DataError, match=r"count is list.* cannot be read as INT"):
        read_table(str(path), small_schema)


def test_guesses_one_type_for_all_files(write):
    texts = ["count,x,y,z,w\n1,1,1,,2020-01-01\n", "count,x,y,z,w\n1,2,2.5,,\n", "count,x\n1,a\n"]
    guesses = [tables.guess_types(write(f"{i}.csv", t), READING) for i, t in enumerate(texts)]
    assert guesses[0] == {"x": "INT", "y": "INT", "w": "BYTES"}
    assert tables.widest_types(guesses) == {"w": "BYTES", "x": "BYTES", "y": "FLOAT"}


def test_guesses_by_the_types_of_parquet(tmp_path):
    table = pa.table(
        {"count": [1], "a": [1], "b": [True], "c": [1.5], "d": ["x"], "e": pa.nulls(1)}
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    guess = tables.guess_types(str(tmp_path / "a.parquet"), READING)
    assert guess == {"a": "INT", "b": "BYTES", "c": "FLOAT", "d": "BYTES"}


def test_keeps_columns_with_a_guessed_type(write):
    path = write("a.csv", "count,extra\n1,2\n")
    (batch,) = tables.read_batches(path, READING, guessed={"extra": "FLOAT"})
    assert batch.to_pylist() == [{"count": 1, "extra": 2.0}]
