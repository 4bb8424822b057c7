"""Says in one line what pydantic found wrong with a configuration, and the nearest known key."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import Any

import pydantic

from tfxkit.config.secrets import SECRET_PROBLEM


def explain(problem: Any, root: type[pydantic.BaseModel]) -> str:
    """One line for one of pydantic's problems, with the nearest known key for an unknown one."""
    path = ".".join(str(part) for part in problem["loc"])
    if not path:
        return message(problem)  # of the whole, which says itself what it is about
    if problem["type"] != "extra_forbidden":
        is_shown = not isinstance(problem["input"], Mapping) and problem["type"] != SECRET_PROBLEM
        value = f" (it is {problem['input']!r})" if is_shown else ""
        return f"{path}: {message(problem)}{value}"
    parent, key = problem["loc"][:-1], str(problem["loc"][-1])
    known = _known_keys(root, parent)
    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"{path}: unknown key; {hint}"


def message(problem: Any) -> str:
    """The problem, without the prefix that pydantic puts before messages of our own checks."""
    text: str = problem["msg"]
    return text.removeprefix("Value error, ")


def _known_keys(annotation: Any, path: tuple[Any, ...]) -> list[str]:
    """The field names of the model that a path leads to from a model or another annotation."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        if not path:
            return list(annotation.model_fields)
        field = annotation.model_fields.get(str(path[0]))
        return _known_keys(field.annotation, path[1:]) if field else []
    rest = path[1:] if typing.get_origin(annotation) in (dict, tuple) else path
    return [key for part in typing.get_args(annotation) for key in _known_keys(part, rest)]
