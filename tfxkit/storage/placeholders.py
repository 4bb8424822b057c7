"""Inputs that stand for nothing: `Baseline` writes them when no model is served yet."""

from __future__ import annotations

import os

from tfx import types
from tfx.utils import io_utils

_FILE = "ABSENT"  # object stores have no empty folders
_PROPERTY = "tfx_absent"
_REASON_PROPERTY = "reason"


def mark(artifact: types.Artifact, reason: str) -> None:
    """Makes an output a placeholder; the reason is a sentence."""
    artifact.set_int_custom_property(_PROPERTY, 1)
    artifact.set_string_custom_property(_REASON_PROPERTY, reason)
    io_utils.write_string_file(os.path.join(artifact.uri, _FILE), reason + "\n")


def is_absent(artifact: types.Artifact) -> bool:
    """Whether an artifact is only a placeholder."""
    return bool(artifact.get_int_custom_property(_PROPERTY))


def reason(artifact: types.Artifact) -> str:
    """Why there is nothing, as a sentence."""
    return artifact.get_string_custom_property(_REASON_PROPERTY) or "No model is served yet."
