"""The passages of files that go with a part: marked in comments, and dropped with it.

    # >>> kubeflow                     a block, in YAML, TOML, Python, Makefiles;
    …                                  in Markdown: <!-- >>> kubeflow -->
    # <<< kubeflow

    some line # >>> vertex <<<         a single line; in Markdown, rows of tables among them:
    | a row | <!-- >>> vertex <<< -->

Blocks of different parts may lie in each other. The marks themselves reach no project. Few files
need them: what is optional is an extra of the library, or a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Container

from template.errors import TemplateError

_LINE = re.compile(r"[ \t]*(?:#|<!--) >>> (\w+) <<<(?: -->)?[ \t]*$")
_MARK = re.compile(r"\s*(?:#|<!--) (>>>|<<<) (\w+)(?: -->)?\s*$")


def drop(text: str, wanted: Container[str], path: str) -> str:
    """The text without marks, and without the passages of parts that are not wanted.

    Args:
        text: Of a file, with whatever ends of lines it has.
        wanted: Names of parts.
        path: Of the file, for messages.

    Raises:
        TemplateError: If a mark has no partner.
    """
    kept: list[str] = []
    number = 0
    within: list[str] = []
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        body = line.rstrip("\r\n")
        if mark := _MARK.match(body):
            kind, part = mark.groups()
            if kind == ">>>":
                within.append(part)
            elif not within or within.pop() != part:
                raise TemplateError(f"{path}:{number}: nothing begins with >>> {part}")
            continue
        needed = list(within)
        if single := _LINE.search(body):
            needed.append(single[1])
        if all(part in wanted for part in needed):
            kept.append(_LINE.sub("", body) + line[len(body) :])
    if within:
        raise TemplateError(f"{path}: >>> {within[-1]} does not end")
    if len(kept) < number:  # a passage at the end leaves the blank lines before it
        while len(kept) > 1 and not kept[-1].strip():
            kept.pop()
    return "".join(kept)
