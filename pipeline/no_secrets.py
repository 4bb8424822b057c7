"""No credential stands in a configuration: what is there goes into summaries, reports, packages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic

SOUNDS_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|credential|token(?!ize)|(api|access|account|private)[_-]?key",
    re.IGNORECASE,
)
# What AWS, Google, GitHub and PEM files give out as keys looks like nothing else.
_VALUE = re.compile(
    r"AKIA[0-9A-Z]{16}|AIza[\w-]{35}|gh[pousr]_\w{36}|-----BEGIN [A-Z ]*PRIVATE KEY"
)
Values = TypeVar("Values", bound=Mapping[str, Any] | None)


def refuse_secrets(values: Values) -> Values:
    """Returns names and values as they are, if none looks like a credential.

    Raises:
        ValueError: If one does, without its value.
    """
    for name, value in () if values is None else values.items():
        if SOUNDS_SECRET.search(name) or (isinstance(value, str) and _VALUE.search(value)):
            raise ValueError(
                f"{name} looks like a credential, which must not stand in a configuration: give it "
                "to the process as an environment variable or a file (docs/security.md)"
            )
    return values


NoSecrets = pydantic.AfterValidator(refuse_secrets)
