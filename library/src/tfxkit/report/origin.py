"""The origin of a run: ingested spans, fingerprints, versions, the configuration."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import re
from pathlib import Path
from typing import Any

import yaml

from tfxkit.config.secrets import SOUNDS_SECRET
from tfxkit.report.run import Run
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import FINGERPRINT_PROPERTY, ingested_files

MASK = "•••"
_SHORT = 16  # digits of a fingerprint that are shown
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")  # of an address: s3://user:password@host


@dataclasses.dataclass(frozen=True)
class IngestedSpan:
    """File of a span that `ingest` wrote.

    Attributes:
        file: Its path below the folder of spans.
        interval: Times that its query selected, in UTC; empty without an interval.
        rows: Number of rows.
        time: Time of the ingestion, in UTC.
    """

    file: str
    interval: str
    rows: int
    time: str


@dataclasses.dataclass(frozen=True)
class IngestedQuery:
    """Spans with one source and one query.

    Attributes:
        source: Database or table, without user and password.
        query: SQL; empty for a table.
        time_column: Column of a table that selects an interval; empty without one.
        spans: In the order of their numbers.
    """

    source: str
    query: str
    time_column: str
    spans: list[IngestedSpan]


@dataclasses.dataclass(frozen=True)
class OriginSection:
    """Section `origin` of the page.

    Attributes:
        ingested: Spans from databases and tables, by source and query.
        fingerprints: Name -> digits.
        versions: Of the packages that decide the result.
        config: As YAML, without secrets.
    """

    ingested: list[IngestedQuery]
    fingerprints: dict[str, str]
    versions: dict[str, str]
    config: str


def build_origin(run: Run) -> OriginSection:
    """Builds the section."""
    config = mask_secrets(run.summary.config)
    examples = run.artifact("ExampleGen", "examples")
    return OriginSection(
        ingested=ingested_queries(examples.uri) if examples else [],
        fingerprints={name: digits for name, digits in _fingerprints(run).items() if digits},
        versions={"python": platform.python_version(), **run.summary.versions},
        config=yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    )


def data_fingerprints(run: Run) -> dict[str, str]:
    """Fingerprints of data and schema: name -> digits, empty where there is none.

    Raises:
        OSError: If an artifact is gone.
    """
    examples = run.artifact("ExampleGen", "examples")
    schema = run.artifact("ImportSchemaGen", "schema")
    files = str(examples.properties.get(FINGERPRINT_PROPERTY, "")) if examples else ""
    return {
        "data as it was read": files.rpartition(":")[2][:_SHORT],
        "rows that were trained on": (run.training or {}).get("data", ""),
        "schema": _digest(Path(schema.uri, "schema.pbtxt")) if schema else "",
    }


def ingested_queries(examples_uri: str) -> list[IngestedQuery]:
    """Sources of the spans that `ingest` wrote, as ExampleGen found them in the files.

    Raises:
        OSError: If the artifact is unreadable.
    """
    queries: dict[tuple[str, ...], IngestedQuery] = {}
    for path, provenance in ingested_files(examples_uri).items():
        facts = mask_secrets(provenance)
        texts = [str(facts.get(name) or "") for name in ("source", "query", "time_column")]
        query = queries.setdefault(tuple(texts), IngestedQuery(*texts, spans=[]))
        query.spans.append(
            IngestedSpan(
                file="/".join(path.split("/")[-3:]),
                interval=" to ".join(facts.get("interval") or ()),
                rows=facts.get("rows", 0),
                time=str(facts.get("time", "")).removesuffix("+00:00").replace("T", " "),
            )
        )
    return list(queries.values())


def mask_secrets(value: Any, *, secret: bool = False) -> Any:
    """Masks the values of keys that sound secret, and users in addresses, in a configuration.

    `tfxkit.config.secrets` refuses likely secrets; this covers runs from before, and the rest.
    """
    if isinstance(value, dict):
        return {
            key: mask_secrets(each, secret=secret or bool(SOUNDS_SECRET.search(str(key))))
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_secrets(each, secret=secret) for each in value]
    if value is None or isinstance(value, bool):
        return value
    if secret:
        return MASK
    return _USER.sub(MASK, value) if isinstance(value, str) else value


def _fingerprints(run: Run) -> dict[str, str]:
    return {
        "spans": ", ".join(map(str, run.summary.spans)),
        **data_fingerprints(run),
        "features": (run.training or {}).get("transform", ""),
        "code of the training": (run.training or {}).get("code_hash", ""),
        "model": served_model.fingerprint(run.model_dir)[:_SHORT] if run.model_dir else "",
        "Git commit": run.summary.commit or "",
    }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_SHORT]
