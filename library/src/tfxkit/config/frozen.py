"""What all descriptions and settings are made of: values that are checked once and then stay."""

from __future__ import annotations

import pydantic

__all__ = ["Frozen"]


class Frozen(pydantic.BaseModel):
    """Immutable, and refuses keys that it does not know."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
