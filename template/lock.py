"""The lock of a project without some extras of the library, derived without network.

`requirements/runtime.txt` of the template is the lock with every extra. Its own `# via` comments
say which package asked for which, so a package that nothing asks for any more can be left out. The
result is what `make lock` would write, byte for byte. (Packages that only ask for each other in a
circle would stay; `make lock` drops them.)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Iterable
from pathlib import Path

PATH = "requirements/runtime.txt"
# Marked passages of pyproject.toml say the same.
EXTRAS = ("kubeflow", "vertex", "serving")
_LIBRARY = "tfxkit"
_ENTRY = re.compile(r"(?m)^(?=[A-Za-z0-9])")
_PARENT = re.compile(r"(?m)^    #(?: via|  ) (\S+)")


def extras(parts: Container[str]) -> tuple[str, ...]:
    """The extras of the library that a project uses.

    Args:
        parts: Names of the project's parts.
    """
    return tuple(name for name in EXTRAS if name == "serving" or name in parts)


def prune(lock: str, library: Path, kept: Container[str]) -> str:
    """Leaves out of a lock the packages that only the other extras need.

    Args:
        lock: The text of the lock with every extra.
        library: Folder of the library's `pyproject.toml`.
        kept: The extras that are used.
    """
    described = tomllib.loads((library / "pyproject.toml").read_text("utf-8"))["project"]
    optional = described.get("optional-dependencies", {})
    needed = _names(described["dependencies"])
    for name in (name for name in optional if name in kept):
        needed |= _names(optional[name])
    head, *entries = _ENTRY.split(lock)
    parents = {_name(entry): set(_PARENT.findall(entry)) or {"?"} for entry in entries}
    for names in (_names(optional[name]) for name in optional if name not in kept):
        for package in names - needed:
            parents.get(package, set()).discard(_LIBRARY)
    dropped: set[str] = set()
    while more := {
        package
        for package, asked_by in parents.items()
        if package not in dropped and not asked_by - dropped
    }:
        dropped |= more
    left = (entry for entry in entries if _name(entry) not in dropped)
    return head + "".join(_without_parents(entry, dropped) for entry in left)


def _without_parents(entry: str, dropped: set[str]) -> str:
    """The entry of a lock without comments about dropped packages, as uv lays it out."""
    if "    # via\n" not in entry:
        return entry
    lines = entry.splitlines(keepends=True)
    kept = [line for line in lines if not ((m := _PARENT.match(line)) and m[1] in dropped)]
    text = "".join(kept)
    return re.sub(r"    # via\n    #   (.*\n)(?!    #)", r"    # via \1", text)


def _name(entry: str) -> str:
    return _normalized(re.match(r"[\w.-]+", entry)[0])  # type: ignore[index]


def _names(requirements: Iterable[str]) -> set[str]:
    return {_name(requirement) for requirement in requirements}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
