"""Refusal of credentials in a configuration, which summaries, reports and packages hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar

import pydantic
import pydantic_core

from tfxkit.errors import documentation

__all__ = ["SecretReference"]

SOUNDS_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|credential|token(?!ize)|(api|access|account|private)[_-]?key",
    re.IGNORECASE,
)
# Unmistakable: keys of AWS, Google, GitHub and PEM files, addresses of Slack's webhooks, and signed
# addresses of Azure, such as those of webhooks of Teams.
_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|AIza[\w-]{35}|gh[pousr]_\w{36}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|hooks\.slack\.com/\w+/|://\S+[?&]sig=[\w%-]{8}"
)
# The name of an environment variable; the path of a file; the address of one in a store.
_REFERENCE = re.compile(r"[A-Za-z_]\w*|(/(?!/)|~/).+|(gs|s3)://[^/]+/.+")
_PASSWORD = re.compile(r"://[^\s/?#@:]*:[^\s/?#@]+@")  # of an address: s3://user:password@host
_INSTEAD = (
    "which must not stand in a configuration, since summaries, reports and packages hold it: "
    "{} the process as an environment variable or a credentials file: see "
    + documentation("security")
)
SECRET_PROBLEM: Final = "secret"  # noqa: S105
Values = TypeVar("Values", bound=Mapping[str, Any] | None)
Tree = TypeVar("Tree")


def refuse_secret_names(values: Values) -> Values:
    """Returns names and values unchanged, unless a name at any depth is that of a credential.

    Raises:
        ValueError: If one is, without its value.
    """
    for name in _names(values):
        if SOUNDS_SECRET.search(name):
            raise ValueError(f"{name} looks like a credential, {_INSTEAD.format('give it to')}")
    return values


def refuse_secret_keys(tree: Tree) -> Tree:
    """Returns a tree unchanged, unless a key at any depth is the name of a credential.

    Raises:
        ValueError: If one is, without its value.
    """
    if isinstance(tree, Mapping):
        refuse_secret_names(tree)
    for value in tree.values() if isinstance(tree, Mapping) else ():
        refuse_secret_keys(value)
    return tree


def refuse_secrets(tree: Tree) -> Tree:
    """Returns a configuration unchanged, unless a text at any depth is a credential.

    Raises:
        ValueError: If one is, with its key and without its value.
    """
    for key, text in _texts(tree):
        if _VALUE.search(text):
            raise ValueError(f"{key} looks like a credential, {_INSTEAD.format('give it to')}")
        if _PASSWORD.search(text):
            instead = _INSTEAD.format(
                "write the address without user and password, and give them to"
            )
            raise ValueError(f"{key} has a password in an address, {instead}")
    return tree


def _names(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        yield from tree
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for value in tree:
            yield from _names(value)


def _texts(tree: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """All texts with their keys; a key is itself a text of its mapping."""
    if isinstance(tree, str):
        yield key, tree
    elif isinstance(tree, Mapping):
        for name, value in tree.items():
            yield f"a key in {key}" if key else "a key", str(name)
            yield from _texts(value, f"{key}.{name}" if key else str(name))
    elif isinstance(tree, list | tuple):
        for place, value in enumerate(tree):
            yield from _texts(value, f"{key}.{place}")


NoSecretNames = pydantic.AfterValidator(refuse_secret_names)


def _reference(text: str) -> str:
    if text and not _REFERENCE.fullmatch(text):
        # Of a type whose value is not shown: it may be the secret itself.
        raise pydantic_core.PydanticCustomError(
            SECRET_PROBLEM,
            "write where the secret is, and not the secret: the name of an environment variable, "
            "or the absolute path or the address (gs://, s3://) of a file that holds it",
        )
    return text


# A reference to a secret, see `tfxkit.storage.step_secrets`; empty for none.
SecretReference = Annotated[str, pydantic.AfterValidator(_reference)]
"""Type of a setting that refers to a secret: an environment variable, or the path of a file."""
