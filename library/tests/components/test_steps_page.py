"""The code of docs/extending/steps.md does what the page says."""

from __future__ import annotations

import importlib
import re

import pytest
from tfx.types import standard_artifacts

from tests.sample_project import LIBRARY, ROOT

PAGE = (LIBRARY / "docs/extending/steps.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("properties", "line"),
    [
        ({"pushed": 1}, "version 1795938524\n"),
        ({"pushed": 1, "adopted": 1}, None),
        ({"pushed": 0}, None),
    ],
)
def test_ten_lines_log_each_push(properties, line, tmp_path, monkeypatch):
    (tmp_path / "push_log_of_the_page.py").write_text(BLOCKS[0])
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("push_log_of_the_page")
    pushed = standard_artifacts.PushedModel()
    pushed.set_string_custom_property("pushed_version", "1795938524")
    for name, value in properties.items():
        pushed.set_int_custom_property(name, value)
    file = tmp_path / "pushed.txt"
    module.PushLog.test_call(pushed_model=pushed, file=str(file))
    assert (file.read_text() if file.exists() else None) == line


def test_its_settings_stand_beside_those_of_announce(tmp_path, monkeypatch):
    [block] = [block for block in BLOCKS if "class PushLogSettings" in block]
    shipped = (ROOT / "pipeline/steps.py").read_text()
    (tmp_path / "steps_of_the_page.py").write_text(f"{shipped}\n\n{block}")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("steps_of_the_page")
    steps = module.Steps.model_validate({"push_log": {"file": "/var/log/models.txt"}})
    assert steps.push_log.file == "/var/log/models.txt"
    assert steps.announce == module.AnnounceSettings()


def test_what_it_imports_is_there():
    imports = re.findall(r"^from (tfxkit\S+) import ([\w, ]+\w)", "\n".join(BLOCKS), re.MULTILINE)
    assert len(imports) > 2
    for module, names in imports:
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name)
