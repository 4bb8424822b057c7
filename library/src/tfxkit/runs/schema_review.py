"""Shows where data departs from the schema, and writes agreed changes into it.

`python -m pipeline schema diff` and `schema accept`. What to change is TFDV's proposal.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tempfile
from collections.abc import Collection
from pathlib import Path

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tensorflow_metadata.proto.v0.anomalies_pb2 import AnomalyInfo

from tfxkit.errors import UsageError
from tfxkit.runs.schema_text import field_lines, with_changes
from tfxkit.storage.artifacts import read_statistics, split_names, statistics_file
from tfxkit.storage.filesystems import fileio


@dataclasses.dataclass(frozen=True)
class Change:
    """Proposed change of a column.

    Attributes:
        column: Its name.
        reasons: What is wrong today, in TFDV's words, with the split that it is wrong in.
        lines: The lines of the schema that go (`- …`) and come (`+ …`).
    """

    column: str
    reasons: tuple[str, ...]
    lines: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Review:
    """A schema file against data.

    Attributes:
        changes: By column, in the order of their names.
        text: The text of the schema file with the changes.
    """

    changes: tuple[Change, ...]
    text: str


def review(schema_path: Path, statistics_uri: str, columns: Collection[str] = ()) -> Review:
    """Compares a schema with the statistics of a run.

    Args:
        schema_path: The schema file.
        statistics_uri: The URI of an `ExampleStatistics` artifact.
        columns: Only what these columns need; all if empty.

    Raises:
        UsageError: If there are no statistics, if the schema has given a column another type since
            they were made, or if one of the columns needs no change.
    """
    text = schema_path.read_text(encoding="utf-8")
    old = text_format.Parse(text, schema_pb2.Schema())
    statistics = _read_statistics(statistics_uri)
    reasons: dict[str, dict[str, list[str]]] = {}  # column -> what is wrong -> splits
    proposed = old
    for split, one in statistics.items():
        anomalies = tfdv.validate_statistics(one, old).anomaly_info
        for column, info in anomalies.items():
            reasons.setdefault(column, {}).setdefault(info.description.strip(), []).append(split)
            if any(reason.type == AnomalyInfo.UNEXPECTED_DATA_TYPE for reason in info.reason):
                # ExampleGen reads by the schema; TFDV would declare the column dead.
                raise UsageError(
                    f"{schema_path} has another type for {column} than when the data was read: "
                    "run again, then compare."
                )
        proposed = tfdv.update_schema(proposed, one)
    if unknown := sorted(set(columns) - reasons.keys()):
        near = difflib.get_close_matches(unknown[0], reasons, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"Nothing about {', '.join(unknown)} departs from the schema{hint}")
    wanted = set(columns) or reasons.keys()
    new = _merged(old, proposed, wanted)
    changes = [
        Change(
            name,
            tuple(f"{what} ({', '.join(splits)})" for what, splits in reasons[name].items()),
            tuple(_difference(old, new, name)),
        )
        for name in sorted(wanted)
    ]
    return Review(tuple(changes), with_changes(text, old, new))


def diff(schema_path: Path, statistics_uri: str, columns: Collection[str] = ()) -> str:
    """Says what `accept` would change, for a person; see `review` for arguments and errors."""
    changes = review(schema_path, statistics_uri, columns).changes
    if not changes:
        return f"The data is what {schema_path} says: nothing to change."
    return "\n\n".join(_in_words(change) for change in changes)


def accept(schema_path: Path, statistics_uri: str, columns: Collection[str] = ()) -> str:
    """Writes the changes into the schema file, all or nothing, and says which they were.

    See `review` for arguments and errors.
    """
    result = review(schema_path, statistics_uri, columns)
    if not result.changes:
        return f"The data is what {schema_path} says: nothing was changed."
    with tempfile.NamedTemporaryFile(
        "w", dir=schema_path.parent, prefix=f".{schema_path.name}-", encoding="utf-8", delete=False
    ) as file:
        file.write(result.text)
    Path(file.name).chmod(schema_path.stat().st_mode)
    os.replace(file.name, schema_path)
    changed = "\n\n".join(_in_words(change) for change in result.changes)
    return f"{changed}\n\nWritten to {schema_path}. Review it as you do code, then run again."


def _read_statistics(uri: str) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    splits = split_names(uri) if fileio.exists(uri) else []
    if not splits:
        raise UsageError(f"There are no statistics of data at {uri}: run the pipeline first")
    return {split: read_statistics(statistics_file(uri, split)) for split in splits}


def _merged(
    old: schema_pb2.Schema, proposed: schema_pb2.Schema, columns: Collection[str]
) -> schema_pb2.Schema:
    """The old schema with the features of these columns, and their domains, as proposed."""
    result = schema_pb2.Schema()
    result.CopyFrom(old)
    domains = {feature.domain for feature in proposed.feature if feature.name in columns}
    for kind, names in (("feature", columns), ("string_domain", domains - {""})):
        there = {message.name: message for message in getattr(result, kind)}
        for message in getattr(proposed, kind):
            if message.name in names:
                target = there.get(message.name) or getattr(result, kind).add()
                target.CopyFrom(message)
    return result


def _difference(old: schema_pb2.Schema, new: schema_pb2.Schema, column: str) -> list[str]:
    before, after = _lines(old, column), _lines(new, column)
    gone = [f"- {line}" for line in before if line not in after]
    return gone + [f"+ {line}" for line in after if line not in before]


def _lines(schema: schema_pb2.Schema, column: str) -> list[str]:
    """The schema's lines about a column: its feature, and its domain if that has a name."""
    lines = []
    for feature in schema.feature:
        if feature.name == column:
            lines += field_lines(feature)
            for domain in schema.string_domain:
                if domain.name == feature.domain:
                    lines += field_lines(domain)
    return lines


def _in_words(change: Change) -> str:
    lines = [f"{change.column}:", *(f"  {reason}" for reason in change.reasons)]
    if "+ lifecycle_stage: DEPRECATED" in change.lines:
        lines.append("  It is expected no more; take it out of configs/dataset.yaml too.")
    if f'+ name: "{change.column}"' in change.lines:
        lines.append("  To make a feature of it, describe it in configs/dataset.yaml.")
    return "\n".join([*lines, *(f"    {line}" for line in change.lines)])
