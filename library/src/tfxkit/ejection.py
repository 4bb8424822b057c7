"""Copies a component of the library into a project, which owns its source from then on.

The copy is made in a hidden folder and renamed; afterwards the project's modules import it in the
place of the library's, the palette in `components/__init__.py` among them. A process that is killed
in between leaves a project that works, and the same call finishes the work.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import difflib
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfxkit.errors import StorageError, UsageError
from tfxkit.project import PACKAGES
from tfxkit.storage import step_cache

LIBRARY = "tfxkit"
COMPONENTS = "components"  # the folder of both: of the library, and of the project
PALETTE = f"{COMPONENTS}/__init__.py"
# Folders of a project whose modules may name a component.
_PROJECT = (*PACKAGES, "tests")
_SOURCE = Path(__file__).parent
_STRINGS = {
    getattr(tokenize, name)
    for name in ("COMMENT", "STRING", "FSTRING_MIDDLE")
    if hasattr(tokenize, name)  # Python 3.12 has the last one
}


@dataclasses.dataclass(frozen=True)
class Component:
    """A component that the palette of a project names.

    Attributes:
        name: Its class.
        module: The module that the palette imports it from.
    """

    name: str
    module: str

    @property
    def package(self) -> str | None:
        """The name of its package in the library; None if it is the project's own."""
        library, _, rest = self.module.partition(f"{LIBRARY}.{COMPONENTS}.")
        return None if library or not rest else rest.partition(".")[0]


@dataclasses.dataclass(frozen=True)
class Ejected:
    """The outcome.

    Attributes:
        folder: Of the copy, relative to the project.
        files: Its files, relative to it.
        swapped: Files of the project that import the copy now, relative to the project.
        imported: Modules of the library that the copy imports.
        users: Modules of the library that go on with the library's own.
        formatted: Whether Ruff has sorted the imports and formatted the copy.
    """

    folder: Path
    files: tuple[str, ...]
    swapped: tuple[str, ...]
    imported: tuple[str, ...]
    users: tuple[str, ...]
    formatted: bool


def palette(root: Path) -> list[Component]:
    """The components that `components/__init__.py` of a project imports, in its order.

    Raises:
        UsageError: If there is no such file, or it is not valid Python.
    """
    file = root / PALETTE
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no palette of components, {file}.") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid Python: {error}") from None
    return [
        Component(alias.name, node.module)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if alias.name[:1].isupper()
    ]


def source_files(package: str) -> dict[str, Path]:
    """The files of a component's package in the library, by their path in it."""
    folder = _SOURCE / COMPONENTS / package
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def eject(name: str, root: Path) -> Ejected:
    """Copies a component into a project, and makes the project import the copy.

    Args:
        name: The class, as the palette names it.
        root: The project's folder.

    Raises:
        UsageError: If the palette does not have it from the library, or another module of its name
            is in the way.
        StorageError: If the project's files cannot be written.
    """
    package = _package(name, root)
    folder = root / COMPONENTS / package
    copies = {
        path: _formatted(rewrite(file.read_text("utf-8"), package), f"{folder / path}", root)
        for path, file in source_files(package).items()
    }
    if not _is_there(folder, copies):
        _ensure_free(name, folder, package)
        _write_folder(folder, copies)
    swapped = _swap(root, folder, package)
    return Ejected(
        folder.relative_to(root),
        tuple(copies),
        tuple(str(file.relative_to(root)) for file in swapped),
        tuple(sorted(set(_imports_of_library(copies)))),
        tuple(_users(package)),
        _ruff() is not None,
    )


def rewrite(source: str, package: str) -> str:
    """Python source with `components.PACKAGE` wherever it had `tfxkit.components.PACKAGE`.

    In imports and dotted names, and in texts and comments: modules are named in texts as well, such
    as for `code_hash`. Other components of the library stay the library's.
    """
    starts = [0, *itertools.accumulate(len(line) + 1 for line in source.split("\n"))]
    text = re.compile(rf"(?<![\w.]){LIBRARY}\.(?={COMPONENTS}\.{package}(?!\w))")
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    names = [LIBRARY, ".", COMPONENTS, ".", package]
    cuts: list[tuple[int, int]] = []
    for number, token in enumerate(tokens):
        start = starts[token.start[0] - 1] + token.start[1]
        if token.type in _STRINGS:
            cuts += [
                (start + match.start(), start + match.end())
                for match in text.finditer(token.string)
            ]
        elif [each.string for each in tokens[number : number + 5]] == names and (
            tokens[number - 1].string != "."
        ):
            after = tokens[number + 2]
            cuts.append((start, starts[after.start[0] - 1] + after.start[1]))
    for start, end in reversed(cuts):
        source = source[:start] + source[end:]
    return source


def _package(name: str, root: Path) -> str:
    """The library's package of a component."""
    components = palette(root)
    for component in components:
        if component.name == name:
            if component.package is None:
                raise UsageError(
                    f"{name} is the project's own already: {PALETTE} imports it from "
                    f"{component.module}."
                )
            return component.package
    names = [component.name for component in components if component.package]
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
    raise UsageError(f"{PALETTE} imports no component {name!r} from the library; {hint}")


def _is_there(folder: Path, copies: Mapping[str, str]) -> bool:
    """True if an earlier call made the copy and was killed before it changed the imports."""
    try:
        return all((folder / path).read_text("utf-8") == text for path, text in copies.items())
    except (OSError, UnicodeDecodeError):
        return False


def _ensure_free(name: str, folder: Path, package: str) -> None:
    for path in (folder, folder.with_suffix(".py")):
        if path.exists():
            raise UsageError(
                f"{path} is there already, so {name} is not ejected. To use it, import {name} from "
                f"{COMPONENTS}.{package} in {PALETTE}; else rename it first."
            )


def _write_folder(folder: Path, copies: Mapping[str, str]) -> None:
    draft = folder.with_name(f".{folder.name}.ejecting")
    try:
        if draft.exists():  # of a call that was killed
            shutil.rmtree(draft)
        for path, text in copies.items():
            file = draft / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StorageError(
            f"Cannot write to {error.filename or folder}: {error.strerror}. Nothing was changed."
        ) from None


def _swap(root: Path, folder: Path, package: str) -> list[Path]:
    """Makes the modules of the project import the copy; returns those that are changed."""
    changed = []
    for top in _PROJECT:
        for file in sorted((root / top).rglob("*.py")):
            if folder in file.parents:
                continue
            with contextlib.suppress(UnicodeDecodeError, SyntaxError, tokenize.TokenError):
                before = file.read_text(encoding="utf-8")
                if (after := rewrite(before, package)) != before:
                    _replace(file, _fixed(after, str(file), root, "I001"))
                    changed.append(file)
    return changed


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.ejecting")
    try:
        draft.write_text(text, encoding="utf-8")
        shutil.copymode(file, draft)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(
            f"Cannot write {file}: {error.strerror}. The copy of the component is made; run the "
            "same command again to finish."
        ) from None


def _formatted(source: str, file: str, root: Path) -> str:
    """As the project's own rules have it: order of imports, suppressed rules, line breaks."""
    return _through_ruff(["format"], _fixed(source, file, root, "I001", "RUF100"), file, root)


def _fixed(source: str, file: str, root: Path, *rules: str) -> str:
    # Ruff takes an import for the project's only if its file is there already.
    own = f"lint.isort.known-first-party={json.dumps(PACKAGES)}"
    options = ["--fix", "--exit-zero", f"--fixable={','.join(rules)}", f"--config={own}"]
    return _through_ruff(["check", *options], source, file, root)


def _through_ruff(options: list[str], source: str, file: str, root: Path) -> str:
    """Source as formatted by Ruff; unchanged if it is not installed."""
    if not file.endswith(".py") or not (ruff := _ruff()):
        return source
    command = [str(ruff), *options, "--quiet", "--no-cache", f"--stdin-filename={file}", "-"]
    result = subprocess.run(
        command, cwd=root, input=source, capture_output=True, text=True, check=False
    )
    return source if result.returncode else result.stdout


def _ruff() -> Path | None:
    ruff = Path(sys.executable).with_name("ruff")
    return ruff if ruff.exists() else None


def _imports_of_library(copies: Mapping[str, str]) -> Iterator[str]:
    for path, text in copies.items():
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(LIBRARY):
                    for alias in node.names:
                        name = f"{node.module}.{alias.name}"
                        yield name if step_cache.source_of(name) else node.module or ""


def _users(package: str) -> Iterator[str]:
    """The modules of the library, outside of the package, that import it."""
    module = f"{LIBRARY}.{COMPONENTS}.{package}"
    own = _SOURCE / COMPONENTS / package
    for file in sorted(_SOURCE.rglob("*.py")):
        if own not in file.parents and re.search(
            rf"(?m)^\s*(from|import) {re.escape(module)}\b", file.read_text("utf-8")
        ):
            yield ".".join((LIBRARY, *file.relative_to(_SOURCE).with_suffix("").parts))
