"""Data that nothing can be learned from gets one screen: what, and where; no file changes."""

import gzip

import pytest

from tests.pipeline.inspection.conftest import ROWS, coin, noise, rows

GOOD = rows(x=noise(1), label=coin(1))
HALF = "x,label\n" + "".join(f"{i},{'no' if i % 2 else 'yes'}\n" for i in range(30))

# content of the file, further options, what the screen says
BAD = {
    "empty": (b"", {}, ["is empty"]),
    "header only": (b"x,label\n", {}, ["no rows"]),
    "header without a line break": (b"x,label", {}, ["no rows"]),
    "no such label": (GOOD, {"label": "lable"}, ["no column 'lable'", "did you mean 'label'?"]),
    "constant label": (rows(x=noise(1), label=["a"] * ROWS), {}, ["'a' in every row"]),
    "label nowhere": (rows(x=noise(1), label=[""] * ROWS), {}, ["missing in all 120 rows"]),
    "label hardly anywhere": (
        rows(x=noise(1), label=[*coin(1)[:50], *[""] * (ROWS - 50)]),
        {},
        ["50 rows with a label are too few", "60 is the least"],
    ),
    "duplicate columns": (GOOD.replace("x,", "label,", 1), {}, ["more than one", "'label'"]),
    "unnamed column": (GOOD.replace("label", "", 1), {}, ["column 2 has no name"]),
    "a label and row numbers": (GOOD.replace("x,", ",", 1), {}, ["has one column, 'label'"]),
    "no header": (
        "".join(f"{i},{i % 2}\n" for i in range(ROWS)),
        {},
        ["line 1 seems to be data", "names"],
    ),
    "ragged": (
        GOOD.replace("\n", "\n1,2,3\n", 2) + "7\n",
        {},
        ["2 columns", "3 rows have", "line 2 has 3", "line 4 has 3", "line 124 has 1"],
    ),
    "ragged after a line break in quotes": (
        'x,label\n"a\nb",yes\n1,2,3\n',
        {},
        ["1 row has", "line 4 has 3"],
    ),
    "binary": (b"\x89PNG\r\n\x00\x00" * 100, {}, ["not text"]),
    "spreadsheet": (b"PK\x05\x06" + b"\0" * 18, {}, ["spreadsheet"]),
    "torn gzip": (gzip.compress(GOOD.encode())[:60], {}, ["cannot be read"]),
    "one column": ("label\nyes\nno\n", {}, ["one column"]),
    "too few rows": (HALF, {}, ["30 rows", "60 is the least"]),
    "class with one row": (
        rows(x=noise(1), label=["maybe", *coin(1)[1:]]),
        {},
        ["one row only: 'maybe'"],
    ),
    "two thousand columns": (
        ",".join(f"c{i}" for i in range(2000)) + "\n" + ",".join("1" * 2000) + "\n",
        {},
        ["2,000 columns", "500"],
    ),
    "binary asked for": (
        rows(x=noise(1), label=lambda i: "abc"[i % 3]),
        {"task": "binary"},
        ["3 values, not two"],
    ),
    "label without end": (
        rows(x=noise(1), label=["inf", *noise(2)[1:]]),
        {},
        ["'label' is infinite", "in 1 rows"],
    ),
    "regression asked for": (GOOD, {"task": "regression"}, ["not all numbers"]),
    "too many classes": (
        rows(x=noise(1), label=lambda i: f"name {i}"),
        {},
        ["120 classes"],
    ),
    "nothing to learn from": (
        rows(id=lambda i: i, same=["a"] * ROWS, label=coin(1)),
        {},
        ["No column is left", "id: An identifier", "same: It is always 'a'"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_screen(name, init, project, tmp_path, capfd):
    content, options, words = BAD[name]
    file = tmp_path / "bad.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = {path.name: path.read_bytes() for path in (project / "configs").iterdir()}
    assert init(file, **options) == 2
    screen = capfd.readouterr().err
    for word in words:
        assert word in screen
    assert "Traceback" not in screen
    assert len(screen.splitlines()) < 25
    assert {path.name: path.read_bytes() for path in (project / "configs").iterdir()} == before
    assert not (project / "data").exists()


def test_a_file_that_is_not_there(init, tmp_path, capfd):
    assert init(tmp_path / "none.csv") == 2
    assert "there is no" in capfd.readouterr().err
