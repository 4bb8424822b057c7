"""Base of all descriptions and settings: values are validated once and then immutable."""

from __future__ import annotations

import pydantic

__all__ = ["Frozen"]


class Frozen(pydantic.BaseModel):
    """Immutable, and refuses unknown keys."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
