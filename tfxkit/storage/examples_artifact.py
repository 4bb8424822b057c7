"""What ExampleGen leaves about a delivery of data, for the steps that come after."""

from __future__ import annotations

import json
import os

from tfx import types

from tfxkit.storage.filesystems import fileio

SPANS_PROPERTY = "spans"  # custom property: the numbers of the spans, as a JSON list
# Custom property: the version of each of the spans as a JSON list; not there if none has versions.
VERSIONS_PROPERTY = "versions"
READER_PROPERTY = "reader"  # custom property: the module that read the spans; absent for files
# Beside the splits; see `components.example_gen.outcomes`.
OUTCOMES = "files.json"


def spans(artifact: types.Artifact) -> list[int]:
    """The spans that an artifact was made from; none if it does not say."""
    return json.loads(artifact.get_string_custom_property(SPANS_PROPERTY) or "[]")


def repeated_share(examples: types.Artifact) -> float | None:
    """The share of rows that are there already; None if nobody has counted."""
    path = os.path.join(examples.uri, OUTCOMES)
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return json.loads(file.read())["repeated_share"]
