"""`make help` lists every word that there is."""

from __future__ import annotations

import re
import subprocess

from tfxkit.environment import paths


def test_help_lists_every_target() -> None:
    makefile = (paths.ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: ([a-z -]*)", makefile, re.MULTILINE)
    result = subprocess.run(
        ["make", "--no-print-directory"],
        cwd=paths.ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    listed = [line.split()[1] for line in result.stdout.splitlines()]
    assert sorted(listed) == sorted(" ".join(targets).split())
    assert all(len(line.split()) > 3 for line in result.stdout.splitlines())
