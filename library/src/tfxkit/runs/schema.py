"""Shows where data departs from the schema, and writes agreed changes into it.

`python -m pipeline schema diff` and `schema accept`. TFDV proposes the changes. Only the lines that
change are rewritten, comments stay: `text_format.MessageToString` would lose them, which in a
reviewed schema are half of it.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tensorflow_metadata.proto.v0.anomalies_pb2 import AnomalyInfo

from tfxkit.errors import UsageError

# Comments, strings, braces and words: all that the text of a schema consists of.
_TOKEN = re.compile(
    r"""\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}<>\[\]]|[^\s{}<>\[\]"'#]+"""
)
_INDENT = "  "
_DOMAIN_LINES = ("+ value:", "+ int_domain", "+ float_domain")  # more values are allowed


@dataclasses.dataclass(frozen=True)
class SchemaChange:
    """Proposed change of a column.

    Attributes:
        column: Its name.
        reasons: The anomalies, in TFDV's words, with the splits that have them.
        lines: The lines of the schema that are removed (`- …`) and added (`+ …`).
        is_label: True if the column is absent at serving, as the label is.
    """

    column: str
    reasons: tuple[str, ...]
    lines: tuple[str, ...]
    is_label: bool = False


@dataclasses.dataclass(frozen=True)
class SchemaReview:
    """Comparison of a schema file with data.

    Attributes:
        changes: By column, in the order of their names.
        text: The text of the schema file with the changes.
    """

    changes: tuple[SchemaChange, ...]
    text: str


def review(schema_path: Path, statistics_uri: str, columns: Collection[str] = ()) -> SchemaReview:
    """Compares a schema with the statistics of a run.

    Args:
        schema_path: The schema file.
        statistics_uri: The URI of an `ExampleStatistics` artifact.
        columns: Only these columns; all if empty.

    Raises:
        UsageError: If there are no statistics, if the schema has given a column another type since
            they were made, or if one of the columns needs no change.
    """
    import tensorflow_data_validation as tfdv  # heavy, and `init` writes a schema without it

    text = schema_path.read_text(encoding="utf-8")
    old = text_format.Parse(text, schema_pb2.Schema())
    reasons: dict[str, dict[str, list[str]]] = {}  # column -> anomaly -> splits
    proposed = old
    for split, statistics in _read_statistics(statistics_uri).items():
        anomalies = tfdv.validate_statistics(statistics, old).anomaly_info
        for column, info in anomalies.items():
            reasons.setdefault(column, {}).setdefault(info.description.strip(), []).append(split)
            if any(reason.type == AnomalyInfo.UNEXPECTED_DATA_TYPE for reason in info.reason):
                # ExampleGen reads by the schema; TFDV would declare the column dead.
                raise UsageError(
                    f"{schema_path} has another type for {column} than when the data was read: "
                    "run again, then compare."
                )
        proposed = tfdv.update_schema(proposed, statistics)
    if unknown := sorted(set(columns) - reasons.keys()):
        near = difflib.get_close_matches(unknown[0], reasons, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"Nothing about {', '.join(unknown)} departs from the schema{hint}")
    changed = set(columns) or reasons.keys()
    new = _merged(old, proposed, changed)
    labels = {each.name for each in old.feature if "SERVING" in each.not_in_environment}
    changes = [
        SchemaChange(
            name,
            tuple(f"{anomaly} ({', '.join(splits)})" for anomaly, splits in reasons[name].items()),
            tuple(_difference(old, new, name)),
            is_label=name in labels,
        )
        for name in sorted(changed)
    ]
    return SchemaReview(tuple(changes), with_changes(text, old, new))


def diff(schema_path: Path, statistics_uri: str, columns: Collection[str] = ()) -> str:
    """The changes that `accept` would make, as text; see `review` for arguments and errors."""
    changes = review(schema_path, statistics_uri, columns).changes
    if not changes:
        return f"The data matches {schema_path}; no changes."
    return "\n\n".join(_in_words(change) for change in changes)


def accept(schema_path: Path, statistics_uri: str, columns: Collection[str] = ()) -> str:
    """Writes the changes into the schema file, all or nothing; returns them as text.

    See `review` for arguments and errors.
    """
    result = review(schema_path, statistics_uri, columns)
    if not result.changes:
        return f"The data matches {schema_path}; nothing was changed."
    with tempfile.NamedTemporaryFile(
        "w", dir=schema_path.parent, prefix=f".{schema_path.name}-", encoding="utf-8", delete=False
    ) as file:
        file.write(result.text)
    Path(file.name).chmod(schema_path.stat().st_mode)
    os.replace(file.name, schema_path)
    changed = "\n\n".join(_in_words(change) for change in result.changes)
    return f"{changed}\n\nWritten to {schema_path}. Review it as you do code, then run again."


def _read_statistics(uri: str) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    from tfxkit.storage.artifacts import read_statistics, split_names, statistics_file
    from tfxkit.storage.filesystems import fileio

    splits = split_names(uri) if fileio.exists(uri) else []
    if not splits:
        raise UsageError(f"There are no statistics of data at {uri}: run the pipeline first")
    return {split: read_statistics(statistics_file(uri, split)) for split in splits}


def _merged(
    old: schema_pb2.Schema, proposed: schema_pb2.Schema, columns: Collection[str]
) -> schema_pb2.Schema:
    """The old schema with the proposed features of these columns, and their domains."""
    result = schema_pb2.Schema()
    result.CopyFrom(old)
    domains = {feature.domain for feature in proposed.feature if feature.name in columns}
    for field, names in (("feature", columns), ("string_domain", domains - {""})):
        messages = {message.name: message for message in getattr(result, field)}
        for message in getattr(proposed, field):
            if message.name in names:
                target = messages.get(message.name) or getattr(result, field).add()
                target.CopyFrom(message)
    return result


def _difference(old: schema_pb2.Schema, new: schema_pb2.Schema, column: str) -> list[str]:
    before, after = _lines(old, column), _lines(new, column)
    removed = [f"- {line}" for line in before if line not in after]
    return removed + [f"+ {line}" for line in after if line not in before]


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


def _in_words(change: SchemaChange) -> str:
    lines = [f"{change.column}:", *(f"  {reason}" for reason in change.reasons)]
    if "+ lifecycle_stage: DEPRECATED" in change.lines:
        lines.append("  It is expected no more; take it out of configs/dataset.yaml too.")
    if f'+ name: "{change.column}"' in change.lines:
        lines.append("  To make a feature of it, describe it in configs/dataset.yaml.")
    if change.is_label and any(line.startswith(_DOMAIN_LINES) for line in change.lines):
        lines.append("  It is the label: accept new values only if they are classes, and name them")
        lines.append("  under label in configs/dataset.yaml too. Otherwise, correct the data.")
    return "\n".join([*lines, *(f"    {line}" for line in change.lines)])


@dataclasses.dataclass(frozen=True)
class _Field:
    """Position of a field in the text of a message, from its name to the end of its value."""

    name: str
    start: int
    end: int


def with_changes(text: str, old: schema_pb2.Schema, new: schema_pb2.Schema) -> str:
    """Rewrites the features and string domains that differ, and adds those that are new.

    Args:
        text: The schema as a person wrote it.
        old: The schema of that text.
        new: The schema that the result must have. It holds all features and string domains of
            `old`, and differs in nothing but features and string domains.

    Returns:
        The text of `new`.
    """
    for field in ("feature", "string_domain"):
        before = {message.name: message for message in getattr(old, field)}
        for message in getattr(new, field):
            if message.name not in before:
                text = _append(text, field, message)
            elif message != before[message.name]:
                text = _change(text, field, message)
    if text_format.Parse(text, schema_pb2.Schema()) != new:
        raise AssertionError("the text of the schema is not that of the changed schema")
    return text


def field_lines(message: Message) -> list[str]:
    """A message's fields as text: a line for each field, and for each value of a repeated one."""
    lines = []
    for descriptor, value in message.ListFields():
        for single in value if descriptor.is_repeated else [value]:
            alone = type(message)()
            if descriptor.is_repeated:
                getattr(alone, descriptor.name).append(single)
            elif descriptor.message_type is None:
                setattr(alone, descriptor.name, single)
            else:
                getattr(alone, descriptor.name).CopyFrom(single)
            lines.append(str(text_format.MessageToString(alone, as_one_line=True)))
    return lines


def _append(text: str, name: str, message: Message) -> str:
    """Adds a message behind the last one of the same name, or at the end."""
    block = "\n".join([f"{name} {{", *(_INDENT + line for line in field_lines(message)), "}"])
    others = [field for field in _fields(text, 0, len(text)) if field.name == name]
    if not others:
        return f"{text.rstrip()}\n\n{block}\n"
    end = _line_end(text, others[-1].end)
    return f"{text[:end]}\n{block}{text[end:]}"


def _change(text: str, field_name: str, message: Message) -> str:
    """Changes the message with the same value of `name`, field by field."""
    start, end = _body(text, field_name, message.name)
    missing = field_lines(message)
    edits: list[tuple[int, int, str]] = []
    replaced = {line.split(None, 1)[0].rstrip(":"): line for line in missing}
    repeated = {d.name for d in message.DESCRIPTOR.fields if d.is_repeated}
    for field in _fields(text, start, end):
        lines = field_lines(text_format.Parse(text[field.start : field.end], type(message)()))
        if all(line in missing for line in lines):
            missing = [line for line in missing if line not in lines]
        elif field.name in replaced and field.name not in repeated:
            edits.append((field.start, field.end, replaced[field.name]))
            missing.remove(replaced[field.name])
        else:
            edits.append((*_whole_line(text, field), ""))
    addition = "".join(f"{_INDENT}{line}\n" for line in missing)
    if "\n" not in text[start:end] and addition:
        addition = "\n" + addition
    close = text.rfind("\n", start, end) + 1 or end
    edits.append((close, close, addition))
    for first, last, replacement in sorted(edits, reverse=True):
        text = text[:first] + replacement + text[last:]
    return text


def _body(text: str, field_name: str, name: str) -> tuple[int, int]:
    """Start and end of the text between the braces of a message."""
    for field in _fields(text, 0, len(text)):
        if field.name == field_name:
            start = re.compile(r"[{<]").search(text, field.start)
            assert start is not None  # noqa: S101 (a message has braces)
            fields = {
                inner.name: text[inner.start : inner.end]
                for inner in _fields(text, start.end(), field.end - 1)
            }
            parsed = text_format.Parse(
                fields["name"], getattr(schema_pb2.Schema(), field_name).add()
            )
            if parsed.name == name:
                return start.end(), field.end - 1
    raise KeyError(name)


def _fields(text: str, start: int, end: int) -> Iterator[_Field]:
    """The fields of the message whose body is the text from `start` to `end`."""
    name, first, depth = "", 0, 0
    for token in _TOKEN.finditer(text, start, end):
        word = token.group()
        if word.startswith("#"):
            continue
        if not name:
            name, first = word.rstrip(":"), token.start()
            continue
        depth += (word in "{<[") - (word in "}>]")
        if depth == 0 and word != ":":
            yield _Field(name, first, token.end())
            name = ""


def _whole_line(text: str, field: _Field) -> tuple[int, int]:
    """A field with its whole line, unless other fields share the line."""
    start = text.rfind("\n", 0, field.start) + 1
    end = _line_end(text, field.end)
    rest = text[field.end : end].strip()
    if text[start : field.start].strip() or (rest and not rest.startswith("#")):
        return field.start, field.end
    return start, end + 1


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
