"""The git commit of the code, where there is one."""

from __future__ import annotations

import re
import subprocess

from tfxkit.execution import commit_of


def git(folder, *arguments: str) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


def test_a_commit_with_changes_says_so(tmp_path):
    assert commit_of(tmp_path) is None
    git(tmp_path, "init")
    assert commit_of(tmp_path) is None
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--message", "One")
    commit = commit_of(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", commit or "")
    (tmp_path / "code.py").write_text("2\n")
    assert commit_of(tmp_path) == f"{commit}+"
    assert commit_of(tmp_path / "none") is None
