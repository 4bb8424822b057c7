"""Values as `init` understands them: types, truth, missing words, numbers in text, odd columns."""

import datetime
import io
import re

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.pipeline.inspection.conftest import ROWS, coin, noise, profiles, rows
from tfxkit.config import loading
from tfxkit.config.data import ColumnFormat, NumberFormat
from tfxkit.config.dataset import Role

CODES = [17031320100, 17031839100, 17031839101, 17031081403, 17031081500, 17031320101]


class Proposal:
    """Files that `init` wrote."""

    def __init__(self, project):
        self.config = loading.load(project / "configs", ["local"])
        text = (project / "configs" / "schema.pbtxt").read_text()
        schema = text_format.Parse(text, schema_pb2.Schema())
        self.types = {f.name: schema_pb2.FeatureType.Name(f.type) for f in schema.feature}
        self.domains = {domain.name: list(domain.value) for domain in schema.string_domain}
        self.columns = yaml.safe_load((project / "configs" / "dataset.yaml").read_text())["columns"]


def write(tmp_path, frame, suffix):
    """Writes a data frame as pandas does."""
    path = tmp_path / f"own.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_csv_and_parquet_of_one_frame_get_the_same_proposal(suffix, init, project, tmp_path):
    gaps = [np.nan if i % 10 == 0 else CODES[i % 6] for i in range(ROWS)]
    frame = pandas.DataFrame(
        {
            "tract": gaps,  # pandas makes floats of integers with a gap
            "created": [1_709_217_000.0 + 3600 * i for i in range(ROWS)],
            "row_id": [100_046.0 + 7 * i for i in range(ROWS)],
            "member": [i % 3 == 0 for i in range(ROWS)],
            "left": pandas.Series([None if i % 9 == 0 else i % 2 == 0 for i in range(ROWS)]),
            "when": [datetime.datetime(2024, 1, 1 + i % 28, i % 24) for i in range(ROWS)],
            "amount": noise(1),
            "note": ["full" if i % 4 == 0 else " " if i % 4 == 1 else None for i in range(ROWS)],
            "label": [i % 7 < 3 for i in range(ROWS)],
        }
    )
    assert init(write(tmp_path, frame, suffix)) == 0
    found = Proposal(project)
    assert found.types == {
        "tract": "INT",
        "created": "INT",
        "row_id": "INT",
        "member": "BYTES",
        "left": "BYTES",
        "when": "BYTES",
        "amount": "FLOAT",
        "note": "BYTES",
        "label": "BYTES",
    }
    truth = ["False", "True"]
    assert found.domains == {
        "member": truth,
        "left": truth,
        "note": ["full"],
        "label": truth,
    }
    assert {name: column["role"] for name, column in found.columns.items()} == {
        "tract": "categorical",
        "created": "timestamp",
        "row_id": "ignored",
        "member": "categorical",
        "left": "categorical",
        "when": "timestamp",
        "amount": "numeric",
        "note": "categorical",
    }
    label = found.config.dataset.label
    assert (label.positive, label.negative) == ("True", "False")


def test_files_of_different_types_have_one_reading(init, project, tmp_path):
    big = 2**53 + 1
    columns = {
        "a": {"id": [big] * ROWS, "n": [1] * ROWS, "flag": [True, False] * (ROWS // 2)},
        "b": {"id": [3.0, None] * (ROWS // 2), "n": noise(1), "flag": ["true", None] * (ROWS // 2)},
    }
    for name, values in columns.items():
        table = pa.table({**values, "label": coin(1)})
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")
    assert init(tmp_path / "a.parquet", tmp_path / "b.parquet") == 0
    found = Proposal(project)
    assert found.types == {"id": "INT", "n": "FLOAT", "flag": "BYTES", "label": "BYTES"}
    assert found.domains["flag"] == ["False", "True"]
    exact = profiles({"id": pa.array([big, None])})["id"]
    assert exact.values.to_pylist() == [big, None]


def test_one_odd_column_does_not_keep_a_parquet_file_out(init, project, tmp_path, capfd):
    hashes = [2**63 + 977 * i for i in range(ROWS)]
    table = pa.table(
        {
            "tags": [["a"], []] * (ROWS // 2),
            "geo": [{"lat": 1.0, "lon": 2.0}] * ROWS,
            "took": pa.array([datetime.timedelta(seconds=i) for i in range(ROWS)]),
            "raw": pa.array([b"\xff\xfe"] * ROWS),
            "tod": pa.array([datetime.time(i % 24, 30) for i in range(ROWS)]),
            "hash": pa.array(hashes, pa.uint64()),
            "late": pa.array([*range(ROWS - 1), 2**64 - 1], pa.uint64()),
            "x": noise(1),
            "colour": pa.array(["red", "blue"] * (ROWS // 2)).dictionary_encode(),
            "label": coin(1),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "odd.parquet", row_group_size=50)
    assert init(tmp_path / "odd.parquet") == 0
    found = Proposal(project)
    assert set(found.types) == {"tod", "hash", "late", "x", "colour", "label"}
    assert found.types["hash"] == found.types["late"] == "BYTES"
    why = {name: column.get("why") for name, column in found.columns.items()}
    assert why["tags"] == "list<element: string>: several values in a row."
    assert why["geo"] == "struct<lat: double, lon: double>: several values in a row."
    assert why["took"].startswith("duration[us]: a length of time")
    assert why["raw"] == "bytes that are no text."
    assert found.columns["hash"]["role"] == "ignored"
    assert found.config.dataset.columns["tod"].role is Role.CATEGORICAL
    assert "Read as Parquet." in capfd.readouterr().out


def test_a_label_of_lists_is_refused(init, tmp_path, capfd):
    table = pa.table({"x": noise(1), "label": [[1]] * ROWS})
    pyarrow.parquet.write_table(table, tmp_path / "odd.parquet")
    assert init(tmp_path / "odd.parquet") == 2
    assert "'label' cannot be predicted: list<element: int64>" in capfd.readouterr().err


CONTINENTS = [["NA", "AS", "EU"][i % 3] for i in range(ROWS)]


def test_na_of_a_label_is_a_class_and_said(init, project, tmp_path, capfd):
    (tmp_path / "own.csv").write_text(rows(x=noise(1), continent=CONTINENTS))
    assert init(tmp_path / "own.csv") == 0
    found = Proposal(project)
    assert found.config.dataset.label.classes == ("AS", "EU", "NA")
    assert found.config.dataset.label.missing == "refuse"
    assert found.config.data.csv.missing == ()
    told = "continent: 'NA' is read as a class (40 rows). If it means that the value is missing: "
    assert f"{told}--missing NA" in " ".join(capfd.readouterr().out.split())


def test_na_can_be_named_as_missing(init, project, tmp_path, capfd):
    (tmp_path / "own.csv").write_text(rows(x=noise(1), continent=CONTINENTS))
    assert init(tmp_path / "own.csv", missing="NA") == 0
    found = Proposal(project)
    label = found.config.dataset.label
    assert (label.positive, label.negative, label.missing) == ("AS", "EU", "drop")
    assert found.config.data.csv.missing == ("NA",)
    shown = capfd.readouterr().out
    assert "'NA' counts as no value: continent (40)" in shown
    assert f"40 of {ROWS} rows have no 'continent'" in " ".join(shown.split())


def test_a_word_is_missing_in_one_column_and_a_value_in_another(init, project, tmp_path, capfd):
    ages = ["unknown" if i % 8 == 0 else i % 50 for i in range(ROWS)]
    countries = [["NA", "DE", "FR", "IT", "ES"][i % 5] for i in range(ROWS)]
    grades = [["-", "a", "b"][i // 2 % 3] for i in range(ROWS)]
    incomes = ["-" if i % 5 == 0 else 1000 + i % 90 for i in range(ROWS)]
    sizes = ["NA" if i % 6 == 0 else ["small", "large"][i % 2] for i in range(ROWS)]
    label = [["unknown", "no", "yes"][i % 3] for i in range(ROWS)]
    columns = {"age": ages, "country": countries, "grade": grades, "income": incomes}
    (tmp_path / "own.csv").write_text(rows(**columns, size=sizes, label=label))
    assert init(tmp_path / "own.csv") == 0
    found = Proposal(project)
    assert found.config.data.csv.missing == ("-", "NA", "unknown")
    own = {name: each.missing for name, each in found.config.data.columns.items()}
    assert own == {"country": (), "grade": (), "label": ()}
    assert found.types["age"] == found.types["income"] == "INT"
    assert found.domains["country"] == ["DE", "ES", "FR", "IT", "NA"]
    assert found.domains["grade"] == ["-", "a", "b"]
    assert found.domains["size"] == ["large", "small"]
    assert found.config.dataset.label.classes == ("no", "unknown", "yes")
    shown = " ".join(capfd.readouterr().out.split())
    assert "'unknown' counts as no value: age (15)" in shown
    assert "Words that are read as values: country 'NA' (24), grade '-' (40)." in shown


def test_spellings_are_said(init, tmp_path, capfd):
    labels = [["yes", "no", "Yes", "yes "][i % 4] for i in range(ROWS)]
    towns = [["Ulm", "ULM", "Bonn"][i % 3] for i in range(ROWS)]
    (tmp_path / "own.csv").write_text(rows(x=noise(1), town=towns, churned=labels))
    assert init(tmp_path / "own.csv") == 0
    shown = " ".join(capfd.readouterr().out.split())
    assert "churned: values that differ in spelling only are different classes" in shown
    assert "'Yes' (30) = 'yes' (30) = 'yes ' (30)" in shown
    assert "town: values that differ in spelling only are different values" in shown
    assert "'ULM' (40) = 'Ulm' (40)" in shown


def test_numbers_with_units_are_read_and_said(init, project, tmp_path, capfd):
    amounts = [round(1000 + 37.25 * i, 2) for i in range(ROWS)]
    frame = pandas.DataFrame(
        {
            "price": [
                f"${amount:,.2f}" if i % 5 else f"-${i:.2f}" for i, amount in enumerate(amounts)
            ],
            "share": [f"{i % 100 / 10}%" for i in range(ROWS)],
            "weight": [f"{i % 30}.{i % 10} kg" for i in range(ROWS)],
            "profit": [f"({i}.5)" if i % 3 else f"{i}.5" for i in range(ROWS)],
            "people": [f"{1000 + i}"[:1] + "\xa0" + f"{1000 + i}"[1:] for i in range(ROWS)],
            "room": [f"{i % 20:03}" for i in range(ROWS)],
            "mixed": [f"{i} {'kg' if i % 2 else 'g'}" for i in range(ROWS)],
            "label": coin(1),
        }
    )
    assert init(write(tmp_path, frame, "csv")) == 0
    found = Proposal(project)
    formats = found.config.data.columns
    assert formats["price"] == ColumnFormat(parse=NumberFormat(prefix="$", thousands=","))
    assert formats["share"] == ColumnFormat(parse=NumberFormat(suffix="%"))
    assert formats["weight"] == ColumnFormat(parse=NumberFormat(suffix="kg"))
    assert formats["profit"] == ColumnFormat(parse=NumberFormat(negative="parentheses"))
    numbers = {name for name, type_name in found.types.items() if type_name != "BYTES"}
    assert {"price", "share", "weight", "profit"} <= numbers
    assert "room" not in numbers and "mixed" not in numbers
    shown = " ".join(capfd.readouterr().out.split())
    assert "price: 120 values such as '$1,037.25' are read as numbers." in shown
    assert "room: values such as '000' are codes" in shown
    assert "mixed: numbers such as '0 g' have different units: g, kg." in shown


ODD_NUMBERS = {
    "indian groups": [f"{1 + i % 60},{i % 90 + 10},567" for i in range(ROWS)],
    "limits": [f"<{i}.5" if i % 3 else f"{i}.25" for i in range(ROWS)],
    "thousands": [f"{i % 90}k" for i in range(ROWS)],
    "at least": [f"{i}+" for i in range(ROWS)],
    "other digits": [f"{i}".translate({48 + n: 0x660 + n for n in range(10)}) for i in range(ROWS)],
    "nothing": ["$ -" if i % 3 == 0 else f"$ {i}.50" for i in range(ROWS)],
}
NO_NUMBERS = {
    "ranges": [f"{i}-{i + 9}" for i in range(ROWS)],
    "versions": [f"1.{i}.0" for i in range(ROWS)],
    "addresses": [f"10.0.0.{i}" for i in range(ROWS)],
    "telephone": [f"+49 30 {1234 + i}" for i in range(ROWS)],
    "times": [f"{i % 24}:{i % 60:02}" for i in range(ROWS)],
    "house numbers": [f"{i}{'ab'[i % 2]}" for i in range(ROWS)],
    "bands of ages": [["<18", "18-29", "30+"][i % 3] for i in range(ROWS)],
}


@pytest.mark.parametrize("form", ODD_NUMBERS)
def test_numbers_in_forms_that_are_not_read_are_said_before_they_are_ignored(
    form, init, tmp_path, capfd
):
    values = ODD_NUMBERS[form]
    frame = pandas.DataFrame({"amount": values, "x": noise(1), "label": coin(1)})
    assert init(write(tmp_path, frame, "csv")) == 0
    shown = " ".join(capfd.readouterr().out.split())
    match = re.search(r"amount: (\d+) values such as '(.+?)' look like numbers in a form", shown)
    assert match, shown
    assert match[2] in values
    assert int(match[1]) == (80 if form == "limits" else ROWS)


@pytest.mark.parametrize("form", NO_NUMBERS)
def test_what_only_has_digits_is_no_number(form, init, project, tmp_path, capfd):
    frame = pandas.DataFrame({"amount": NO_NUMBERS[form], "x": noise(1), "label": coin(1)})
    assert init(write(tmp_path, frame, "csv")) == 0
    assert Proposal(project).types["amount"] == "BYTES"
    assert "amount: " not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("label", "advice"),
    [
        ([f"{i}k" for i in range(ROWS)], "Write numbers such as '0k' in plain form."),
        ([f"{i} {'kg' if i % 2 else 'g'}" for i in range(ROWS)], "different units: g, kg."),
        (["twelve" if i == 7 else i for i in range(ROWS)], "Row 8 below the header has 'twelve'"),
        ([0.5 * i if i % 2 else f"N{i}" for i in range(ROWS)], "--label."),
    ],
)
def test_a_label_of_numbers_in_text_is_refused_with_the_reason(
    label, advice, init, tmp_path, capfd
):
    frame = pandas.DataFrame({"x": noise(1), "label": label})
    assert init(write(tmp_path, frame, "csv")) == 2
    assert advice in capfd.readouterr().err


def test_numbers_that_float32_cannot_hold_are_said(init, tmp_path, capfd):
    frame = pandas.DataFrame(
        {"big": [2**24 + i + 0.5 for i in range(ROWS)], "x": noise(1), "label": coin(1)}
    )
    assert init(write(tmp_path, frame, "csv")) == 0
    assert "big: 120 different numbers are" in " ".join(capfd.readouterr().out.split())


def test_whole_numbers_that_the_model_would_merge_are_said_or_names(init, project, tmp_path, capfd):
    codes = [2**53 + 1 + i % 8 for i in range(ROWS)]
    amounts = [10**10 + 3 * i for i in range(ROWS)]
    frame = pandas.DataFrame({"code_": codes, "big": amounts, "x": noise(1), "label": coin(1)})
    assert init(write(tmp_path, frame, "csv")) == 0
    columns = Proposal(project).columns
    assert (columns["code_"]["role"], columns["big"]["role"]) == ("categorical", "numeric")
    shown = " ".join(capfd.readouterr().out.split())
    assert "big: the model sees 120 different numbers as 1, since an amount has 7 digits." in shown


def test_blanks_are_missing(init, project, tmp_path):
    text = ["", " ", "\xa0", "\u200b", "full", "half"]
    (tmp_path / "own.csv").write_text(
        rows(note=[text[i % 6] for i in range(ROWS)], x=noise(1), label=coin(1))
    )
    assert init(tmp_path / "own.csv") == 0
    found = Proposal(project)
    assert found.domains["note"] == ["full", "half"]
    assert "[33.3%]" in (project / "configs" / "schema.pbtxt").read_text()


def test_words_hold_for_text_in_parquet(init, project, tmp_path):
    table = io.StringIO(rows(size=lambda i: ["NA", "small", "large"][i % 3], x=noise(1), y=coin(1)))
    frame = pandas.read_csv(table, keep_default_na=False)
    assert init(write(tmp_path, frame, "parquet")) == 0
    found = Proposal(project)
    assert found.config.data.csv.missing == ("NA",)
    assert found.domains["size"] == ["large", "small"]
