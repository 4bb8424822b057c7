"""Base of all descriptions and settings: validated once, immutable, merged from trees."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import Any

import pydantic

from tfxkit.config.secrets import SECRET_PROBLEM

__all__ = ["Frozen"]


class Frozen(pydantic.BaseModel):
    """Base class of settings: immutable, refuses unknown keys."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


def explain(problem: Any, root: type[pydantic.BaseModel]) -> str:
    """Describes a problem that pydantic reports in one line, with the nearest known key."""
    path = ".".join(str(part) for part in problem["loc"])
    if not path:
        return problem_message(problem)  # of the whole, which names its subject itself
    if problem["type"] != "extra_forbidden":
        is_shown = not isinstance(problem["input"], Mapping) and problem["type"] != SECRET_PROBLEM
        value = f" (it is {problem['input']!r})" if is_shown else ""
        return f"{path}: {problem_message(problem)}{value}"
    parent, key = problem["loc"][:-1], str(problem["loc"][-1])
    known = _known_keys(root, parent)
    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"{path}: unknown key; {hint}"


def problem_message(problem: Any) -> str:
    """Message of a problem, without the prefix that pydantic adds to those of validators."""
    text: str = problem["msg"]
    return text.removeprefix("Value error, ")


def _known_keys(annotation: Any, path: tuple[Any, ...]) -> list[str]:
    """Field names of the model that a path leads to from a model or another annotation."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        if not path:
            return list(annotation.model_fields)
        field = annotation.model_fields.get(str(path[0]))
        return _known_keys(field.annotation, path[1:]) if field else []
    rest = path[1:] if typing.get_origin(annotation) in (dict, tuple) else path
    return [key for part in typing.get_args(annotation) for key in _known_keys(part, rest)]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lays one tree over another: mappings are merged, everything else is replaced.

    `null` removes a whole mapping of the base.
    """
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        elif value is None and isinstance(merged.get(key), Mapping):
            del merged[key]
        else:
            merged[key] = value
    return merged
