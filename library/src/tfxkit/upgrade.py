"""Replaces the library of a project: the wheel in `vendor/`, and its line in the lock.

The wheel is checked and copied before `requirements/library.txt` names it, which makes it the
project's library. Wheels that nothing names are deleted last. A process that is killed in between
leaves the old library or the new one in force, and the same command finishes the work.

Needs the standard library and `packaging`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import email.parser
import hashlib
import http.client
import io
import os
import platform
import re
import tomllib
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tfxkit.errors import StorageError, UsageError

LIBRARY = "tfxkit"
CHANGELOG = "CHANGELOG.md"  # in the folder *.dist-info of the wheel
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CREDENTIALS = re.compile(r"(?<=//)[^/@]*@")
_TIMEOUT_S = 60
_NAMED_WHEEL = re.compile(rf"(?m)^vendor/({LIBRARY}-([^-\s]+)-\S+\.whl)")
_HEADER = "# The library: a file of this project, never looked up in an index.\n"
_DRAFT = ".new"


@dataclasses.dataclass(frozen=True)
class Wheel:
    """A wheel of the library whose content has been checked.

    Attributes:
        content: The bytes of the file.
        version: Of the library.
        requirements: Its dependencies, those of extras included.
        extras: The names of its extras.
        changelog: The text of its changelog; empty if it has none.
    """

    content: bytes
    version: Version
    requirements: tuple[Requirement, ...]
    extras: frozenset[str]
    changelog: str

    @property
    def name(self) -> str:
        """The file name that installers expect, whatever name the file came under."""
        return f"{LIBRARY}-{self.version}-py3-none-any.whl"

    @property
    def lock(self) -> str:
        """The text of `requirements/library.txt`."""
        digest = hashlib.sha256(self.content).hexdigest()
        return f"{_HEADER}vendor/{self.name} \\\n    --hash=sha256:{digest}\n"


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """The outcome of an upgrade.

    Attributes:
        wheel: The library from now on.
        before: The version before; None if the lock named none.
        changed: True if the wheel or the lock was different before.
        unlocked: Dependencies without a fitting version in `requirements/runtime.txt`.
        unknown_extras: Extras that the project uses and the new library does not have.
    """

    wheel: Wheel
    before: Version | None
    changed: bool
    unlocked: tuple[str, ...]
    unknown_extras: tuple[str, ...]


def upgrade(source: str, root: Path, digest: str | None = None) -> Upgrade:
    """Makes a wheel the library of a project.

    Args:
        source: Path of the wheel, or an http(s) address; the latter needs `digest`.
        root: The project's folder.
        digest: SHA-256 that the wheel must have, in hexadecimal digits.

    Raises:
        UsageError: If the project has no vendored library, or the wheel is not one of the library.
        StorageError: If the wheel cannot be read, or the project's files cannot be written.
    """
    _refuse_foreign_project(root)
    extras = project_extras(root)
    wheel = read_wheel(_content(source, digest), _redacted(source))
    before = vendored_version(root)
    unlocked = _unlocked(wheel, root, extras)
    changed = _install(wheel, root)
    unknown = tuple(extra for extra in extras if extra not in wheel.extras)
    return Upgrade(wheel, before, changed, unlocked, unknown)


def read_wheel(content: bytes, source: str) -> Wheel:
    """Checks a wheel of the library, and reads its metadata.

    Args:
        content: The bytes of the file.
        source: Where they came from, for messages.

    Raises:
        UsageError: If it is damaged, of another package, or not for this Python.
    """
    if content.startswith(b"version https://git-lfs"):
        raise UsageError(f"{source} is a pointer of Git LFS, not the wheel: run `git lfs pull`.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            damaged = archive.testzip()
            names = archive.namelist()
            folders = sorted({n.split("/")[0] for n in names if ".dist-info/" in n})
            files = {
                name.partition("/")[2]: archive.read(name).decode("utf-8")
                for name in names
                if folders and name in (f"{folders[0]}/METADATA", f"{folders[0]}/{CHANGELOG}")
            }
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} is not a wheel, or is damaged: {error}.") from None
    if damaged:
        raise UsageError(f"{source} is damaged, in {damaged}. Get it anew.")
    if len(folders) != 1 or "METADATA" not in files:
        raise UsageError(f"{source} is a zip archive, but not a wheel: it has no METADATA.")
    return _described(content, files, folders[0], names, source)


def _described(
    content: bytes, files: dict[str, str], folder: str, names: Sequence[str], source: str
) -> Wheel:
    metadata = email.parser.HeaderParser().parsestr(files["METADATA"])
    if canonicalize_name(metadata.get("Name", "")) != LIBRARY:
        name = metadata.get("Name", "nothing known")
        raise UsageError(f"{source} is a wheel of {name}, not of {LIBRARY}.")
    try:
        wheel = Wheel(
            content,
            Version(metadata.get("Version", "")),
            tuple(map(Requirement, metadata.get_all("Requires-Dist", []))),
            frozenset(metadata.get_all("Provides-Extra", [])),
            files.get(CHANGELOG, ""),
        )
        pythons = SpecifierSet(metadata.get("Requires-Python", ""))
    except (InvalidVersion, InvalidRequirement, InvalidSpecifier) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{source} has invalid metadata: {reason}.") from None
    if folder != f"{LIBRARY}-{wheel.version}.dist-info" or f"{LIBRARY}/__init__.py" not in names:
        raise UsageError(
            f"{source} is not a wheel of {LIBRARY} {wheel.version}: files are missing."
        )
    python = platform.python_version()
    if not pythons.contains(python, prereleases=True):
        raise UsageError(
            f"{LIBRARY} {wheel.version} needs Python {pythons}, and this environment has {python}. "
            "Install such a Python, delete .venv and run `make setup`."
        )
    return wheel


def changes(changelog: str, after: Version, until: Version) -> str:
    """Entries of a changelog for the versions after `after`, up to and including `until`."""
    entries = []
    for entry in re.split(r"(?m)^(?=## )", changelog)[1:]:
        title = re.match(r"## +\[?v?([^\]\s]+)", entry)
        with contextlib.suppress(InvalidVersion):
            if title and after < Version(title[1]) <= until:
                entries.append(entry.rstrip())
    return "\n\n".join(entries)


def vendored_version(root: Path) -> Version | None:
    """The version of the library that the lock of a project names; None if it is ambiguous."""
    versions = {version for _, version in _NAMED_WHEEL.findall(_read_text(_lock(root)))}
    with contextlib.suppress(InvalidVersion):
        return Version(versions.pop()) if len(versions) == 1 else None
    return None


def project_extras(root: Path) -> tuple[str, ...]:
    """The extras of the library that a project uses: `[tool.tfxkit] extras` of pyproject.toml.

    Raises:
        UsageError: If the file is not valid TOML.
    """
    file = root / "pyproject.toml"
    try:
        tables = tomllib.loads(_read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    return tuple(tables.get("tool", {}).get(LIBRARY, {}).get("extras", ()))


def _refuse_foreign_project(root: Path) -> None:
    if (root / "library" / "src").is_dir():
        raise UsageError(
            f"{root} holds the library itself, in library/src: there is no wheel to replace."
        )
    if not _lock(root).is_file():
        raise UsageError(
            f"There is no {_lock(root)}: only projects made from the template have the library as "
            "a wheel."
        )


def _lock(root: Path) -> Path:
    return root / "requirements" / "library.txt"


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"Cannot read {file}: {_reason(error)}.") from None


def _redacted(source: str) -> str:
    return _CREDENTIALS.sub("", source)


def _content(source: str, digest: str | None) -> bytes:
    digest = digest and digest.strip().lower().removeprefix("sha256:")
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        raise UsageError("--sha256 takes the 64 hexadecimal digits that `sha256sum` prints.")
    if _ADDRESS.match(source):
        if not digest:
            raise UsageError(
                f"Nothing vouches for what {_redacted(source)} gives out. Name its hash: "
                "--sha256 HASH"
            )
        content = _download(source)
    else:
        try:
            content = Path(source).expanduser().read_bytes()
        except OSError as error:
            raise UsageError(f"Cannot read the wheel {source}: {_reason(error)}.") from None
    actual = hashlib.sha256(content).hexdigest()
    if digest and actual != digest:
        raise UsageError(f"{_redacted(source)} has another SHA-256: {actual}, not {digest}.")
    return content


def _download(address: str) -> bytes:
    if not address.lower().startswith(("http://", "https://")):
        raise UsageError(f"Cannot download {_redacted(address)}: only http(s) addresses are taken.")
    if _CREDENTIALS.search(address):
        raise UsageError("Addresses with a password are not taken: name a file in their place.")
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as response:  # noqa: S310 - http(s)
            return response.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise StorageError(
            f"Cannot download {_redacted(address)}: {_redacted(str(reason))}. Download the wheel "
            "on a machine with network, and name the file."
        ) from None


def _unlocked(wheel: Wheel, root: Path, extras: Sequence[str]) -> tuple[str, ...]:
    """Dependencies that no pin of the lock meets, on this machine."""
    pins: dict[str, str] = {}
    lock = _read_text(root / "requirements" / "runtime.txt")
    for line in re.findall(r"(?m)^[A-Za-z0-9][^\\\n]*", lock):
        with contextlib.suppress(InvalidRequirement):  # such as a conflict of a merge
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate():
                pins[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return tuple(
        str(requirement).partition(";")[0].strip()
        for requirement in wheel.requirements
        if _is_needed(requirement, extras)
        and not _is_met(requirement, pins.get(canonicalize_name(requirement.name)))
    )


def _is_needed(requirement: Requirement, extras: Sequence[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _is_met(requirement: Requirement, pin: str | None) -> bool:
    return pin is not None and requirement.specifier.contains(pin, prereleases=True)


def _install(wheel: Wheel, root: Path) -> bool:
    """Puts the wheel into force; returns False if it was in force before."""
    vendor, lock = root / "vendor", _lock(root)
    target = vendor / wheel.name
    try:
        vendor.mkdir(exist_ok=True)
        changed = _write(target, wheel.content)
        changed |= _write(lock, wheel.lock.encode())
        for file in (*vendor.glob(f"{LIBRARY}-*.whl"), *vendor.glob(f"*{_DRAFT}")):
            if file != target:
                file.unlink()
                changed = True
    except OSError as error:
        named = wheel.lock == _read_text(lock)
        in_force = "new" if named else "old"
        raise StorageError(
            f"Cannot write to {error.filename or vendor}: {_reason(error)}. The {in_force} library "
            "is in force; run the same command again to finish."
        ) from None
    return changed


def _write(file: Path, content: bytes) -> bool:
    """Writes a file at once or not at all; returns False if it has that content already."""
    if file.is_file() and file.read_bytes() == content:
        return False
    draft = file.with_name(f"{file.name}{_DRAFT}")
    try:
        with draft.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    return True


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
