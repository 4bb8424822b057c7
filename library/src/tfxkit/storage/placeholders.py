"""Placeholder artifacts: `Baseline` writes them when no model is served yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tfxkit.storage.filesystems import fileio

if TYPE_CHECKING:
    from tfx import types

# Custom properties: 1 for a placeholder, and a sentence.
ABSENT, REASON = "tfx_absent", "reason"
_FILE = "ABSENT"  # object stores have no empty folders


def mark(artifact: types.Artifact, reason: str) -> None:
    """Makes an output a placeholder; the reason is a sentence."""
    artifact.set_int_custom_property(ABSENT, 1)
    artifact.set_string_custom_property(REASON, reason)
    fileio.makedirs(artifact.uri)
    with fileio.open(os.path.join(artifact.uri, _FILE), "w") as file:
        file.write(reason + "\n")


def is_absent(artifact: types.Artifact) -> bool:
    """True if an artifact is only a placeholder."""
    return bool(artifact.get_int_custom_property(ABSENT))


def reason(artifact: types.Artifact) -> str:
    """The reason for a placeholder, as a sentence."""
    return artifact.get_string_custom_property(REASON) or "No model is served yet."
