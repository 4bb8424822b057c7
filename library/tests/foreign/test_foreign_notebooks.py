"""The four notebooks on the run of the foreign project."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.foreign.conftest import OVERLAYS
from tests.foreign.test_foreign_features import OWN as FEATURES
from tests.foreign.test_foreign_steps import OWN as STEPS
from tests.sample_project import ROOT

KINDS = ("rank", "number", "code", "code", "codes", "number", "number")  # of the own features


def shown_by(file) -> str:
    """The printed output of an executed notebook's cells, as text."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    return "\n".join("".join(text) for text in texts)


@pytest.mark.notebooks
@pytest.mark.timeout(900)
def test_they_show_what_is_the_projects_own(foreign, monkeypatch):
    monkeypatch.setenv("PIPELINE_CONFIG", ",".join(OVERLAYS))
    monkeypatch.setenv("PIPELINE_CONFIG_DIR", str(foreign.root / "configs"))
    shutil.copytree(ROOT / "notebooks", foreign.root / "notebooks")
    files = sorted((foreign.root / "notebooks").glob("*.ipynb"))
    options = ["-q", "-p", "no:cacheprovider", "--nbmake", "--overwrite", "--nbmake-timeout=300"]
    done = foreign.python("-m", "pytest", *options, *map(str, files))
    assert done.returncode == 0, done.stdout[-6000:]

    data, features, model, runs = map(shown_by, files)
    assert "from the column 'tips'. Spans: [2013, 2014, 2015, 2016]." in data
    for name, kind in zip(FEATURES, KINDS, strict=True):
        assert re.search(rf"\s{name}\s+{kind}\s", features), name
    assert re.search(r"\sfare, trip_miles\s", features)  # what `fare_per_mile` is made from
    found = foreign.latest()
    assert f"✓ cost overall is {found.metrics['cost']:.4g}, at most 3" in model
    for name in STEPS:
        assert re.search(rf"\s{name}\s+(input|output)\s", runs), name
    assert re.search(rf"Version {found.pushed_path.rpartition('/')[2]}: artifact", runs)
