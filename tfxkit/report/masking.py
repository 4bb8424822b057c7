"""Takes secrets out of a configuration before it is shown.

`tfxkit.config.secrets` refuses what looks like one; this is for runs from before, and for the rest.
"""

from __future__ import annotations

import re
from typing import Any

from tfxkit.config.secrets import SOUNDS_SECRET

MASK = "•••"
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")  # of an address: s3://user:password@host


def masked(value: Any, *, secret: bool = False) -> Any:
    """The same tree without values of keys that sound secret, and users in addresses."""
    if isinstance(value, dict):
        return {
            key: masked(each, secret=secret or bool(SOUNDS_SECRET.search(str(key))))
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(each, secret=secret) for each in value]
    if value is None or isinstance(value, bool):
        return value
    if secret:
        return MASK
    return _USER.sub(MASK, value) if isinstance(value, str) else value
