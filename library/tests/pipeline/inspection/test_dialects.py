"""Dialect of a CSV file: detected and shown, or refused with the line and the way out."""

import gzip
import io

import pandas
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest

from tests.pipeline.inspection.conftest import ROWS, coin, noise, rows
from tfxkit.config import loading
from tfxkit.config.data import CsvFormat
from tfxkit.errors import UsageError
from tfxkit.onboarding.dialect import describe, detect_format, given_format

TABLE = rows(x=noise(1), colour=lambda i: ["red", "green", "blue"][i % 3], label=coin(1))
TOWNS = rows(x=noise(1), town=lambda i: ["Genève", "Zürich", "Köln"][i % 3], label=coin(1))
JAPANESE = rows(x=noise(1), town=lambda i: ["東京都", "大阪市", "横浜市"][i % 3], label=coin(1))
RUSSIAN = rows(x=noise(1), town=lambda i: ["Москва", "Казань", "Самара"][i % 3], label=coin(1))


def write(tmp_path, content, name="own.csv"):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path / name


def refusal(tmp_path, content, **given):
    with pytest.raises(UsageError) as refused:
        detect_format([write(tmp_path, content)], given)
    return str(refused.value).removeprefix(f"{tmp_path}/")


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (TABLE, {}),
        (TABLE.replace(",", ";"), {"delimiter": ";"}),
        (TABLE.replace("red", "5 €").encode("cp1252"), {"encoding": "cp1252"}),
        ("a;b\n" + "1,5;2,5\n" * 9, {"delimiter": ";"}),
        ("note|b\n" + '"a, b|c"|2\n' * 9, {"delimiter": "|"}),
        ("#id,x\n" + "1,2\n" * 9, {}),  # no comment: a header
        ('path,x\n"C:\\dir\\",2\n' * 9, {}),  # no escape: a backslash at the end
        ("2019,2020,label\n" + "1,2,no\n" * 9, {}),  # no data: years are the names
        ("name,x\nx,2\n" + "name,3\n" * 9, {}),
        (TABLE.replace("\n", "\r"), {}),
        (TABLE.encode("utf-16"), {"encoding": "utf-16"}),
        (TOWNS.encode("utf-8-sig"), {}),
        (TOWNS.encode("cp1252"), {"encoding": "cp1252"}),
    ],
)
def test_a_dialect_is_detected(content, wanted, tmp_path):
    assert detect_format([write(tmp_path, content)], {}) == CsvFormat(**wanted)


def test_a_line_break_of_unicode_is_a_character(tmp_path):
    lines = ["x,note,label", *(f"{i},a\u2028b\x85c,{i % 2}" for i in range(ROWS))]
    assert detect_format([write(tmp_path, "\n".join(lines))], {}) == CsvFormat()


def test_a_long_value_does_not_hide_the_delimiter(init, project, tmp_path):
    short = "".join(f"{i % 7};n;{i % 2}\n" for i in range(150))
    text = f"x;note;label\n{short}1;{'y' * 140_000};1\n{short}"
    assert init(write(tmp_path, text)) == 0
    config = loading.load(project / "configs", ["local"])
    assert config.data.csv == CsvFormat(delimiter=";")
    assert list(config.dataset.columns) == ["x", "note"]
    assert len((project / "configs" / "dataset.yaml").read_text()) < 5000


def test_ascii_fits_the_encoding_of_the_other_files(init, project, tmp_path, capfd):
    first = write(tmp_path, TOWNS.replace("è", "e").replace("ü", "u").replace("ö", "o"))
    second = write(tmp_path, TOWNS.encode("cp1252"), "b.csv")
    assert init(first, second) == 0
    assert "Read as cp1252, separated by commas." in capfd.readouterr().out
    assert loading.load(project / "configs", ["local"]).data.csv.encoding == "cp1252"
    schema = (project / "configs" / "schema.pbtxt").read_text()
    assert 'value: "Genève"' in schema and 'value: "Geneve"' in schema


def test_files_of_two_dialects_are_refused(tmp_path):
    first = write(tmp_path, TABLE)
    second = write(tmp_path, TABLE.replace(",", ";"), "b.csv")
    with pytest.raises(UsageError) as refused:
        detect_format([first, second], {})
    assert str(refused.value).startswith(
        f"{first} is UTF-8, separated by commas. {second} is UTF-8, separated by semicolons."
    )


def test_one_bad_byte_stops_with_its_place(init, project, tmp_path, capfd):
    content = TOWNS.encode()
    at = content.index("Zürich".encode(), 1000)
    content = content[:at] + "Zürich".encode("cp1252") + content[at + len("Zürich".encode()) :]
    line = content[:at].count(b"\n") + 1
    file = write(tmp_path, content)
    assert init(file) == 2
    told = f"Invalid UTF-8 in {file}, line {line} (byte 0xFC, offset {at + 1}). Save the file"
    assert told in capfd.readouterr().err
    assert not (project / "data").exists()


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [(JAPANESE, "shift_jis", "Shift-JIS"), (RUSSIAN, "cp1251", "cp1251")],
)
def test_another_encoding_is_named_and_can_be_passed(text, encoding, name, init, tmp_path):
    file, project = write(tmp_path, text.encode(encoding)), tmp_path / "project"
    with pytest.raises(UsageError) as refused:
        detect_format([file], {})
    assert f"looks like {name}" in str(refused.value)
    assert f"pass --csv encoding={encoding}" in str(refused.value)
    assert init(file, csv=f"encoding={encoding}") == 0
    assert loading.load(project / "configs", ["local"]).data.csv.encoding == encoding
    town = text.splitlines()[1].split(",")[1]
    assert f'value: "{town}"' in (project / "configs" / "schema.pbtxt").read_text()


SPARK = "x,remark,label\n" + "".join(
    f'{i},"{["red", "green"][i % 2]} \\"big\\" one, C:\\\\dir",{i // 2 % 2}\n' for i in range(ROWS)
)
BLANKS = TABLE.replace(",", ", ")
HEADERLESS = TABLE.split("\n", 1)[1]


@pytest.mark.parametrize(
    ("content", "wanted", "told"),
    [
        ("Sales report\nof 2024, by CRM\n\n" + TABLE, {"skip_lines": 3}, "the first 3 lines"),
        ("Report\n" + TABLE.replace(",", ";"), {"skip_lines": 1, "delimiter": ";"}, "first line"),
        ("# by hand\n" + TABLE, {"comment": "#"}, "without comments (#)"),
        (TABLE.replace("\n", "\n// half\n", 1) + "// end\n", {"comment": "//"}, "comments (//)"),
        ("# a\n\nTitle\n" + TABLE, {"skip_lines": 3}, "the first 3 lines"),
        (SPARK, {"escape": "\\"}, 'with \\" for a quote within a value'),
        (BLANKS, {"trim": True}, "without the blanks around values"),
        (TABLE.replace(",", " ;"), {"trim": True, "delimiter": ";"}, "without the blanks"),
        (TABLE + "Total,,3\n", {"skip_footer": 1}, "without the last line"),
        (TABLE + "GRAND TOTAL:,,\n\n", {"skip_footer": 1}, "without the last line"),
        (TABLE + "\nSource: CRM\nAll rights reserved\n", {"skip_footer": 2}, "the last 2 lines"),
        (TABLE + "Sum,9,\nas of 2024\n\x1a", {"skip_footer": 2}, "without the last 2 lines"),
        (
            "Report\n" + BLANKS + "Total, 9,\n",
            {"skip_lines": 1, "trim": True, "skip_footer": 1},
            "",
        ),
    ],
)
def test_lines_and_signs_around_rows_are_detected_and_said(content, wanted, told, tmp_path):
    found = detect_format([write(tmp_path, content)], {})
    assert found == CsvFormat(**wanted)
    assert told in describe(found)


@pytest.mark.parametrize(
    "content",
    [
        TABLE + "12.5\n",  # cut off
        TABLE.replace("x,", "town,") + "\n".join(f"Ulm{i},red,no" for i in range(99)) + "\nUl",
        "town,x,label\n" + "Ulm,1,no\n" * 9 + "Sankt Gallen,,\n",
        "item,x\n" + "total,1\n" * 9,
        TABLE.replace("red", "#red"),
    ],
)
def test_rows_that_resemble_notes_are_rows(content, tmp_path):
    assert detect_format([write(tmp_path, content)], {}).skip_footer == (
        1 if content.endswith("total,1\n") else 0
    )


@pytest.mark.parametrize(
    "content",
    [
        HEADERLESS,
        HEADERLESS.replace(",", ", "),
        "p,x,s\ne,x,y\np,b,s\n" * 30,
        "".join(f"a{i},{i}.5,yes\n" for i in range(30)),
        "".join(f"2024-01-{i:02},a{i},yes\n" for i in range(1, 30)),
    ],
)
def test_a_missing_header_is_refused_with_the_way_to_name_the_columns(content, tmp_path):
    told = refusal(tmp_path, content)
    assert told.startswith("own.csv: line 1 seems to be data") and "--csv header=none" in told
    assert detect_format([tmp_path / "own.csv"], {"header": "none"}).header == "none"


def test_quotes_that_are_written_in_two_ways_are_refused(tmp_path):
    content = SPARK + '7,"a ""small"" one",0\n'
    told = refusal(tmp_path, content)
    assert f'written as \\" in line 2 and as "" in line {ROWS + 2}' in told
    found = detect_format([tmp_path / "own.csv"], given_format(["escape=\\"]))
    assert found.escape == "\\"


@pytest.mark.parametrize(
    ("content", "options", "value"),
    [
        (SPARK, {}, 'red \\"big\\" one, C:\\\\dir'),  # as text of a protocol buffer
        (BLANKS, {}, "green"),
        ("Report of 2024\n\n" + TABLE + "Total,9,no\n", {}, "green"),
        (HEADERLESS.replace(",", ", "), {"csv": "header=none"}, "green"),
        (HEADERLESS, {"csv": "header=[x, colour, label]"}, "green"),
    ],
)
def test_values_of_framed_files_in_the_first_run(  # noqa: PLR0917
    content, options, value, init, project, tmp_path
):
    assert init(write(tmp_path, content), **options) == 0
    text = (project / "configs" / "schema.pbtxt").read_text()
    assert f'value: "{value}"' in text
    assert f"from {ROWS} rows" in (project / "configs" / "dataset.yaml").read_text()
    names = list(loading.load(project / "configs", ["local"]).dataset.columns)
    assert ("column_1" if "none" in str(options) else "x") in names


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\n" + TABLE.replace(",", ";"),
        '\ufeff"SEP=;"\r\n' + TABLE.replace(",", ";").replace("\n", "\r\n"),
        TABLE.replace("\n", ",\n"),
        TABLE.replace("\n", ",\n").replace("label,", "label", 1),
        TABLE.replace("\n", ",,,\n"),
    ],
)
def test_signs_around_rows_are_no_columns(content, init, project, tmp_path):
    assert init(write(tmp_path, content)) == 0
    config = loading.load(project / "configs", ["local"])
    assert list(config.dataset.columns) == ["x", "colour"]
    assert config.dataset.label.column == "label"
    assert f"from {ROWS} rows" in (project / "configs" / "dataset.yaml").read_text()


def test_a_repeated_header_is_left_out_and_counted(init, project, tmp_path, capfd):
    file = write(tmp_path, TABLE + TABLE + TABLE)
    assert init(file) == 0
    told = "rows that repeat the header (2 among those examined) are left out"
    assert told in " ".join(capfd.readouterr().out.split())
    assert f"from {3 * ROWS} rows" in (project / "configs" / "dataset.yaml").read_text()


def test_a_total_below_is_left_out_and_said(init, project, tmp_path, capfd):
    content = rows(town=coin(3), x=noise(1), label=coin(1)) + "Total,99,no\n"
    assert init(write(tmp_path, content)) == 0
    told = "the last line is left out, as no part of the table ('Total,99,no')"
    assert told in " ".join(capfd.readouterr().out.split())
    assert f"from {ROWS} rows" in (project / "configs" / "dataset.yaml").read_text()
    assert init(tmp_path / "own.csv", csv="skip_footer=0") == 0
    assert f"from {ROWS + 1} rows" in (project / "configs" / "dataset.yaml").read_text()


FRAME = pandas.read_csv(io.StringIO(TABLE))


def packed(write_to):
    content = io.BytesIO()
    write_to(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(FRAME.to_parquet()), "is a packed Parquet file. Unpack it."),
        (gzip.compress(b"a.csv" + bytes(252) + b"ustar\x00"), "is a tar archive. Unpack it"),
        (
            b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml",
            "is an Excel workbook. Save it as CSV.",
        ),
        (
            b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            "is an OpenDocument spreadsheet. Save it as CSV.",
        ),
        (b"PK\x03\x04" + bytes(26) + b"a.csv", "is a ZIP archive. Unpack it"),
        (b"\x89HDF\r\n\x1a\n" + bytes(9), "is an HDF5 file. Save it as Parquet"),
        (b"Obj\x01\x04\x14avro.codec", "is an Avro file"),
        (packed(lambda file: pa.orc.write_table(pa.Table.from_pandas(FRAME), file)), "an ORC file"),
        (
            packed(lambda file: pa.feather.write_feather(pa.Table.from_pandas(FRAME), file)),
            "is an Arrow (Feather) file. Save it as Parquet: pandas.read_feather(FILE)",
        ),
        (packed(FRAME.to_pickle), "is a pickle"),
        (b"SQLite format 3\0" + bytes(99), "is an SQLite database"),
        (
            FRAME.to_json(orient="records"),
            "is one JSON array. Write one object a line: jq -c '.[]'",
        ),
    ],
)
def test_other_kinds_of_files_are_named(content, told, init, tmp_path, capfd):
    assert init(write(tmp_path, content)) == 2
    assert told in capfd.readouterr().err


def test_names_that_begin_like_another_kind_of_file(tmp_path, init):
    assert init(write(tmp_path, TABLE.replace("x,", "ORCID,", 1))) == 0


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("encoding", "write KEY=VALUE. KEY is one of delimiter, quote, encoding, decimal"),
        ("colour=red", "write KEY=VALUE. KEY is one of"),
        ("encoding=klingon", "no such encoding"),
        ("delimiter=::", "must be one ASCII character"),
        ("missing=NA", "Words for missing values: --missing WORD"),
    ],
)
def test_a_wrong_option_is_refused(pair, told):
    with pytest.raises(UsageError, match=f"^--csv {pair}: ") as refused:
        given_format([pair])
    assert told in str(refused.value)


def test_options_overrule_the_detection(tmp_path):
    given = given_format(["delimiter=\\t", "quote='", "decimal=,"])
    assert given == {"delimiter": "\t", "quote": "'", "decimal": ","}
    found = detect_format([write(tmp_path, "a\tb;c\n" + "1\t'2;3'\n" * 9)], given)
    assert found == CsvFormat(**given)
    assert describe(found) == "UTF-8, separated by tabs, in apostrophes, with decimal commas"
