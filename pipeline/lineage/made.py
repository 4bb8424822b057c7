"""One thing that a version came from: the artifact, and the execution that made it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.lineage.graph import Artifact, Execution
from tfxkit.storage import served_model

_CODE = re.compile(r'\\?"code_hash\\?":\s*\\?"([0-9a-f]+)')


@dataclasses.dataclass(frozen=True)
class Made:
    """One thing that a version came from.

    Attributes:
        step: The step that made it.
        execution: The number of the execution in ML Metadata.
        run: The run that it was part of.
        at: When it ended, local time in ISO 8601.
        code: The hash of the project's code that the step ran; None if it has none.
        facts: What there is to say about it, by name.
    """

    step: str
    execution: int
    run: str
    at: str
    code: str | None
    facts: dict[str, Any]


def made(execution: Execution, facts: dict[str, Any]) -> Made:
    """What an execution made, with what there is to say of it."""
    ended = datetime.fromtimestamp(execution.ended / 1000).astimezone()
    return Made(
        step=execution.step,
        execution=execution.id,
        run=execution.run,
        at=ended.isoformat(timespec="seconds"),
        code=code_of(execution.parameters),
        facts=facts,
    )


def code_of(parameters: Mapping[str, Any]) -> str | None:
    """The hash of the project's code that an execution ran, from what it was given."""
    if own := parameters.get("code_hash"):
        return str(own)
    texts = [value for value in parameters.values() if isinstance(value, str)]
    return next((found[1] for text in texts if (found := _CODE.search(text))), None)


def facts_of(artifact: Artifact) -> tuple[str | None, dict[str, Any]]:
    """Which part of an origin an artifact is, and what there is to say of it."""
    properties, uri = artifact.properties, artifact.uri
    match artifact.type:
        case "Examples" if "spans" in properties:  # those of Transform have none
            return "data", {
                "spans": json.loads(properties["spans"]),
                "versions": json.loads(properties.get("versions") or "null"),
                "reader": properties.get("reader"),
                "fingerprint": properties.get("input_fingerprint"),
                "rows": rows_by_split(uri),
                "uri": uri,
            }
        case "Schema":
            return "schema", {"sha256": _hash_of_file(Path(uri, "schema.pbtxt")), "uri": uri}
        case "TransformGraph":
            return "transform", {"uri": uri}
        case "Model" if "served_version" not in properties and not properties.get("tfx_absent"):
            folder = os.path.join(uri, "Format-Serving")
            known = os.path.exists(os.path.join(folder, served_model.FINGERPRINT))
            fingerprint = served_model.fingerprint(folder) if known else None
            return "model", {"fingerprint": fingerprint, "uri": uri}
    return None, {}


def rows_by_split(examples_dir: str) -> dict[str, int] | None:
    """How many rows ExampleGen wrote into each split; None where the artifact is gone."""
    file = Path(examples_dir, "files.json")  # `tfxkit.storage.examples_artifact`, without its TFX
    if not file.exists():
        return None
    rows: dict[str, int] = {}
    for one in json.loads(file.read_text(encoding="utf-8"))["files"]:
        for split, count in one["rows"].items():
            rows[split] = rows.get(split, 0) + count
    return rows


def _hash_of_file(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None
