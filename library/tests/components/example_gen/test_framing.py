"""Lines and signs around the rows of CSV files are left out; lines keep their numbers."""

import logging

import pytest

from tests.components.example_gen.conftest import read_table
from tfxkit.components.example_gen import csv_files, files, tables
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError

ROWS = [{"count": 1, "name": b"a"}, {"count": 2, "name": b"b"}]


def read(path, schema, **csv):
    """Rows by ExampleGen's reader, which must be those of the reader of `predict`."""
    table = read_table(path, schema, **csv)
    how = CsvFormat.model_validate(csv)
    raw = [row for b in tables.read_raw_batches(path, ["count", "name"], how) for row in b["name"]]
    assert [value.as_py() for value in raw] == [
        value and value.decode() for value in table["name"].to_pylist()
    ]
    return table.to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\ncount;name\n1;a\n2;b\n",
        "sep=;\r\ncount;name\r\n1;a\r\n2;b\r\n",
        "\ufeffSEP=;\r\rcount;name\r1;a\r2;b\r",
        '"sep=;"\n\ncount;name\n1;a\n2;b',
        "sep=|\ncount|name\n1|a\n2|b\n",
        "sep=\\t\ncount\tname\n1\ta\n2\tb\n",
        "sep=\t\ncount\tname\n1\ta\n2\tb\n",
        "sep=,,\ncount,name\n1,a\n2,b\n",
    ],
)
@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_the_note_of_the_delimiter_is_none_of_the_rows(
    write, small_schema, monkeypatch, text, chunk
):
    monkeypatch.setattr(csv_files, "CHUNK_BYTES", chunk)
    assert read(write("a.csv", text), small_schema) == ROWS
    assert read(write("b.csv", text.encode("utf-16")), small_schema, encoding="utf-16") == ROWS


def test_lines_below_the_note_keep_their_numbers(write, small_schema):
    with pytest.raises(DataError, match="line 4 has 'x'"):
        read(write("a.csv", "sep=;\ncount;name\n1;a\nx;b\n"), small_schema)


def test_a_file_with_a_note_is_read_in_one_part(write, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", 40)
    path = write("a.csv", "sep=;\ncount;name\n" + "1;a\n" * 99)
    [file] = files.data_files([path], CsvFormat())
    scans = [files.scan_range(file, number, CsvFormat()) for number in range(file.parts)]
    assert files.cut_file(file, scans)[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "count,name,\n1,a,\n2,b,\n",
        "count,name,,,\n1,a,,,\n2,b, ,,\n",
        "count,name\n1,a,\n2,b,\n",
        'count,name,""\n1,a,""\n2,b,\n',
        "\ufeffcount,name,\r\n1,a,\r\n2,b,\r\n",
    ],
)
def test_a_delimiter_at_the_end_of_lines_is_no_column(write, small_schema, monkeypatch, text):
    path = write("a.csv", text)
    assert read(path, small_schema) == ROWS
    assert tables.column_names(path, ["count"]) == ["count", "name"]
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 16)
    assert read(path, small_schema) == ROWS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count,name,\n1,a,\n\n2,b,x\n", "line 4: 'x' is in column 3, which has no name"),
        ("count,name,,\n1,a,,\n2,b,,x\n", "line 3: 'x' is in column 4, which has no name"),
        ("count,name\n1,a,\n2,b,x\n", "line 3: 'x' is in column 3, which has no name"),
        ("count,name,\n1,a,x\n2,b,\n", "column 3 has no name"),
        ("count,name,\n1,a,\n2,b\n", "line 3 has 2: '2,b'"),
        ("count,name\n1,a,\n2,b\n", "line 3 has 2: '2,b'"),
        ("count,name\n1,a\n2,b,\n", "line 3 has 3: '2,b,'"),
    ],
)
def test_a_value_without_a_name_is_refused_with_its_line(write, small_schema, text, message):
    with pytest.raises(DataError, match=message):
        read(write("a.csv", text), small_schema)


@pytest.mark.parametrize(
    "part", ["count,name\n2,b\n", "count,name\r\n2,b\r\n", '"count",name\n2,b']
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_headers_of_joined_files_are_no_rows(write, small_schema, caplog, part, mark):
    path = write("a.csv", "count,name\n1,a\n" + mark + part)
    assert read(path, small_schema) == ROWS
    with caplog.at_level(logging.WARNING):
        assert read(path, small_schema) == ROWS
    assert "1 rows that repeat the header are left out" in caplog.text


def test_headers_are_found_in_each_block(write, small_schema, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 24)
    path = write("a.csv", "count,name\n1,a\n2,b\n" * 9)
    assert read(path, small_schema) == ROWS * 9


def test_rows_that_repeat_some_names_only_are_rows(write, small_schema):
    text = "name,other,count\nname,x,\nname,other,count\nname,,3\n"
    assert read(write("a.csv", text), small_schema) == [
        {"name": b"name", "count": None},
        {"name": b"name", "count": 3},
    ]


def test_lines_below_a_repeated_header_keep_their_numbers(write, small_schema):
    text = "count,name\n1,a\ncount,name\n2,b\ncount,name\nx,c\n"
    with pytest.raises(DataError, match="line 6 has 'x'"):
        read(write("a.csv", text), small_schema)


def test_headers_and_delimiters_at_the_end_in_parts(write, monkeypatch, small_schema):
    part = "count,name,\n" + "1,a,\n2,b,\n" * 20
    path = write("a.csv", part * 3)
    expected = read(path, small_schema)
    assert expected == ROWS * 60
    monkeypatch.setattr(files, "PART_BYTES", 40)
    [file] = files.data_files([path], CsvFormat())
    scans = [files.scan_range(file, number, CsvFormat()) for number in range(file.parts)]
    parts = files.cut_file(file, scans)
    assert len(parts) > 9
    reading = tables.Reading.of(small_schema)
    rows = [
        row
        for part in parts
        for batch in tables.read_batches(path, reading, part=part)
        for row in batch.to_pylist()
    ]
    assert rows == expected


def test_values_and_headers_may_be_long(write, small_schema):
    names = ",".join(f"column_{number:06}" for number in range(70_000))
    path = write("a.csv", f"count,name\n1,{'y' * 140_000}\n")
    assert len(read(path, small_schema)[0]["name"]) == 140_000
    path = write("b.csv", f"count,{names}\n1,{',' * 69_999}\n")
    assert len(tables.column_names(path, ["count"])) == 70_001


def test_a_row_beyond_the_largest_block_is_refused_with_its_line(write, small_schema):
    path = write("a.csv", f"count,name\n1,a\n1,{'y' * (20 << 20)}\n2,b\n")
    with pytest.raises(DataError, match="the row that starts in line 3 is longer than 8 MiB"):
        read(path, small_schema)


def test_the_end_mark_of_old_programs_is_none_of_the_rows(write, small_schema):
    assert read(write("a.csv", "count,name\n1,a\n2,b\n\x1a"), small_schema) == ROWS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Gen\xe8ve", "It may be cp1252"),
        (
            "Zürich, Köln, Würzburg".encode().decode("latin-1") + "\xe8",
            "Nearly all of the",
        ),
    ],
)
def test_a_bad_byte_is_told_from_another_encoding(write, small_schema, name, message):
    path = write("a.csv", f'count,name\n1,"{name}"\n'.encode("latin-1"))
    with pytest.raises(DataError, match=rf"(?s)line 2 \(byte \d+\).*{message}"):
        read(path, small_schema)


@pytest.mark.parametrize(
    ("text", "csv"),
    [
        ("Report\n\ncount,name\n1,a\n2,b\n", {"skip_lines": 2}),
        ('"A title\nof 2 lines\ncount,name\n1,a\n2,b\n', {"skip_lines": 2}),
        ("\ufeff# by hand\r\ncount,name\r\n1,a\r\n  # half\r\n2,b\r\n# end", {"comment": "#"}),
        ("sep=;\nReport\ncount;name\n1;a\n2;b\nTotal;3\n", {"skip_lines": 2, "skip_footer": 1}),
        ("count,name\n1,a\n2,b\n\nTotal\nNotes\n\n\x1a", {"skip_footer": 2}),
        ('count, name\n1,\ta\n 2 , "b" \n', {"trim": True}),
        ("count\tname\n1\t a\n2\tb \n", {"trim": True, "delimiter": "\t"}),
        ("1,a\n2,b\n", {"header": ["count", "name"]}),
        ("1,a,\n2,b,\n", {"header": ["count", "name"]}),
        ("count,name\n1,a\n2,b\n", {"header": ["count", "name"]}),
        (
            "Report\r# 1\r1 , a,\r2,b,\r# 2\rTotal,3\r",
            {
                "header": ["count", "name"],
                "skip_lines": 1,
                "skip_footer": 1,
                "comment": "#",
                "trim": True,
            },
        ),
    ],
)
def test_lines_that_the_format_names_are_none_of_the_rows(write, small_schema, text, csv):
    path = write("a.csv", text)
    assert read(path, small_schema, **csv) == ROWS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "CHUNK_BYTES", 1)
        assert read(path, small_schema, **csv) == ROWS


@pytest.mark.parametrize(
    ("written", "value", "csv"),
    [
        ('"a \\"big\\" one"', 'a "big" one', {"escape": "\\"}),
        ('"a \\"b\\", c"', 'a "b", c', {"escape": "\\"}),
        ('"C:\\\\dir\\\\"', "C:\\dir\\", {"escape": "\\"}),
        ("C:\\dir\\new", "C:\\dir\\new", {"escape": "\\"}),
        ("\\N", "\\N", {"escape": "\\"}),
        ('"two \\"\nlines\\n"', 'two "\nlines\\n', {"escape": "\\"}),
        ("'it\\'s'", "it's", {"escape": "\\", "quote": "'"}),
        ('"a ""b"" c"', 'a "b" c', {"escape": "\\"}),
        (' "x,  y" ', "x,  y", {"trim": True}),
        ('" x "', " x ", {"trim": True}),
        (' 5" pipe ', '5" pipe', {"trim": True}),
        ('"two ,\n # lines"', "two ,\n # lines", {"trim": True, "comment": "#"}),
        ("a # b", "a # b", {"comment": "#"}),
    ],
)
def test_values_keep_all_but_the_signs_of_their_format(write, small_schema, written, value, csv):
    rows = read(write("a.csv", f"count,name\n1,{written}\n2,b\n"), small_schema, **csv)
    assert rows == [{"count": 1, "name": value.encode()}, {"count": 2, "name": b"b"}]


def test_columns_without_names_are_numbered(write):
    csv = CsvFormat(header="none")
    path = write("a.csv", "1,a\n2,b\n")
    assert tables.column_names(path, ["column_1"], csv) == ["column_1", "column_2"]
    [batch] = tables.read_raw_batches(path, ["column_1"], csv)
    assert batch.to_pydict() == {"column_1": ["1", "2"], "column_2": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "csv", "message"),
    [
        ("T\n\ncount,name\n1,a\n# x\nx,b\n", {"skip_lines": 2, "comment": "#"}, "line 6 has 'x'"),
        ("1,a\nx,b\n", {"header": ["count", "name"]}, "line 2 has 'x'"),
        ("1,a,2\n", {"header": ["count", "name"]}, "data.csv.header names 2 columns, but 1 row"),
        ('count,name\n1,"\\"a\n"\nx,b\n', {"escape": "\\"}, "line 4 has 'x'"),
    ],
)
def test_lines_of_framed_files_keep_their_numbers(write, small_schema, text, csv, message):
    with pytest.raises(DataError, match=message):
        read(write("a.csv", text), small_schema, **csv)


@pytest.mark.parametrize(
    ("csv", "is_cut"),
    [
        ({"escape": "\\"}, False),
        ({"comment": "#"}, False),
        ({"skip_lines": 1}, False),
        ({"skip_footer": 1}, False),
        ({"trim": True}, True),
        ({"header": ["count", "name"]}, True),
    ],
)
def test_parts_of_framed_files_give_their_rows(write, monkeypatch, small_schema, csv, is_cut):
    monkeypatch.setattr(files, "PART_BYTES", 40)
    how = CsvFormat.model_validate(csv)
    text = "" if how.header else "count,name\n"
    path = write("a.csv", text + "".join(f"{i}, {i % 7}\n" for i in range(99)))
    [file] = files.data_files([path], how)
    assert (file.parts > 1) == is_cut
    if is_cut:
        scans = [files.scan_range(file, number, how) for number in range(file.parts)]
        reading = tables.Reading.of(small_schema, how)
        rows = [
            row
            for part in files.cut_file(file, scans)
            for batch in tables.read_batches(path, reading, how, part=part)
            for row in batch.to_pylist()
        ]
        assert rows == read(path, small_schema, **csv)
        assert len(rows) == 99
