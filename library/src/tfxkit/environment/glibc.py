"""Lets the two native modules of TFX that ask for glibc 2.39 load on glibc 2.34 and newer.

ml-metadata 1.21.0 and tensorflow-data-validation 1.21.0 have Linux wheels for glibc 2.39 only;
Debian 12, Ubuntu 22.04 and Red Hat 9 are older. These modules need six of its symbols. Each has an
older equivalent, with the same signature and the same effect:

* `__isoc23_strtol` and its three sisters: C23's spelling of `strtol`; differs for "0b…" only.
* `std::ios_base_library_init()`: formerly the constructor `std::ios_base::Init`.
* `__cxa_call_terminate(void*)`: ends in `std::terminate()`.

They still need glibc 2.34 and GCC 11's libstdc++ (GLIBCXX_3.4.29, CXXABI_1.3.13), which these
systems have and older ones have not: `exception_ptr::_M_addref()` has no older equivalent.

The imports of a module are edited in place, without moving a byte.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tfxkit.environment import SetUpError
from tfxkit.environment.checks import this_machine

WHEELS_NEED = (2, 39)
DISTRIBUTIONS = ("ml-metadata", "tensorflow-data-validation")

MLMD = "ml_metadata/metadata_store/pywrap/metadata_store_extension.so"
TFDV = "tensorflow_data_validation/pywrap/tensorflow_data_validation_extension.so"
MODULES = (MLMD, TFDV)

# sha256 of each module as it comes in its wheel, and as it is after `patched`.
KNOWN = {
    # ml-metadata 1.21.0, Python 3.11
    "9817a2524d3cad1b3136e118aea97f24e269767c04d86aaa3be8aa71d8593c9c": (
        "5868c3cc92c8405b9559e8fb8635fa3ed2ecdd966611b2ae959b3c289a3dbe9f"
    ),
    # ml-metadata 1.21.0, Python 3.12
    "29fe5dde36f0f26a3852981bf23af7dc8f686430d021ded6f41ecb31e7da06ea": (
        "2ef5ddd6cf8f4e426e32de0c96c81c53a938e88a01781413e6ee173bc6147a27"
    ),
    # ml-metadata 1.21.0, Python 3.13
    "8595fe993edb0dd7afeeff28e83f0257f5b145a38b3c36d2d794939a005f7348": (
        "f1e914730193ed754170a0d64e8ba610d3e7fda0437b410ea19f67e37756b9e4"
    ),
    # tensorflow-data-validation 1.21.0, Python 3.11
    "9d167827edb20f0c9219f196cc882265f1d2ceb8eb71f3d7ce3f2a0cd1be56a7": (
        "2480f1371eb180f196fa8b9bc463fb10fc99624c761ddce0b90b4f9a20f622ee"
    ),
    # tensorflow-data-validation 1.21.0, Python 3.12
    "82995ecc292461d53f935dc55af3441a46c382bed0f36e580b31ae22159936d9": (
        "ae74eb5d0fb2f763b609665353c8141416ad986c7f99ed2d4047971eacc9e2ee"
    ),
    # tensorflow-data-validation 1.21.0, Python 3.13
    "1d98fa0b6c0e9c54ee70174d193bc5f9c46d3390ab0e74adbb8d398ae321893a": (
        "1f1893bf4b508d8c100287a578bd606ea4aab5954c55a7ac9f7cfe1112ab6af0"
    ),
}

RENAMED = {
    "__isoc23_strtol": "strtol",
    "__isoc23_strtoul": "strtoul",
    "__isoc23_strtoll": "strtoll",
    "__isoc23_strtoull": "strtoull",
    "_ZSt21ios_base_library_initv": "_ZNSt8ios_base4InitC1Ev",
    "__cxa_call_terminate": "_ZSt9terminatev",
}
OPTIONAL = ("GLIBC_2.38", "GLIBCXX_3.4.32", "CXXABI_1.3.15")
# ELF: the System V ABI for x86-64 and, for symbol versions, "ELF Symbol Versioning" in the Linux
# Standard Base (`Elf64_Sym`, `Elf64_Verneed`, `Elf64_Vernaux`). Little endian, 64 bit only.
_SYMBOL_SIZE = 24  # Elf64_Sym
_VERSION_UNBOUND = 1  # VER_NDX_GLOBAL: the library's default version of the symbol
_VERSION_WEAK = 2  # VER_FLG_WEAK: the loader accepts a library without this version


def patched(module: bytes) -> bytes:
    """The module, importing older names in place of those that older systems lack."""
    library = SharedLibrary(module)
    for old, new in RENAMED.items():
        library.rename_import(old, new)
    for version in OPTIONAL:
        library.make_optional(version)
    return bytes(library.data)


def is_needed() -> bool:
    """True if this system is older than the wheels require."""
    glibc = this_machine().glibc
    return glibc is not None and glibc < WHEELS_NEED


def state(module: bytes) -> str:
    """State of a module: "original", "patched", or "unknown" if it comes from no known wheel."""
    digest = hashlib.sha256(module).hexdigest()
    if digest in KNOWN:
        return "original"
    return "patched" if digest in KNOWN.values() else "unknown"


def patch(path: Path) -> bool:
    """Patches one installed module, unless it is patched already.

    The file is replaced, not overwritten: it may be a hard link into a cache that other
    environments share.

    Args:
        path: The module in site-packages.

    Returns:
        True if the module was patched, False if it had been before.

    Raises:
        SetUpError: If the file comes from no wheel that the patch was proved on.
    """
    module = path.read_bytes()
    if state(module) == "patched":
        return False
    if state(module) == "unknown":
        raise SetUpError(
            f"{path.name} is none of the files that the patch for older systems was made for. If "
            "requirements/ names a new version of it, take the next version of tfxkit; a system "
            "with glibc 2.39 (Debian 13, Ubuntu 24.04) needs no patch."
        )
    replacement = path.with_name(f"{path.name}.{os.getpid()}")
    replacement.write_bytes(patched(module))
    replacement.chmod(path.stat().st_mode)
    os.replace(replacement, path)
    return True


class Section(NamedTuple):
    """Position of a section in the file, in bytes."""

    offset: int
    size: int


class RequiredVersion(NamedTuple):
    """A version, such as GLIBC_2.38, that another library has to define."""

    name: str
    weak: bool
    flags_offset: int


class SharedLibrary:
    """The bytes of a shared library, and its tables of imports."""

    def __init__(self, data: bytes) -> None:
        """Locates the tables.

        Args:
            data: The whole file.

        Raises:
            ValueError: If it is not a 64-bit little-endian ELF file with symbol versions.
        """
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit little-endian ELF file")
        self.data = bytearray(data)
        sections = dict(self._sections())
        try:
            self._symbols = sections[b".dynsym"]
            self._strings = sections[b".dynstr"]
            self._versions = sections[b".gnu.version"]
            self._required = sections[b".gnu.version_r"]
        except KeyError as error:
            raise ValueError(f"the ELF file has no section {error}") from error

    def rename_import(self, old: str, new: str) -> bool:
        """Imports `new`, in its default version, in place of `old`.

        Args:
            old: Name of an imported symbol.
            new: A name that is in the file already (also as the end of another), or one that is
                not longer than `old` and takes its place.

        Returns:
            False if `old` was not imported.
        """
        old_name = self._find(old)
        if old_name is None:
            return False
        index = self._import_index(old_name)
        if index is None:
            return False
        new_name = self._find(new)
        if new_name is None:
            if len(new) > len(old):
                raise ValueError(f"no room for the name {new} in place of {old}")
            new_name = old_name
            start = self._strings.offset + old_name
            self.data[start : start + len(old)] = new.encode().ljust(len(old), b"\0")
        struct.pack_into("<I", self.data, self._symbols.offset + index * _SYMBOL_SIZE, new_name)
        struct.pack_into("<H", self.data, self._versions.offset + index * 2, _VERSION_UNBOUND)
        return True

    def required_versions(self) -> Iterator[RequiredVersion]:
        """All versions that the loader requires, of all libraries."""
        need = self._required.offset
        while True:
            _, count, _, aux_step, next_step = struct.unpack_from("<HHIII", self.data, need)
            aux = need + aux_step
            for _ in range(count):
                _, flags, _, name, aux_next = struct.unpack_from("<IHHII", self.data, aux)
                yield RequiredVersion(self._string(name), bool(flags & _VERSION_WEAK), aux + 4)
                aux += aux_next
            if not next_step:
                return
            need += next_step

    def make_optional(self, version: str) -> None:
        """Makes the loader accept that no library defines this version."""
        for required in self.required_versions():
            if required.name == version:
                struct.pack_into("<H", self.data, required.flags_offset, _VERSION_WEAK)

    def _sections(self) -> Iterator[tuple[bytes, Section]]:
        table = struct.unpack_from("<Q", self.data, 0x28)[0]
        entry_size, count, names_index = struct.unpack_from("<HHH", self.data, 0x3A)
        headers = [
            struct.unpack_from("<IIQQQQ", self.data, table + i * entry_size) for i in range(count)
        ]
        names = headers[names_index][4]
        for name, _, _, _, offset, size in headers:
            end = self.data.index(b"\0", names + name)
            yield bytes(self.data[names + name : end]), Section(offset, size)

    def _string(self, name: int) -> str:
        start = self._strings.offset + name
        return self.data[start : self.data.index(b"\0", start)].decode()

    def _find(self, text: str) -> int | None:
        start, end = self._strings.offset, self._strings.offset + self._strings.size
        position = self.data.find(text.encode() + b"\0", start, end)
        return None if position < 0 else position - start

    def _import_index(self, name: int) -> int | None:
        for index in range(self._symbols.size // _SYMBOL_SIZE):
            position = self._symbols.offset + index * _SYMBOL_SIZE
            if struct.unpack_from("<I", self.data, position)[0] == name:
                return index
        return None
