"""Holds objects of Kubernetes to its API, as the models of the official client describe it.

A validator from a package of its own (kubernetes-validate) would be imported by that client, and so
by TFX, in each run of the pipeline on a developer's machine: 1.5 s, most of it a grammar of IRIs.
"""

from __future__ import annotations

import re
from typing import Any

from kubernetes import client

PLAIN = {"str": str, "int": int, "float": (int, float), "bool": bool, "object": object}
QUANTITIES = ("limits", "requests", "capacity")  # dict(str, str) to the client, numbers as well


def check(document: dict[str, Any]) -> None:
    """Checks keys, types and required keys.

    Raises:
        ValueError: If Kubernetes would refuse the object, or ignore a key of it.
    """
    version = document["apiVersion"].rpartition("/")[2]
    _build(document, f"{version[0].upper()}{version[1:]}{document['kind']}", document["kind"])


def _build(value: Any, kind: str, path: str) -> Any:
    if value is None:
        return None
    if match := re.fullmatch(r"list\[(.+)\]", kind):
        _expect(value, list, path)
        return [_build(item, match[1], f"{path}[{i}]") for i, item in enumerate(value)]
    if match := re.fullmatch(r"dict\(str, (.+)\)", kind):
        _expect(value, dict, path)
        quantity = path.rpartition(".")[2] in QUANTITIES
        return {
            key: _build(item, "object" if quantity else match[1], f"{path}.{key}")
            for key, item in value.items()
        }
    model = getattr(client, kind, None)
    if model is None:
        _expect(value, PLAIN.get(kind, str), path)  # a date is a text in YAML
        return value
    _expect(value, dict, path)
    names = {key: name for name, key in model.attribute_map.items()}
    if unknown := value.keys() - names.keys():
        raise ValueError(f"{path} has no key {', '.join(sorted(unknown))}")
    arguments = {
        names[key]: _build(item, model.openapi_types[names[key]], f"{path}.{key}")
        for key, item in value.items()
    }
    try:
        return model(**arguments)
    except ValueError as error:  # a key that is required, or a value that is not one of several
        raise ValueError(f"{path}: {error}") from error


def _expect(value: Any, kind: Any, path: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{path} cannot be {value!r}")
