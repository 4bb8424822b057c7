"""However a file is written, ExampleGen reads afterwards what was in it, by what `init` wrote."""

import bz2
import datetime
import gzip
import lzma
import re

import pandas
import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.pipeline.inspection.conftest import ROWS, coin, noise, rows
from tfxkit.components.example_gen.tables import read_batches
from tfxkit.config import loading as config
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError, UsageError
from tfxkit.onboarding.source import find_source
from tfxkit.values.reading import ColumnReading, Reading

TOWNS = ["Köln", "Zürich", "Ulm, Donau"]
NAMES = ["a b", "a.b", "a/b", "größe", "class", "lambda", "x: y", "#1", "'q'", "- z", "yes", "1.5"]


def table(delimiter=",", quote='"', **more):
    lines = [delimiter.join(["amount", "town", *more, "label"])]
    labels, amounts = coin(1), noise(1)
    for i in range(ROWS):
        town = TOWNS[i % 3]
        town = f"{quote}{town}{quote}" if delimiter in town or quote == "'" else town
        extra = [values[i] for values in more.values()]
        lines.append(delimiter.join(map(str, [amounts[i], town, *extra, labels[i]])))
    return "\n".join(lines) + "\n"


UTF_16 = {"encoding": "utf-16"}
FILES = {
    "plain.csv": (table().encode(), {}),
    "semicolon.csv": (table(";").encode(), {"delimiter": ";"}),
    "tab.tsv": (table("\t").encode(), {"delimiter": "\t"}),
    "pipe.txt": (table("|").encode(), {"delimiter": "|"}),
    "bom.csv": (table().encode("utf-8-sig"), {}),
    "windows.csv": (
        table(";").replace("\n", "\r\n").encode("cp1252"),
        {"delimiter": ";", "encoding": "cp1252"},
    ),
    "utf16.csv": (table().encode("utf-16"), {"encoding": "utf-16"}),
    "apostrophe.csv": (table(quote="'").encode(), {"quote": "'"}),
    "packed.csv.gz": (gzip.compress(table().encode()), {}),
    "packed": (gzip.compress(table().encode()), {}),
    "packed.bz2": (bz2.compress(table().encode()), {}),
    "packed.csv.xz": (lzma.compress(table().encode()), {}),
    "packed.zst": (zstandard.compress(table().encode()), {}),
    "packed.csv": (zstandard.compress(table(";").encode("utf-16")), {"delimiter": ";"} | UTF_16),
    "commas.csv": (table(";").replace(".", ",").encode(), {"delimiter": ";", "decimal": ","}),
    "commas in quotes.csv": (
        re.sub(r"(\d+)\.(\d+)", r'"\1,\2"', table()).encode(),
        {"decimal": ","},
    ),
    "gaps.csv": (
        table(age=["?" if i % 10 == 0 else i for i in range(ROWS)]).encode(),
        {"missing": ("?",)},
    ),
}


def examples(project):
    """The rows as ExampleGen would read them, by the configuration."""
    how = config.load(project / "configs", ["local"])
    text = (project / "configs" / "schema.pbtxt").read_text()
    schema = text_format.Parse(text, schema_pb2.Schema())
    reading = Reading.of(schema, how.data.csv, how.data.columns)
    files = sorted((project / how.data.path).glob("span-*/*"))
    batches = [b for file in files for b in read_batches(str(file), reading, how.data.csv)]
    return pa.Table.from_batches(batches), how


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_it_is_written(name, init, project, tmp_path):
    content, csv = FILES[name]
    (tmp_path / name).write_bytes(content)
    assert init(tmp_path / name) == 0
    read, how = examples(project)
    plain = type(how.data.csv)()
    assert how.data.csv == plain.model_copy(update=csv)
    assert read["town"].to_pylist() == [TOWNS[i % 3].encode() for i in range(ROWS)]
    assert read["amount"].to_pylist() == pytest.approx(noise(1), rel=1e-6)
    assert how.dataset.label.positive == "yes"
    if "age" in read.column_names:
        assert read["age"].null_count == 12


def test_parquet(init, project, tmp_path):
    columns = {
        "amount": noise(1),
        "town": pa.array([TOWNS[i % 3] for i in range(ROWS)]).dictionary_encode(),
        "flag": [i % 2 == 0 for i in range(ROWS)],
        "day": [datetime.datetime(2024, 1, 1 + i % 28, i % 24) for i in range(ROWS)],
        "label": coin(1),
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "own.parquet")
    assert init(tmp_path / "own.parquet") == 0
    read, how = examples(project)
    assert read["town"].to_pylist() == [TOWNS[i % 3].encode() for i in range(ROWS)]
    assert read["flag"].to_pylist() == [b"True", b"False"] * (ROWS // 2)
    assert set(how.dataset.features()) == {"amount", "town", "flag", "day"}
    assert read["day"][25].as_py().startswith(b"2024-01-26 01:00:00")
    assert how.dataset.columns["day"].unit == "text"


def test_row_numbers_of_r_and_pandas_are_left_out_and_told(init, project, tmp_path, capfd):
    numbered = "".join(
        f"{i or ''},{line}" for i, line in enumerate(table().splitlines(keepends=True))
    )
    (tmp_path / "numbered.csv").write_text(numbered)
    assert init(tmp_path / "numbered.csv") == 0
    assert "The first column has no name" in capfd.readouterr().out
    read, how = examples(project)
    assert "" not in read.column_names and "" not in how.dataset.columns
    (tmp_path / "plain.csv").write_text(table())
    assert init(tmp_path / "plain.csv") == 0
    assert read.equals(examples(project)[0])


def test_nothing_but_lists_in_parquet_is_refused(init, tmp_path, capfd):
    pyarrow.parquet.write_table(
        pa.table({"x": [[1, 2]] * ROWS, "label": coin(1)}), tmp_path / "own.parquet"
    )
    assert init(tmp_path / "own.parquet") == 2
    assert "x: list<element: int64>: several values in a row" in capfd.readouterr().err


def test_any_name_of_a_column(init, project, tmp_path):
    columns = {name: noise(number) for number, name in enumerate(NAMES)}
    text = rows(**columns, label=coin(1)).replace("a b", '"a\nb"', 1)
    (tmp_path / "own.csv").write_text(text)
    assert init(tmp_path / "own.csv", label="label") == 0
    _, how = examples(project)
    assert list(how.dataset.features()) == ["a\nb", *NAMES[1:]]


@pytest.mark.parametrize("name", ["own.jsonl", "own.json", "own.json.gz"])
def test_json_lines(name, init, project, tmp_path, capfd):
    frame = pandas.DataFrame(
        {
            "amount": noise(1),
            "town": [TOWNS[i % 3] for i in range(ROWS)],
            "member": [i % 2 == 0 for i in range(ROWS)],
            "code": [None if i % 9 == 0 else 17031320100 + i % 6 for i in range(ROWS)],
            "tags": [["a", "b"]] * ROWS,
            "label": coin(1),
        }
    )
    frame.to_json(tmp_path / name, orient="records", lines=True)
    assert init(tmp_path / name) == 0
    assert "Read as JSON lines." in capfd.readouterr().out
    read, how = examples(project)
    assert read["town"].to_pylist() == [TOWNS[i % 3].encode() for i in range(ROWS)]
    assert read["amount"].to_pylist() == pytest.approx(noise(1), rel=1e-6)
    assert read["member"].to_pylist()[:2] == [b"True", b"False"]
    assert read["code"].to_pylist()[:2] == [None, 17031320101]
    tags = how.dataset.columns["tags"]
    assert tags.role == "ignored" and "several values in a row" in tags.why


def test_several_files_are_one_span(init, project, tmp_path):
    for part in (1, 2):
        (tmp_path / f"part{part}.csv").write_text(table())
    assert init(tmp_path / "part1.csv", tmp_path / "part2.csv") == 0
    read, _ = examples(project)
    assert read.num_rows == 2 * ROWS


def test_a_folder_of_spans_stays_where_it_is(init, project, tmp_path):
    for span in (1, 2):
        folder = tmp_path / "Years of data" / f"span-{span}"
        folder.mkdir(parents=True)
        (folder / "part.csv").write_text(table())
    assert init(tmp_path / "Years of data") == 0
    read, how = examples(project)
    assert read.num_rows == 2 * ROWS
    assert how.data.path == str(tmp_path / "Years of data")
    assert how.pipeline == "years-of-data"
    assert not (project / "data").exists()


def test_of_a_span_with_versions_the_newest_is_looked_at(tmp_path):
    for name in ("span-1/version-9", "span-1/version-10", "span-2"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "part.csv").write_text(table())
    found = find_source([tmp_path])
    assert found.spans == tmp_path
    assert [str(path.relative_to(tmp_path)) for path in found.files] == [
        "span-1/version-10/part.csv",
        "span-2/part.csv",
    ]


@pytest.mark.parametrize(
    ("second", "told"),
    [("part.csv", "holds part.csv beside"), ("version-01/part.csv", "a version twice")],
)
def test_versions_that_a_run_would_refuse_are_refused(tmp_path, second, told):
    for name in ("version-1/part.csv", second):
        (tmp_path / "span-1" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "span-1" / name).write_text(table())
    with pytest.raises(UsageError, match=told):
        find_source([tmp_path])


def test_files_of_different_columns_are_refused(init, tmp_path, capfd):
    (tmp_path / "a.csv").write_text(table())
    (tmp_path / "b.csv").write_text(table().replace("town", "city"))
    assert init(tmp_path / "a.csv", tmp_path / "b.csv") == 2
    assert "'city', 'town'" in capfd.readouterr().err


def test_commas_that_may_be_of_thousands_are_text_and_reported(init, project, tmp_path, capfd):
    amounts = [f'"{i},{i:03}"' for i in range(1, ROWS + 1)]
    (tmp_path / "own.csv").write_text(rows(x=lambda i: i % 9, amount=amounts, label=coin(1)))
    assert init(tmp_path / "own.csv") == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert "amount: 120 values such as '100,100' look like numbers, as with parse:" in shown
    _, how = examples(project)
    assert how.data.csv.decimal == "."


def test_formats_of_single_columns_hold_in_the_first_run(init, project, tmp_path):
    prices = [f'"${i + 1},{500 + i}.25"' if i % 2 else f"-${i + 1}.75" for i in range(ROWS)]
    text = rows(
        price=prices,
        tract=["" if i % 9 == 0 else f"{17031320100 + i % 6}.0" for i in range(ROWS)],
        country=[["NA", "DE", "FR", "IT", "ES"][i % 5] for i in range(ROWS)],
        size=[["NA", "small", "large", " "][i // 2 % 4] for i in range(ROWS)],
        member=[["TRUE", "false"][i // 3 % 2] for i in range(ROWS)],
        label=coin(1),
    )
    (tmp_path / "own.csv").write_text(text)
    assert init(tmp_path / "own.csv") == 0
    read, _ = examples(project)
    assert read["price"].to_pylist()[:4] == [-1.75, 2501.25, -3.75, 4503.25]
    assert read["tract"].to_pylist()[:4] == [None, 17031320101, 17031320102, 17031320103]
    assert read["country"].to_pylist()[:5] == [b"NA", b"DE", b"FR", b"IT", b"ES"]
    assert read["size"].to_pylist()[:8:2] == [None, b"small", b"large", None]
    assert read["member"].to_pylist()[:6:3] == [b"True", b"False"]


def test_a_point_among_decimal_commas_is_no_number(tmp_path):
    (tmp_path / "x.csv").write_text("a;b\n1,5;2\n1.234,5;3\n")
    columns = {"a": ColumnReading(type="FLOAT"), "b": ColumnReading(type="INT")}
    reading, how = Reading(columns=columns, decimal=","), CsvFormat(delimiter=";", decimal=",")
    with pytest.raises(DataError, match=r"'1\.234,5'"):
        list(read_batches(str(tmp_path / "x.csv"), reading, how))
