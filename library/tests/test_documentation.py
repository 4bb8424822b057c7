"""References in messages, comments and the project's docs to pages of the documentation."""

import re
from pathlib import Path

from tfxkit.errors import documentation

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent
PAGES = {page.stem for page in (LIBRARY / "docs").rglob("*.md") if page.parent.name != "reference"}


def test_messages_refer_to_pages_by_the_command_that_prints_them():
    assert documentation("slices") == "`python -m pipeline docs slices`"
    texts = [path.read_text() for path in (LIBRARY / "src").rglob("*.py")]
    pattern = (
        r"""documentation\((["'])([^"']+)\1\)|(?:-m pipeline docs|on the page) `?([a-z][\w-]*)"""
    )
    named = {call or named for text in texts for _, call, named in re.findall(pattern, text)}
    assert {"serving", "security", "summary"} < named <= PAGES


def test_no_message_refers_to_a_file_that_a_project_does_not_have():
    messages = re.compile(r"""^\s*(?:f|r)?["'](?!["']).*\bdocs/""", re.MULTILINE)
    for path in (LIBRARY / "src").rglob("*.py"):
        assert not messages.search(path.read_text()), path


def test_the_project_refers_to_pages_by_their_names():
    folders = ("docs", "configs", "pipeline", "components", "models", "deploy", "notebooks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = [path.read_text() for path in files if path.suffix in {".md", ".yaml", ".py", ".ipynb"}]
    named = {page for text in texts for page in re.findall(r"[` ]docs ([a-z][\w-]*)`", text)}
    assert len(named) > 10
    assert named <= PAGES
    assert all("documentation of tfxkit" not in text for text in texts)


def test_the_projects_pages_stand_alone():
    """A generated project has no folder `library/`."""
    for page in (ROOT / "docs").glob("*.md"):
        links = re.findall(r"\]\(([^)#]+)", page.read_text())
        assert [
            link for link in links if "://" not in link and not (page.parent / link).exists()
        ] == []
        assert "library/" not in page.read_text()
