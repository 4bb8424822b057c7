"""Notebooks are committed as text and code, without anything of a run."""

from __future__ import annotations

import json

import pytest

from tests.sample_project import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ["01_data", "02_features", "03_model", "04_runs_and_lineage"]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def test_there_are_four() -> None:
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_a_run_is_in_it(path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["metadata"] == {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}, cell["id"]
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], cell["id"]
            assert cell["execution_count"] is None, cell["id"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_explained_and_links_to_what_is_there(path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[0]["cell_type"] == "markdown"
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert any("*Worrying:*" in text for text in prose)
    for name in NAMES:
        if f"({name}.ipynb)" in "\n".join(prose):
            assert (path.parent / f"{name}.ipynb").exists()
    assert "visualize_statistics(" not in "".join(
        line for cell in cells if cell["cell_type"] == "code" for line in cell["source"]
    )
