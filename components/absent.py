"""Inputs that stand for nothing: `Baseline` writes them when no model is served yet."""

from __future__ import annotations

from tfx import types

PROPERTY = "tfx_absent"
REASON_PROPERTY = "reason"


def is_absent(artifact: types.Artifact) -> bool:
    """Whether an artifact is only a placeholder."""
    return bool(artifact.get_int_custom_property(PROPERTY))


def reason(artifact: types.Artifact) -> str:
    """Why there is nothing, as a sentence."""
    return artifact.get_string_custom_property(REASON_PROPERTY) or "No model is served yet."
