"""The names that this repository goes by, and their replacement by those of the new project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# The only list of them. A name that is written in another way is found by LEFT_OVER.
REFERENCE = {
    "project_name": "TFX reference pipeline",
    "project_slug": "tfx-reference-pipeline",
    "pipeline_name": "taxi-reference",
}
LEFT_OVER = re.compile(r"tfx[-_ .]?reference|taxi[-_ .]?reference")


def spellings(names: Mapping[str, str]) -> dict[str, str]:
    """All ways in which names may be written: as they are, snake, upper, camel and lower case.

    Args:
        names: With the keys of `REFERENCE`.

    Returns:
        Kind of spelling -> text; the same kinds for all names.
    """
    slug, pipeline = names["project_slug"], names["pipeline_name"]
    return {
        **{key: names[key] for key in REFERENCE},
        "slug in snake case": slug.replace("-", "_"),
        "slug in upper case": slug.replace("-", "_").upper(),
        "slug in camel case": "".join(word.title() for word in slug.split("-")),
        # A name of 58 characters leaves no room for more (tfxkit.onboarding.source).
        "pipeline of --config fast": f"{pipeline[:53].rstrip('-')}-fast",
        "pipeline in snake case": pipeline.replace("-", "_"),
        "pipeline in upper case": pipeline.replace("-", "_").upper(),
        "name in lower case": names["project_name"].lower(),
    }


class Renamer:
    """Replaces all names in one pass, the longest first, so that nothing is replaced twice."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        """Derives the spellings.

        Args:
            answers: The new names, with the keys of `REFERENCE` at least.
        """
        new = spellings(answers)
        self._table = {old: new[kind] for kind, old in spellings(REFERENCE).items()}
        longest_first = sorted(self._table, key=len, reverse=True)
        names = "|".join(re.escape(name) for name in longest_first)
        self._pattern = re.compile(f"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])")

    def __call__(self, text: str) -> str:
        """The text with the new names."""
        return self._pattern.sub(lambda match: self._table[match.group()], text)


def left_over(lines: Iterator[str], answers: Mapping[str, str]) -> Iterator[str]:
    """The lines that have a name of this repository in them still, in whatever spelling.

    Args:
        lines: Of a generated file.
        answers: The new names; they may contain an old one.
    """
    given = {*spellings(answers).values(), answers.get("author_name", "")}
    own = sorted({name.lower() for name in given}, key=len, reverse=True)
    for line in lines:
        rest = line.lower()
        for name in own:
            rest = rest.replace(name, "")
        if LEFT_OVER.search(rest):
            yield line
