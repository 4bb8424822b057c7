"""Writes a project: the template's files that belong to it, renamed, and the library as a wheel."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from template import blocks, library, lock, names, own_data, parts, readme, rules, source
from template.errors import TemplateError

# Copied byte for byte: what looks like a name there is none.
VERBATIM = ("data/",)


def write(
    repository: Path,
    target: Path,
    answers: Mapping[str, str],
    folder: Path,
    kept: Callable[[str], bool],
    *,
    by_cruft: bool = False,
) -> list[str]:
    """Writes all files.

    Args:
        repository: The template.
        target: The new project's folder, which exists.
        answers: Checked ones.
        folder: Where the path of a data set starts.
        kept: Whether a file that is there already, by its path in the project, stays as it is.
        by_cruft: Whether cruft makes the project, and updates it later, in place of copier.

    Returns:
        The paths of the template's files that were written.

    Raises:
        TemplateError: If two files would have the same name, a mark or a rule does not fit, or a
            name of the template is left.
    """
    wanted = parts.wanted(answers)
    rename = names.Renamer(answers)
    tracked = source.files(repository)
    if missing := {rule.path for rule in rules.rules(answers)} - set(tracked):
        raise TemplateError(f"There are rules about files that are not there: {sorted(missing)}")
    origins: dict[str, str] = {}
    written = []
    for path in (path for path in tracked if parts.belongs(path, wanted)):
        new = rename(path)
        if new in origins:
            raise TemplateError(f"{path} and {origins[new]} would both become {new}")
        origins[new] = path
        file = target / new
        if file.exists() and kept(new):
            print(f"kept: {new}", file=sys.stderr)
            continue
        content = (repository / path).read_bytes()
        if (text := _text(path, content)) is not None:
            if path == lock.PATH:
                text = lock.prune(text, repository / "library", lock.extras(wanted))
            text = rename(blocks.drop(text, wanted, path))
            content = rules.put(path, text, answers).encode()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        shutil.copymode(repository / path, file)
        written.append(new)
    _ensure_renamed(target, written, answers)
    if answers["dataset_csv"]:
        own_data.write(repository, target, answers, folder, kept)
    if not ((target / library.REQUIREMENT).exists() and kept(library.REQUIREMENT)):
        library.write(repository, target)
    if not ((target / readme.PATH).exists() and kept(readme.PATH)):
        pages = [path for path in origins if path.startswith("docs/") and path.endswith(".md")]
        readme.write(repository, target, answers, pages, by_cruft)
    return written


def write_license(repository: Path, target: Path, answers: Mapping[str, str]) -> None:
    """Puts in another licence; the template's own, under which its code is, stays beside it."""
    if answers["license"] != "Apache-2.0":
        text = (repository / "template" / "licenses" / answers["license"]).read_text()
        (target / "LICENSE-APACHE").write_bytes((repository / "LICENSE").read_bytes())
        (target / "LICENSE").write_text(text.format(**answers), encoding="utf-8")


def _text(path: str, content: bytes) -> str | None:
    """The text of a file; None if it is to be copied as it is."""
    if (path.startswith(VERBATIM) and not path.endswith((".md", ".py"))) or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _ensure_renamed(target: Path, paths: Iterable[str], answers: Mapping[str, str]) -> None:
    found = []
    for path in paths:
        text = _text(path, (target / path).read_bytes()) or ""
        lines = names.left_over(iter([path, *text.splitlines()]), answers)
        found += [f"  {path}: {line.strip()[:100]}" for line in lines]
    if found:
        raise TemplateError("\n".join(["Names of the template are left in:", *found]))
