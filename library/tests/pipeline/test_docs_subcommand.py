"""`docs`: pages of the library by name, and the headings that a word is under."""

import os
import pty
import subprocess
import sys

import pytest

import tfxkit
from tests.light_commands import exit_codes_and_heavy_imports
from tests.sample_project import LIBRARY, SAMPLE
from tfxkit import cli


@pytest.fixture
def docs(capsys):
    def run(*arguments):
        code = cli.main(["docs", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_each_page_is_listed_with_its_title_on_one_line(docs):
    code, out, _ = docs()
    *lines, empty, hint = out.splitlines()
    titles = dict(line.split(maxsplit=1) for line in lines)
    files = [file for file in LIBRARY.glob("docs/**/*.md") if file.parent.name != "reference"]
    assert titles.keys() == {file.stem for file in files}
    assert titles["scale"] == "Engines for the data steps"
    assert titles["changelog"] == "Changelog"
    assert (code, empty, hint) == (0, "", "To read one: python -m pipeline docs PAGE")


@pytest.mark.parametrize("target", ["steps", "steps.md", "extending/steps.md#add-a-step", "Steps"])
def test_a_page_is_printed_for_its_name_and_for_a_link_to_it(docs, target):
    page = (LIBRARY / "docs/extending/steps.md").read_text()
    assert docs(target) == (0, page, "")


@pytest.mark.parametrize(
    ("target", "hint"),
    [("sacle", "did you mean scale?"), ("zzz", "the list: python -m pipeline docs")],
)
def test_an_unknown_page_is_refused(docs, target, hint):
    assert docs(target) == (2, "", f"There is no page {target!r}; {hint}\n")


def test_a_search_lists_the_headings_over_a_word(docs):
    code, out, _ = docs("--search", "WORST_slice")
    found = [tuple(line.split(maxsplit=1)) for line in out.splitlines()]
    assert code == 0
    assert ("slices", "Slices") in found
    assert "serving" not in dict(found)
    # A comment of a code block is no heading.
    assert ("serving", "A request") in [
        tuple(line.split(maxsplit=1)) for line in docs("--search", "[[0.61]")[1].splitlines()
    ]


def test_a_search_without_a_hit_is_refused(docs):
    assert docs("--search", "qqqq") == (
        2,
        "",
        "No page has 'qqqq'; the list: python -m pipeline docs\n",
    )


def test_an_installation_without_a_changelog_lists_the_other_pages(docs, tmp_path, monkeypatch):
    pages = tmp_path / "tfxkit" / "docs"
    pages.mkdir(parents=True)
    (pages / "slices.md").write_text("# Slices\n")
    monkeypatch.setattr(tfxkit, "__file__", str(tmp_path / "tfxkit" / "__init__.py"))
    assert docs() == (0, "slices  Slices\n\nTo read one: python -m pipeline docs PAGE\n", "")
    assert docs("--search", "slice")[0] == 0
    code, out, error = docs("changelog")
    assert (code, out) == (2, "")
    assert error == (
        "This installation of tfxkit has no changelog. Install the library again: make setup\n"
    )


def test_a_terminal_gets_the_page_through_the_pager(tmp_path):
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\ncat >{tmp_path}/paged\n")
    pager.chmod(0o755)
    terminal, end = pty.openpty()
    try:
        environment = {**os.environ, "PAGER": str(pager), "TERM": "xterm"}
        command = [sys.executable, "-m", "pipeline", "docs", "slices"]
        subprocess.run(command, stdin=end, stdout=end, env=environment, check=True)
    finally:
        os.close(end)
        os.close(terminal)
    assert (tmp_path / "paged").read_text() == (LIBRARY / "docs/slices.md").read_text()


def test_nothing_heavy_is_imported():
    codes, heavy, _ = exit_codes_and_heavy_imports([["docs"], ["docs", "slices"]], SAMPLE)
    assert (codes, heavy) == ([0, 0], [])
