"""Both Makefiles: `help` lists every target, and each target names what exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.sample_project import LIBRARY, ROOT


@pytest.mark.parametrize("folder", [ROOT, LIBRARY], ids=["project", "library"])
def test_help_lists_every_target(folder: Path) -> None:
    makefile = (folder / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: ([a-z -]*)", makefile, re.MULTILINE)
    command = ["make", "--no-print-directory", "-C", folder]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    listed = re.findall(r"^make (?:-C library )?([a-z-]+) +(\S.*)$", result.stdout, re.MULTILINE)
    assert len(listed) == len(result.stdout.splitlines())
    assert sorted(name for name, _ in listed) == sorted(" ".join(targets).split())
    assert all(len(description.split()) > 1 for _, description in listed)


def test_suites_lie_where_the_library_looks_for_them() -> None:
    makefile = (LIBRARY / "Makefile").read_text()
    named = re.findall(r"(?<= )(?:tests|benchmarks)/\S+", makefile)
    assert {"tests/engines", "benchmarks/speed.py"} <= set(named)
    assert [path for path in named if not (LIBRARY / path).exists()] == []
