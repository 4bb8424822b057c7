"""What the run was made from: versions, configuration, fingerprints of data, schema and code."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from pathlib import Path

import yaml

from tfxkit.report.masking import masked
from tfxkit.report.run import Run
from tfxkit.storage import served_model
from tfxkit.storage.examples_artifact import FINGERPRINT_PROPERTY

_SHORT = 16  # digits of a fingerprint that are shown


@dataclasses.dataclass(frozen=True)
class Origin:
    """The section.

    Attributes:
        fingerprints: What -> digits.
        versions: Of what decides the result.
        config: As YAML, without secrets.
    """

    fingerprints: dict[str, str]
    versions: dict[str, str]
    config: str


def make(run: Run) -> Origin:
    """Collects the section."""
    config = masked(run.summary.config)
    return Origin(
        fingerprints={what: text for what, text in _fingerprints(run).items() if text},
        versions={"python": platform.python_version(), **run.summary.versions},
        config=yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    )


def _fingerprints(run: Run) -> dict[str, str]:
    return {
        "spans": ", ".join(map(str, run.summary.spans)),
        **data_fingerprints(run),
        "features": (run.training or {}).get("transform", ""),
        "code of the training": (run.training or {}).get("code_hash", ""),
        "model": served_model.fingerprint(run.model_dir)[:_SHORT] if run.model_dir else "",
        "Git commit": run.summary.commit or "",
    }


def data_fingerprints(run: Run) -> dict[str, str]:
    """Of the data and what it is held to: what -> digits, empty where there is none.

    Raises:
        OSError: If an artifact is gone.
    """
    examples, schema = (
        run.artifact("ExampleGen", "examples"),
        run.artifact("ImportSchemaGen", "schema"),
    )
    read = str(examples.properties.get(FINGERPRINT_PROPERTY, "")) if examples else ""
    return {
        "data as it was read": read.rpartition(":")[2][:_SHORT],
        "rows that were trained on": (run.training or {}).get("data", ""),
        "schema": _digest(Path(schema.uri, "schema.pbtxt")) if schema else "",
    }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_SHORT]
