"""Reads tracebacks: the line of an owner's code that an exception came from, and what was raised.

An exception may rise deep inside TensorFlow, Beam or this library; its cause is most often the line
of the owner's code (`models/`, own steps, the DAG) that was running then. Beam's workers in other
processes hand over their tracebacks as text, as TensorFlow does with a function that it traces.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path, PurePath

from tfxkit.errors import chain
from tfxkit.project import PACKAGES, project_root

# Modules of a project that only hand over to the library: never the line to look at.
_ENTRIES = ("components/__init__.py", "pipeline/__main__.py")
_LIBRARY = Path(os.path.realpath(__file__)).parent
_STANDARD_LIBRARY = os.path.realpath(sysconfig.get_path("stdlib"))
_INSTALLED = {"site-packages", "dist-packages"}
_LONGEST_SOURCE = 120
_STEP_OF_BEAM = r"(?: \[while running '[^']*'\])"
# A frame as Python writes it; AutoGraph adds asterisks.
_FRAME = re.compile(
    r'^(?P<indent> *)File "(?P<file>[^"\n]+)", line (?P<line>\d+)'
    r"(?:, in (?P<function>.+?))?(?: +\*+)?$"
    r'(?:\n +(?!File ")(?P<source>\S.*))?',
    re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of an owner's code.

    Attributes:
        file: Relative to the root of the project.
        line: Number of the line, from 1 on.
        function: Its name; empty at the top level of a module.
        source: The text of the line; empty if the file cannot be read.
    """

    file: str
    line: int
    function: str
    source: str

    def __str__(self) -> str:
        """`models/metrics.py, line 12, in mean_error: return total / cuont`."""
        function = f", in {self.function}" if self.function else ""
        source = self.source
        if len(source) > _LONGEST_SOURCE:
            source = f"{source[:_LONGEST_SOURCE]} …"
        return f"{self.file}, line {self.line}{function}" + (f": {source}" if source else "")


def own_line(error: BaseException) -> Place | None:
    """The innermost line of the owner's code behind an exception, None if there is none.

    An exception without one is looked for behind those that it came from.
    """
    for link in chain(error):
        if places := list(_own_lines(link)):
            return places[-1]
    return None


def located(message: str, error: BaseException) -> str:
    """A message about an exception, ending with the line of the owner's code if there is one."""
    place = own_line(error)
    return f"{message}\n{place}" if place else message


def raised(error: BaseException) -> str:
    """Type and message of an exception; those in the traceback that its text holds, if it does.

    Without the step of Beam that was running: a name that no owner has given.
    """
    text = str(error).strip()
    if frames := list(_FRAME.finditer(text)):
        frame = frames[-1]
        # Less indented than the source of the frame.
        pattern = rf"^ {{0,{len(frame['indent'])}}}([\w.]+: .+?){_STEP_OF_BEAM}?$"
        if match := re.search(pattern, text[frame.end() :], re.MULTILINE):
            return match[1]
    return f"{type(error).__name__}: {re.sub(f'{_STEP_OF_BEAM}$', '', text)}"


def own_file(filename: str) -> str | None:
    """The path of an owner's file from the root of the project, None for any other file."""
    if filename.startswith("<"):  # <string>, <frozen importlib._bootstrap>
        return None
    path = PurePath(os.path.realpath(filename))
    if path.is_relative_to(_LIBRARY):
        return None
    installed = [number for number, part in enumerate(path.parts) if part in _INSTALLED]
    if installed:  # in an image, and in workers of Beam
        file = PurePath(*path.parts[installed[-1] + 1 :])
        if not file.parts or file.parts[0] not in PACKAGES:
            return None
    elif path.is_relative_to(project_root()) and not path.is_relative_to(_STANDARD_LIBRARY):
        file = path.relative_to(project_root())
    else:
        return None
    return None if str(file) in _ENTRIES else str(file)


def _own_lines(error: BaseException) -> Iterator[Place]:
    """From the outermost to the innermost."""
    frames = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line or "")
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0, "", (error.text or "").strip()))
    frames += [
        (frame["file"], int(frame["line"]), frame["function"] or "", frame["source"] or "")
        for frame in _FRAME.finditer(str(error))
    ]
    for filename, line, function, source in frames:
        if file := own_file(filename):
            yield Place(file, line, "" if function == "<module>" else function, source)
