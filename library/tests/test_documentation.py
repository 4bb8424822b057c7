"""Pages that messages and the project's docs refer to by title are pages of the documentation."""

import re
from pathlib import Path

from tfxkit.errors import documentation

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent
TITLES = {
    page.read_text().partition("\n")[0].removeprefix("# ")
    for page in (LIBRARY / "docs").rglob("*.md")
}


def test_messages_refer_to_pages_by_their_titles():
    assert documentation("Slices") == '"Slices" in the documentation of tfxkit'
    texts = [path.read_text() for path in (LIBRARY / "src").rglob("*.py")]
    pattern = r"""documentation\((["'])(.+?)\1\)|"([^"\n]+)" in the documentation of tfxkit has"""
    named = {call or quoted for text in texts for _, call, quoted in re.findall(pattern, text)}
    assert {"Serving", "Security"} < named <= TITLES


def test_no_message_refers_to_a_file_that_a_project_does_not_have():
    messages = re.compile(r"""^\s*(?:f|r)?["'](?!["']).*\bdocs/""", re.MULTILINE)
    for path in (LIBRARY / "src").rglob("*.py"):
        assert not messages.search(path.read_text()), path


def test_the_projects_pages_refer_to_pages_by_their_titles():
    pages = [page.read_text() for page in sorted((ROOT / "docs").glob("*.md"))]
    assert len(pages) == 5
    named = {title for page in pages for title in re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*", page)}
    assert len(named) > 5
    assert named - {"Titles"} <= TITLES


def test_the_projects_pages_stand_alone():
    """A generated project has no folder `library/`."""
    for page in (ROOT / "docs").glob("*.md"):
        links = re.findall(r"\]\(([^)#]+)", page.read_text())
        assert [
            link for link in links if "://" not in link and not (page.parent / link).exists()
        ] == []
        assert "library/" not in page.read_text()
