"""Subcommand `docs`: the pages of this library, which its wheel brings along."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import tfxkit
from tfxkit.commands import Subcommand
from tfxkit.errors import UsageError

_CHANGELOG = "changelog"
_FENCE = "```"

_DOCS = """\
Print a page of the library's documentation; without PAGE: list the pages with their titles.

PAGE is a name from the list, or the target of a link in a page, such as scale.md#sizing. This needs
no network: the pages are those of the installed version.
"""


def _add_docs_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("page", metavar="PAGE", nargs="?", help="such as configuration")
    group.add_argument("--search", metavar="WORD", help="list the headings of all text with WORD")


def print_documentation(args: argparse.Namespace) -> int:
    """Prints the list, the result of a search, or a page through the pager; returns 0."""
    import pydoc

    pages = _pages()
    if args.search is not None:
        print("\n".join(_search(args.search, pages)))
    elif args.page is not None:
        pydoc.pager(_find(args.page, pages).read_text("utf-8"))
    else:
        print("\n".join(_list(pages)))
    return 0


def _pages() -> dict[str, Path]:
    """The files of the pages by name, from the installed wheel or the library's repository.

    Without those that only the site has: `build_backend.py` leaves them out.
    """
    package = Path(tfxkit.__file__).parent
    docs = package / "docs"
    changelog = package.with_name(f"tfxkit-{tfxkit.__version__}.dist-info") / "CHANGELOG.md"
    if not docs.is_dir():
        library = package.parents[1]
        docs, changelog = library / "docs", library / "CHANGELOG.md"
    files = [file for file in docs.rglob("*.md") if file.parent.name != "reference"]
    pages = {file.stem: file for file in files} | {_CHANGELOG: changelog}
    if not changelog.is_file():
        del pages[_CHANGELOG]
    return dict(sorted(pages.items()))


def _list(pages: dict[str, Path]) -> list[str]:
    width = max(map(len, pages))
    lines = []
    for name, file in pages.items():
        title, _ = next(_sections(file))
        lines.append(f"{name:{width}}  {title}")
    return [*lines, "", "To read one: python -m pipeline docs PAGE"]


def _find(target: str, pages: dict[str, Path]) -> Path:
    """The page of a name, or of a link's target."""
    name = PurePosixPath(target.partition("#")[0]).name.removesuffix(".md").lower()
    if name == _CHANGELOG and name not in pages:
        raise UsageError(
            "This installation of tfxkit has no changelog. Install the library again: make setup"
        )
    if name not in pages:
        near = difflib.get_close_matches(name, pages, 1)
        hint = f"did you mean {near[0]}?" if near else "the list: python -m pipeline docs"
        raise UsageError(f"There is no page {target!r}; {hint}")
    return pages[name]


def _search(word: str, pages: dict[str, Path]) -> list[str]:
    """A line for each section with a word: the page's name and the heading."""
    width = max(map(len, pages))
    lines = [
        f"{name:{width}}  {heading}"
        for name, file in pages.items()
        for heading, text in _sections(file)
        if word.lower() in text.lower()
    ]
    if not lines:
        raise UsageError(f"No page has {word!r}; the list: python -m pipeline docs")
    return lines


def _sections(file: Path) -> Iterator[tuple[str, str]]:
    """The heading and the text of each section, its heading included, in order."""
    lines: list[str] = []
    is_code = False
    for line in file.read_text("utf-8").splitlines():
        is_code ^= line.lstrip().startswith(_FENCE)
        if line.startswith("#") and not is_code and lines:
            yield lines[0].lstrip("# "), "\n".join(lines)
            lines = []
        lines.append(line)
    yield lines[0].lstrip("# "), "\n".join(lines)


SUBCOMMANDS = (Subcommand("docs", _DOCS, _add_docs_arguments, print_documentation),)
