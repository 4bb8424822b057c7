"""The benchmarks: each module can be imported, and each command that is shown names a script."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.sample_project import LIBRARY, ROOT

FOLDER = LIBRARY / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
# As all commands below begin, from the root.
COMMAND = "PYTHONPATH=library .venv/bin/python library/benchmarks/"


def test_each_module_can_be_imported_with_the_path_of_the_commands():
    names = [f"benchmarks.{script.stem}" for script in SCRIPTS]
    code = f"import importlib\nfor name in {names}: importlib.import_module(name)"
    environment = {**os.environ, "PYTHONPATH": "library"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_each_script_shows_its_command():
    for script in SCRIPTS:
        text = script.read_text()
        if "if __name__ ==" in text:
            assert f"\n    {COMMAND}{script.name}" in text, script.name


def test_pages_show_commands_that_work_from_the_root():
    pages = [FOLDER / "README.md", *(LIBRARY / "docs").rglob("*.md"), *SCRIPTS]
    shown = []
    for page in pages:
        text = page.read_text()
        shown += re.findall(rf"{re.escape(COMMAND)}(\w+\.py)", text)
        assert not re.search(r"python (-m benchmarks|benchmarks/)", text), page
        assert text.count("python library/benchmarks/") == text.count(COMMAND), page
    assert shown
    assert all((FOLDER / name).is_file() for name in shown)
