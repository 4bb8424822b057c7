"""Predictions of the pushed model for a file."""

import csv
import io
import json

import pytest

from tfxkit.storage.filesystems import fileio

pytestmark = pytest.mark.slow


def predictions(project, capfd, *args) -> list[dict[str, str]]:
    capfd.readouterr()
    assert project.pipeline("predict", *args) == 0
    return list(csv.DictReader(io.StringIO(capfd.readouterr().out)))


def test_rows_keep_their_order_and_columns_and_labels_are_not_asked_for(project, capfd):
    source = list(csv.DictReader(project.span(2).open()))
    with_label = predictions(project, capfd, str(project.span(2)))
    assert [{k: row[k] for k in source[0]} for row in with_label] == source
    (name,) = set(with_label[0]) - set(source[0])
    values = [float(row[name]) for row in with_label]
    assert all(0 <= value <= 1 for value in values) and len(set(values)) > 10

    bare = project.root / "without tips.csv"
    with bare.open("w", newline="") as file:
        writer = csv.DictWriter(file, [n for n in source[0] if n != "tips"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(source)
    without_label = predictions(project, capfd, str(bare))
    assert [float(row[name]) for row in without_label] == pytest.approx(values, abs=1e-6)


def test_unknown_categories_and_missing_values_are_answered(project, capfd):
    odd = project.root / "odd.csv"
    rows = list(csv.DictReader(project.span(2).open()))[:3]
    rows[0]["payment_type"], rows[1]["fare"], rows[2]["company"] = "Bitcoin", "", "Ünbekannt"
    with odd.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = predictions(project, capfd, str(odd))
    assert [row["company"] for row in found] == [row["company"] for row in rows]


def test_unseen_values_are_said_on_standard_error(project, capfd):
    usual, odd = project.span(1), project.root / "odd.csv"
    rows = list(csv.DictReader(usual.open()))
    for number, row in enumerate(rows):
        row["payment_type"] = ("Bitcoin", "Voucher", "Cash")[number % 3]
        row["fare"] = str(100_000 + number) if number % 4 else ""
    with odd.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert project.pipeline("predict", str(usual)) == 0
    assert capfd.readouterr().err == ""
    assert project.pipeline("predict", str(odd)) == 0
    assert sorted(capfd.readouterr().err.splitlines()) == [
        "Warning: fare: 300 of 300 values (100%) lie outside of the training data, 0 to 64.85: "
        "for example 100001, 100002, 100003.",
        "Warning: payment_type: 267 of 400 values (67%) are not in the model's vocabulary: for "
        "example 'Bitcoin', 'Voucher'.",
    ]


def test_a_file_is_read_as_those_that_the_version_was_trained_on(project, capfd):
    before = predictions(project, capfd, str(project.span(2)))
    (config_file,) = project.outputs.serving.glob("*/assets.extra/config.json")
    config = json.loads(config_file.read_text())
    assert config["csv"]["encoding"] == "utf-8"
    config["csv"] |= {"delimiter": ";", "encoding": "utf-16"}
    config_file.write_text(json.dumps(config))
    reading_file = config_file.with_name("reading.json")
    reading = json.loads(reading_file.read_text())
    assert (reading["rules"], reading["missing"]) == (2, [])
    reading_file.write_text(json.dumps(reading | {"missing": ["-"]}))
    other = project.root / "other.csv"
    rows = list(csv.reader(project.span(2).open()))
    assert any("" in row for row in rows)
    with other.open("w", newline="", encoding="utf-16") as file:
        csv.writer(file, delimiter=";").writerows([value or "-" for value in row] for row in rows)
    after = predictions(project, capfd, str(other))
    assert [
        {k: v.replace("-", "") if v == "-" else v for k, v in row.items()} for row in after
    ] == (before)


def test_a_file_on_s3(project, capfd, s3):
    with fileio.open(f"{s3}/trips.csv", "w") as file:
        file.write(project.span(2).read_text())
    there = predictions(project, capfd, f"{s3}/trips.csv")
    assert there == predictions(project, capfd, str(project.span(2)))
    assert project.pipeline("predict", f"{s3}/none.csv") == 4
    assert f"There is no file {s3}/none.csv" in capfd.readouterr().err


def test_into_a_file_whole_or_not_at_all(project, capfd):
    target = project.root / "predictions.csv"
    assert project.pipeline("predict", str(project.span(1)), "-o", str(target)) == 0
    assert "400 rows" in capfd.readouterr().out
    assert len(target.read_text().splitlines()) == 401

    broken = project.root / "broken.csv"
    broken.write_text(project.span(1).read_text() + "1,2,3\n")
    other = project.root / "other.csv"
    assert project.pipeline("predict", str(broken), "-o", str(other)) == 4
    assert "broken.csv" in capfd.readouterr().err
    assert not other.exists() and not list(project.root.glob(".other*"))


@pytest.mark.parametrize(
    ("args", "told"),
    [(["nowhere.csv"], "no file nowhere.csv"), (["--version", "7"], "No such version")],
)
def test_what_cannot_be_is_said(project, capfd, args, told):
    file = [] if args[0] == "nowhere.csv" else [str(project.span(1))]
    assert project.pipeline("predict", *args, *file) == 2
    assert told in capfd.readouterr().err


def test_without_a_model_it_says_how_to_get_one(fresh_project, capfd):
    assert fresh_project.pipeline("predict", str(fresh_project.span(1))) == 2
    assert "python -m pipeline run" in capfd.readouterr().err
