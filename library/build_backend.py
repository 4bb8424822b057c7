"""Build the wheel of this library, the same bytes on every Python and system (PEP 517).

Needs nothing but Python 3.11. A wheel holds the files under `src/` that end as the library's do,
and the pages under `docs/` as `tfxkit/docs/`: stored, not compressed, in order, without times and
with equal modes. There is no source distribution and no editable installation: a project gets the
wheel, and the library's own repository reads `src/` and `docs/`.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src"
SUFFIXES = {".css", ".html", ".js", ".py", ".typed", ".yaml"}
DOCS = HERE / "docs"
# Pages that only the site has: it fills them with docstrings, and with CHANGELOG.md.
OF_THE_SITE = ("reference/", "changelog.md")
WHEEL = "Wheel-Version: 1.0\nGenerator: tfxkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(
    wheel_directory: str | Path,
    config_settings: object = None,
    metadata_directory: object = None,
    *,
    files: Iterable[str | Path] | None = None,
) -> str:
    """Writes the wheel.

    Args:
        wheel_directory: An existing folder.
        config_settings: Of a build tool; there are none.
        metadata_directory: Of a build tool; not used.
        files: The files to choose from, such as those that git tracks, absolute or from the
            library's folder; those outside of `src/` and `docs/` are left out. All that lie there
            if None.

    Returns:
        The name of the wheel's file.

    Raises:
        ValueError: If a file has Windows line ends, which would make another wheel of it.
    """
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    stem = f"{project['name']}-{project['version']}"
    info = f"{stem}.dist-info"
    contents = {name: path.read_bytes() for name, path in _packed(files).items()}
    contents[f"{info}/CHANGELOG.md"] = (HERE / "CHANGELOG.md").read_bytes()
    contents[f"{info}/METADATA"] = metadata(project).encode()
    contents[f"{info}/WHEEL"] = WHEEL.encode()
    for name in project["license-files"]:
        contents[f"{info}/licenses/{name}"] = (HERE / name).read_bytes()
    for name, content in contents.items():
        if b"\r\n" in content:
            raise ValueError(
                f"{name} has Windows line ends, which would make another wheel of it: "
                "check the library out again, with its .gitattributes."
            )
    record = [f"{name},{_digest(content)},{len(content)}\n" for name, content in contents.items()]
    contents[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    wheel = Path(wheel_directory, f"{stem}-py3-none-any.whl")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)  # of 1 January 1980
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # Unix, rw-r--r--
            archive.writestr(entry, content)
    wheel.chmod(0o644)
    return wheel.name


def build_sdist(sdist_directory: str, config_settings: object = None) -> NoReturn:
    """Refuses: a wheel is all there is."""
    raise SystemExit(
        "tfxkit has no source distribution, only a wheel: `uv build --wheel` or "
        "`pip wheel --no-deps .`"
    )


def metadata(project: Mapping[str, Any]) -> str:
    """The file METADATA of the wheel.

    Args:
        project: The table `[project]` of pyproject.toml.
    """
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        *(f"License-File: {name}" for name in project["license-files"]),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {requirement}" for requirement in project["dependencies"]),
    ]
    for extra, requirements in project.get("optional-dependencies", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_of_extra(each, extra)}" for each in requirements]
    readme = (HERE / project["readme"]).read_text("utf-8")
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", readme])


def _packed(files: Iterable[str | Path] | None) -> dict[str, Path]:
    """The files under `src/` and `docs/` that belong into the wheel, by name in it, in order."""
    if files is None:
        files = [*SOURCE.rglob("*"), *DOCS.rglob("*")]
    found = {}
    for path in (HERE / file for file in files):
        if path.suffix in SUFFIXES and path.is_relative_to(SOURCE):
            name = path.relative_to(SOURCE).as_posix()
        elif path.suffix == ".md" and path.is_relative_to(DOCS):
            page = path.relative_to(DOCS).as_posix()
            if page.startswith(OF_THE_SITE):
                continue
            name = f"tfxkit/docs/{page}"
        else:
            continue
        if not any(part.startswith(".") for part in name.split("/")):
            found[name] = path
    return dict(sorted(found.items()))


def _of_extra(requirement: str, extra: str) -> str:
    name, _, marker = (part.strip() for part in requirement.partition(";"))
    only = f"extra == '{extra}'"
    return f"{name}; ({marker}) and {only}" if marker else f"{name}; {only}"


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
