"""Tables that were read wrong in other projects: each value as written, by what `init` proposes."""

import pandas
import pyarrow as pa
import pyarrow.parquet
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.pipeline.inspection.conftest import ROWS, coin, noise, rows
from tfxkit.components.example_gen.tables import read_batches
from tfxkit.config import loading
from tfxkit.values.reading import Reading

COLOURS = [["red", "green", "blue"][i % 3] for i in range(ROWS)]
CODES = [17031320100 + i % 6 for i in range(ROWS)]
PLAIN = rows(code=CODES, colour=COLOURS, label=coin(1))
HEADERLESS = PLAIN.split("\n", 1)[1]
SPARK = "code,colour,label\n" + "".join(
    f'{code},"the \\"{colour}\\" one",{label}\n'
    for code, colour, label in zip(CODES, COLOURS, coin(1), strict=True)
)


def read(project):
    """All rows as ExampleGen reads them, by the files that `init` wrote."""
    config = loading.load(project / "configs", ["local"])
    text = (project / "configs" / "schema.pbtxt").read_text()
    schema = text_format.Parse(text, schema_pb2.Schema())
    reading = Reading.of(schema, config.data.csv, config.data.columns)
    files = sorted((project / config.data.path).glob("span-*/*"))
    batches = [b for file in files for b in read_batches(str(file), reading, config.data.csv)]
    return pa.Table.from_batches(batches)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("sep=;\n" + PLAIN.replace(",", ";"), {}),
        ("Sales report\nof 2024, by CRM\n\n" + PLAIN, {}),
        (PLAIN.replace("\n", ",\n"), {}),
        (PLAIN.replace(",", ", "), {}),
        (HEADERLESS.replace(",", ", "), {"csv": "header=[code, colour, label]"}),
        (PLAIN + "Total,,\n", {}),
        (PLAIN + PLAIN.split("\n", 1)[0] + "\n", {}),
        ("# exported by CRM\n" + PLAIN, {}),
    ],
    ids=["sep=", "title", "trailing", "blanks", "headerless", "total", "two headers", "comment"],
)
def test_lines_and_signs_around_rows_change_no_value(content, options, init, project, tmp_path):
    (tmp_path / "own.csv").write_text(content)
    assert init(tmp_path / "own.csv", **options) == 0
    table = read(project)
    assert table.column_names == ["code", "colour", "label"]
    assert table["code"].to_pylist() == CODES
    assert table["colour"].to_pylist() == [colour.encode() for colour in COLOURS]
    assert table["label"].to_pylist() == [label.encode() for label in coin(1)]


def test_quotes_that_spark_has_escaped(init, project, tmp_path):
    (tmp_path / "own.csv").write_text(SPARK)
    assert init(tmp_path / "own.csv") == 0
    wanted = [f'the "{colour}" one'.encode() for colour in COLOURS]
    assert read(project)["colour"].to_pylist() == wanted


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_frame_of_pandas_with_gaps_and_truth_values(suffix, init, project, tmp_path):
    frame = pandas.DataFrame(
        {
            "tract": [None if i % 10 == 0 else float(code) for i, code in enumerate(CODES)],
            "member": [i % 4 < 2 for i in range(ROWS)],
            "note": [["full", " ", None][i % 3] for i in range(ROWS)],
            "x": noise(1),
            "label": [i % 7 < 3 for i in range(ROWS)],
        }
    )
    file = tmp_path / f"own.{suffix}"
    write = frame.to_csv if suffix == "csv" else frame.to_parquet
    write(file, index=False)
    assert init(file) == 0
    table = read(project)
    codes = [None if i % 10 == 0 else code for i, code in enumerate(CODES)]
    assert table["tract"].to_pylist() == codes
    assert table["member"].to_pylist() == [str(i % 4 < 2).encode() for i in range(ROWS)]
    assert table["note"].to_pylist() == [[b"full", None, None][i % 3] for i in range(ROWS)]
    assert table["label"].to_pylist() == [str(i % 7 < 3).encode() for i in range(ROWS)]


def test_hashes_of_64_bits_and_times_of_day_beside_nested_columns(init, project, tmp_path):
    hashes = [2**64 - 1 - 977 * (i % 5) for i in range(ROWS)]
    columns = {
        "device": pa.array(hashes, pa.uint64()),
        "tags": [["a", "b"]] * ROWS,
        "tod": pa.array([60 * (i % 24) for i in range(ROWS)], pa.time32("s")),
        "label": coin(1),
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "own.parquet")
    assert init(tmp_path / "own.parquet") == 0
    table = read(project)
    assert table["device"].to_pylist() == [str(each).encode() for each in hashes]
    assert table["tod"].to_pylist() == [f"00:{i % 24:02}:00".encode() for i in range(ROWS)]
    assert "tags" not in table.column_names


def test_money_percent_units_and_blanks_between_thousands(init, project, tmp_path):
    amounts = [1000.25 + 37 * i for i in range(ROWS)]
    texts = {
        "price": [f"${amount:,.2f}" for amount in amounts],
        "share": [f"{amount}%" for amount in amounts],
        "weight": [f"{amount} kg" for amount in amounts],
        "people": [f"{amount:,}".replace(",", "\xa0") for amount in amounts],
    }
    frame = pandas.DataFrame({**texts, "label": coin(1)})
    frame.to_csv(tmp_path / "own.csv", index=False)
    assert init(tmp_path / "own.csv") == 0
    table = read(project)
    assert {name: table[name].to_pylist() for name in texts} == dict.fromkeys(texts, amounts)


def test_na_of_a_label_and_spellings_stay_apart(init, project, tmp_path):
    continents = [["NA", "AS", "EU"][i % 3] for i in range(ROWS)]
    answers = [["yes", "Yes", "yes ", "no"][i % 4] for i in range(ROWS)]
    (tmp_path / "own.csv").write_text(rows(x=noise(1), answer=answers, continent=continents))
    assert init(tmp_path / "own.csv") == 0
    table = read(project)
    assert table["continent"].to_pylist() == [each.encode() for each in continents]
    assert table["answer"].to_pylist() == [each.encode() for each in answers]
