"""The two edits of an ELF library's imports that `glibc` needs, in place and without a byte moved.

Layout: the System V ABI for x86-64 and, for symbol versions, "ELF Symbol Versioning" in the Linux
Standard Base (`Elf64_Sym`, `Elf64_Verneed`, `Elf64_Vernaux`). Little endian, 64 bit only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

SYMBOL_SIZE = 24  # Elf64_Sym
VERSION_UNBOUND = 1  # VER_NDX_GLOBAL: take the library's default version of the symbol
VERSION_WEAK = 2  # VER_FLG_WEAK: the loader accepts a library without this version


class Section(NamedTuple):
    """Where a section lies in the file, in bytes."""

    offset: int
    size: int


class RequiredVersion(NamedTuple):
    """A version, such as GLIBC_2.38, that the library wants another library to define."""

    name: str
    weak: bool
    flags_offset: int


class Library:
    """A shared library's bytes, and the tables that say what it imports."""

    def __init__(self, data: bytes) -> None:
        """Finds the tables.

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
        """Imports `new`, in its default version, wherever `old` was imported.

        Args:
            old: Name of an imported symbol.
            new: A name that stands in the file already (also as the end of another), or one that
                is not longer than `old` and takes its place.

        Returns:
            Whether there was such an import.
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
        struct.pack_into("<I", self.data, self._symbols.offset + index * SYMBOL_SIZE, new_name)
        struct.pack_into("<H", self.data, self._versions.offset + index * 2, VERSION_UNBOUND)
        return True

    def required_versions(self) -> Iterator[RequiredVersion]:
        """All versions that the loader looks for, of all libraries."""
        need = self._required.offset
        while True:
            _, count, _, aux_step, next_step = struct.unpack_from("<HHIII", self.data, need)
            aux = need + aux_step
            for _ in range(count):
                _, flags, _, name, aux_next = struct.unpack_from("<IHHII", self.data, aux)
                yield RequiredVersion(self._string(name), bool(flags & VERSION_WEAK), aux + 4)
                aux += aux_next
            if not next_step:
                return
            need += next_step

    def make_optional(self, version: str) -> None:
        """Lets the loader go on where no library defines this version."""
        for required in self.required_versions():
            if required.name == version:
                struct.pack_into("<H", self.data, required.flags_offset, VERSION_WEAK)

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
        found = self.data.find(text.encode() + b"\0", start, end)
        return None if found < 0 else found - start

    def _import_index(self, name: int) -> int | None:
        for index in range(self._symbols.size // SYMBOL_SIZE):
            at = self._symbols.offset + index * SYMBOL_SIZE
            if struct.unpack_from("<I", self.data, at)[0] == name:
                return index
        return None
