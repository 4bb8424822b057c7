"""Writes changes into the text of a schema and leaves all else as it is, comments included.

`text_format.MessageToString` would lose the comments, which in a reviewed schema are half of it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import schema_pb2

# What may stand between and in fields: comments, strings, braces.
_TOKEN = re.compile(
    r"""\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}<>\[\]]|[^\s{}<>\[\]"'#]+"""
)
_INDENT = "  "


@dataclasses.dataclass(frozen=True)
class _Field:
    """One field of a message in text, from its name to the end of its value."""

    name: str
    start: int
    end: int


def with_changes(text: str, old: schema_pb2.Schema, new: schema_pb2.Schema) -> str:
    """Rewrites the features and string domains that differ, and adds those that are new.

    Args:
        text: The schema as a person wrote it.
        old: What it says.
        new: What it shall say. It must hold all features and string domains of `old`, and may
            differ in nothing but features and string domains.

    Returns:
        The text that says `new`.
    """
    for kind in ("feature", "string_domain"):
        before = {message.name: message for message in getattr(old, kind)}
        for message in getattr(new, kind):
            if message.name not in before:
                text = _append(text, kind, message)
            elif message != before[message.name]:
                text = _change(text, kind, message)
    if text_format.Parse(text, schema_pb2.Schema()) != new:
        raise AssertionError("the text of the schema says something else than it should")
    return text


def one_line(message: Message) -> str:
    """A message's fields as text on one line."""
    return str(text_format.MessageToString(message, as_one_line=True))


def field_lines(message: Message) -> list[str]:
    """A message's fields as text, one a line, repeated ones one a value."""
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
            lines.append(one_line(alone))
    return lines


def _append(text: str, kind: str, message: Message) -> str:
    """Behind the last message of the same kind, or at the end."""
    block = "\n".join([f"{kind} {{", *(_INDENT + line for line in field_lines(message)), "}"])
    same = [field for field in _fields(text, 0, len(text)) if field.name == kind]
    if not same:
        return f"{text.rstrip()}\n\n{block}\n"
    end = _line_end(text, same[-1].end)
    return f"{text[:end]}\n{block}{text[end:]}"


def _change(text: str, kind: str, message: Message) -> str:
    """Within the message of the same name, field by field."""
    start, end = _body(text, kind, message.name)
    wanted = field_lines(message)
    edits: list[tuple[int, int, str]] = []
    replaced = {line.split(None, 1)[0].rstrip(":"): line for line in wanted}
    repeated = {d.name for d in message.DESCRIPTOR.fields if d.is_repeated}
    for field in _fields(text, start, end):
        lines = field_lines(text_format.Parse(text[field.start : field.end], type(message)()))
        if all(line in wanted for line in lines):
            wanted = [line for line in wanted if line not in lines]
        elif field.name in replaced and field.name not in repeated:
            edits.append((field.start, field.end, replaced[field.name]))
            wanted.remove(replaced[field.name])
        else:
            edits.append((*_whole_line(text, field), ""))
    addition = "".join(f"{_INDENT}{line}\n" for line in wanted)
    if "\n" not in text[start:end] and addition:
        addition = "\n" + addition
    close = text.rfind("\n", start, end) + 1 or end
    edits.append((close, close, addition))
    for first, last, replacement in sorted(edits, reverse=True):
        text = text[:first] + replacement + text[last:]
    return text


def _body(text: str, kind: str, name: str) -> tuple[int, int]:
    """Text between the braces of a message."""
    for field in _fields(text, 0, len(text)):
        if field.name == kind:
            start = re.compile(r"[{<]").search(text, field.start)
            assert start is not None  # noqa: S101 (a message has braces)
            fields = {
                inner.name: text[inner.start : inner.end]
                for inner in _fields(text, start.end(), field.end - 1)
            }
            parsed = text_format.Parse(fields["name"], getattr(schema_pb2.Schema(), kind).add())
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
    """A field with its line, if it has that to itself but for a comment."""
    start = text.rfind("\n", 0, field.start) + 1
    end = _line_end(text, field.end)
    rest = text[field.end : end].strip()
    if text[start : field.start].strip() or (rest and not rest.startswith("#")):
        return field.start, field.end
    return start, end + 1


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
