"""No cell, no name of a column is run by a spreadsheet; numbers and all else stay as they are."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tfxkit.runs.spreadsheet import harmless


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(1)\nx"]
)
def test_a_formula_gets_an_apostrophe(text, kind):
    table = harmless(pa.table({"a": pa.array([text, "plain", None], kind)}))
    assert table.column("a").to_pylist() == ["'" + text, "plain", None]
    assert table.schema.field("a").type == kind


@pytest.mark.parametrize("text", ["-1", "-", "+1.5", "-1e-7", "-1,5", "a=b", "", " =1", "'=1"])
def test_numbers_and_other_texts_stay(text):
    table = pa.table({"a": [text], "b": [-1.5]})
    assert harmless(table).equals(table)


def test_names_of_columns_as_well():
    table = pa.table({"=cmd()": [1], "-1": [2], "fare": [3]})
    assert harmless(table).column_names == ["'=cmd()", "-1", "fare"]
