"""The `Examples` artifact that ExampleGen writes: its custom properties, splits and file counts."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tfxkit.storage.filesystems import fileio

if TYPE_CHECKING:
    from tfx import types

# Custom properties.
SPANS_PROPERTY = "spans"  # the numbers of the spans, as a JSON list
VERSIONS_PROPERTY = "versions"  # the version of each span, as a JSON list; absent without versions
READER_PROPERTY = "reader"  # the module that read the spans; absent for files
FINGERPRINT_PROPERTY = "input_fingerprint"  # TFX's name: of the files that were read
LEFT_OUT = "left_out"  # the number of rows without a required value; in OUTCOMES by file
SPLIT_PREFIX = "Split-"  # of the folder of a split, in TFX's examples and statistics
# Rows and errors of each file that was read; see `tfxkit.components.example_gen.outcomes`.
OUTCOMES = "files.json"


def spans(artifact: types.Artifact) -> list[int]:
    """The spans that an artifact was made from; none if it does not record them."""
    return json.loads(artifact.get_string_custom_property(SPANS_PROPERTY) or "[]")


def repeated_share(examples: types.Artifact) -> float | None:
    """The share of rows that occur more than once; None if it was not measured."""
    content = _outcomes(examples.uri)
    return content["repeated_share"] if content else None


def rows_by_split(examples_uri: str) -> dict[str, int] | None:
    """The number of rows in each split; None if another ExampleGen wrote it, or it is gone."""
    content = _outcomes(examples_uri)
    if content is None:
        return None
    rows: dict[str, int] = {}
    for file in content["files"]:
        for split, count in file["rows"].items():
            rows[split] = rows.get(split, 0) + count
    return rows


def _outcomes(examples_uri: str) -> dict[str, Any] | None:
    path = os.path.join(examples_uri, OUTCOMES)
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return json.loads(file.read())
