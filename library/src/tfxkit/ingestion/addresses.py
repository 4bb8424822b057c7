"""Addresses of databases: the part that people may see, and errors without the rest."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable

from tfxkit.config.secrets import SOUNDS_SECRET

_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_MASK = "•••"
_SHORT = 4  # characters of a part that occurs in other words, and is masked as a word alone


def public_address(address: str) -> str:
    """Address of a database without user, password and options.

    Nothing before the last @ is kept: a password may hold any character, and need not be escaped.
    """
    scheme = match[0] if (match := _SCHEME.match(address)) else ""
    place = address.removeprefix(scheme).rpartition("@")[2]
    return scheme + re.split(r"[?#&=\s]", place, maxsplit=1)[0]


def secret_parts(address: str) -> list[str]:
    """The parts of an address that no message may hold."""
    rest = _SCHEME.sub("", address, count=1)
    account, _, place = rest.rpartition("@")
    password = account.partition(":")[2]
    options = urllib.parse.parse_qsl(place.partition("?")[2])
    values = [value for name, value in options if SOUNDS_SECRET.search(name)]
    # A driver that takes a part of the password for the host or the port may quote that part.
    return [address, account, password, *values, *re.split(r"[/@?#:&=]", password)]


def masked(text: str, secrets: Iterable[str]) -> str:
    """Text of an error without secrets, as they are and as addresses spell them."""
    spellings = {
        spelling
        for secret in secrets
        for spelling in (secret, urllib.parse.unquote(secret))
        if spelling
    }
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) < _SHORT:
            text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", _MASK, text)
        else:
            text = text.replace(spelling, _MASK)
    return text


def one_line(error: Exception) -> str:
    """Message of a driver on one line, without its own prefixes and codes."""
    text = re.sub(r"^[A-Z_]+: |\[\w+\] ", "", str(error).strip())
    return " ".join(text.split()) or type(error).__name__
