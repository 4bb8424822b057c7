"""Values of data files: one reading for all formats, and one error for all that do not fit."""

import datetime

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.components.example_gen.conftest import read_table, reading_of
from tfxkit.components.example_gen import tables
from tfxkit.components.example_gen.columns import Rounded
from tfxkit.config.data import ColumnFormat, CsvFormat, NumberFormat
from tfxkit.errors import DataError
from tfxkit.values.reading import Reading

CODE = 17031320100
EXACT = 2**53 + 1


def read(path, reading, csv=None):
    batches = tables.read_batches(path, reading, csv or CsvFormat())
    return pa.Table.from_batches(batches).to_pydict()


@pytest.fixture
def parquet(tmp_path):
    def parquet(**columns):
        path = str(tmp_path / "rows.parquet")
        pyarrow.parquet.write_table(pa.table(columns), path)
        return path

    return parquet


def test_blank_text_and_words_are_missing_in_each_format(write, parquet):
    names = ["", " ", "\u00a0", "\u200b\ufeff", "NA", " NA ", "na", " a "]
    reading = reading_of({"name": "BYTES"}, missing=("NA",))
    text = "name,x\n" + "".join(f'"{name}",1\n' for name in names)
    expected = {"name": [*[None] * 6, b"na", b" a "]}
    assert read(write("a.csv", text), reading, CsvFormat(missing=("NA",))) == expected
    assert read(parquet(name=names), reading, CsvFormat(missing=("NA",))) == expected


def test_truth_values_have_the_spelling_of_the_domain(write, parquet):
    column = {"type": "BYTES", "truth": ("False", "True")}
    reading = Reading.model_validate({"columns": {"member": column}})
    expected = {"member": [b"True", b"False", None, b"True", b"maybe"]}
    text = "member,x\nTrue,1\nfalse,1\n,1\n TRUE,1\nmaybe,1\n"
    assert read(write("a.csv", text), reading) == expected
    booleans = parquet(member=[True, False, None, True])
    assert read(booleans, reading)["member"] == expected["member"][:4]


def test_whole_numbers_with_gaps_are_exact(write, parquet):
    reading = reading_of({"code": "INT", "id": "INT"})
    expected = {"code": [CODE, None], "id": [EXACT, -(2**63)]}
    text = f"code,id\n{CODE}.0,{EXACT}\n,{-(2**63)}.0\n"
    assert read(write("a.csv", text), reading) == expected
    floats = pa.array([float(CODE), float("nan")])
    assert read(parquet(code=floats, id=[EXACT, -(2**63)]), reading) == expected


def test_numbers_of_type_float_have_no_nan_and_one_zero(write, parquet):
    reading = reading_of({"x": "FLOAT"})
    expected = {"x": [1.5, None, 0.0, float("inf")]}
    from_csv = read(write("a.csv", "x,y\n1.5,1\nNaN,1\n-0,1\ninf,1\n"), reading)
    assert from_csv == expected
    assert read(parquet(x=[1.5, float("nan"), -0.0, float("inf")]), reading) == expected
    assert str(from_csv["x"][2]) == "0.0"


def rounded(path):
    found = Rounded()
    list(tables.read_batches(path, reading_of({"x": "FLOAT"}), CsvFormat(), rounded=found))
    return found.examples


def test_whole_numbers_that_float_changes_are_recorded_with_an_example(write, parquet):
    expected = {"x": (str(CODE), "17031320576")}
    assert rounded(write("a.csv", f"x,y\n5,1\n,1\n{CODE}.0,1\n{CODE + 1},1\n")) == expected
    assert rounded(parquet(x=pa.array([5.0, None, float("nan"), float(CODE)]))) == expected
    assert rounded(parquet(x=[5, CODE])) == expected


@pytest.mark.parametrize(
    "values",
    [
        [CODE, 0.5],  # a measurement: its last digits are noise
        [CODE + 0.25, CODE + 1],
        [2**24, -(2**24), 2**25],  # float32 has them
        [1e30, float("inf")],
    ],
)
def test_numbers_that_float_holds_well_enough_are_not_recorded(write, parquet, values):
    assert rounded(parquet(x=pa.array(values, pa.float64()))) == {}
    lines = "".join(f"{value},1\n" for value in values)
    assert rounded(write("a.csv", f"x,y\n{lines}")) == {}


def test_times_are_iso_8601_in_utc(parquet):
    evening = datetime.datetime(2024, 2, 29, 18, 30)
    path = parquet(
        day=[datetime.date(2024, 2, 29), None],
        at=pa.array([evening, None], pa.timestamp("ns", "Europe/Berlin")),
        time=pa.array([datetime.time(10, 30), None]),
    )
    assert read(path, reading_of(dict.fromkeys(("day", "at", "time"), "BYTES"))) == {
        "day": [b"2024-02-29", None],
        "at": [b"2024-02-29 18:30:00", None],
        "time": [b"10:30:00", None],
    }


def test_numbers_are_read_in_the_form_of_their_column(write, small_schema):
    columns = {
        "price": ColumnFormat(parse=NumberFormat(prefix="$", thousands=",")),
        "name": ColumnFormat(missing=()),
    }
    csv = CsvFormat(missing=("NA",))
    path = write("a.csv", 'count,price,name\nNA,"$1,234.50",NA\n2,NA,b\n3,-$660,c\n4,$7,d\n')
    assert read(path, Reading.of(small_schema, csv, columns), csv) == {
        "count": [None, 2, 3, 4],
        "price": [1234.5, None, -660.0, 7.0],
        "name": [b"NA", b"b", b"c", b"d"],
    }


def test_a_decimal_comma_holds_for_text_of_each_format(write, parquet):
    reading = reading_of({"x": "FLOAT"}, decimal=",")
    csv = CsvFormat(delimiter=";", decimal=",")
    assert read(write("a.csv", "x;y\n1,5;1\n"), reading, csv) == {"x": [1.5]}
    assert read(parquet(x=["1,5"]), reading, csv) == {"x": [1.5]}
    with pytest.raises(DataError, match=r"x is FLOAT, but row 2 has '1\.5'"):
        read(parquet(x=["1", "1.5"]), reading, csv)


def test_readings_of_rules_1_keep_blanks_and_words_of_parquet(write, parquet):
    """Those of models that were trained before there were readings."""
    reading = reading_of({"name": "BYTES", "x": "FLOAT"}, missing=("NA",), decimal=",", rules=1)
    csv = CsvFormat(missing=("NA",), delimiter=";", decimal=",")
    from_csv = read(write("a.csv", "name;x\n ;1,5\nNA;2\n;NA\n"), reading, csv)
    assert from_csv == {"name": [b" ", None, None], "x": [1.5, 2.0, None]}
    from_parquet = read(parquet(name=[" ", "NA", ""], x=["1.5", "2", "3"]), reading, csv)
    assert from_parquet == {"name": [b" ", b"NA", None], "x": [1.5, 2.0, 3.0]}
    assert read(parquet(name=[True, False]), reading) == {"name": [b"true", b"false"]}


@pytest.mark.parametrize(
    ("rows", "remedy"),
    [
        ("3.5,a\n", "give count the type FLOAT in configs/schema.pbtxt."),
        ("many,a\n", "give the column another type in configs/schema.pbtxt."),
        ("0x1F,a\n", "give the column another type in configs/schema.pbtxt."),
    ],
)
def test_a_fraction_in_a_column_of_whole_numbers_names_the_type(write, small_schema, rows, remedy):
    with pytest.raises(DataError) as caught:
        read_table(write("a.csv", "count,name\n12.0,b\n" + rows), small_schema)
    assert str(caught.value).endswith(f"Correct the file, or {remedy}")


def test_a_damaged_page_of_parquet_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    table = pa.table({"name": ["a value that is easy to find", "b"]})
    how = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pyarrow.parquet.write_table(table, path, **how)
    path.write_bytes(path.read_bytes().replace(b"is easy to find", b"is hard to find"))
    with pytest.raises(DataError, match=r"cannot be read as Parquet: .*checksum"):
        read(str(path), reading_of({"name": "BYTES"}))


def test_a_parquet_file_of_another_table_has_neither_lines_nor_delimiters(parquet):
    with pytest.raises(DataError) as caught:
        read(parquet(other=[1]), reading_of({"name": "BYTES"}))
    assert str(caught.value).endswith("Expected: name\nIs it the file of another table?")


def test_hexadecimal_numbers_of_an_unknown_column_are_text(write):
    path = write("a.csv", "count,code,flag\n1,0x1F,True\n2,0x20,False\n")
    reading = reading_of({"count": "INT"})
    guessed = tables.guess_types(path, reading)
    assert guessed == {"code": "BYTES", "flag": "BYTES"}
    [batch] = tables.read_batches(path, reading, guessed=guessed)
    assert batch.column("code").to_pylist() == [b"0x1F", b"0x20"]
