"""What changed in configuration, code and versions."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from tfxkit.report.comparison.pair import Pair
from tfxkit.report.masking import masked
from tfxkit.runs.lineage import code_hash_of
from tfxkit.runs.summary import Summary

_NOT_SET = "not set"
_ARGUMENTS = {"from": "--from", "to": "--to"}

# What, older, newer.
Change = tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The section.

    Attributes:
        config: The keys with another value, values of secret ones masked.
        same_keys: How many keys have the same value in both.
        commits: Of the older and the newer run.
        code: The steps that ran other code, by the hash of the project's code in each.
        same_code: How many steps ran the same.
        versions: The packages of another version.
    """

    config: list[Change]
    same_keys: int
    commits: tuple[str, str]
    code: list[Change]
    same_code: int
    versions: list[Change]


def make(pair: Pair) -> Settings:
    """Collects the section."""
    older, newer = pair.older.summary, pair.newer.summary
    config, same_keys = key_changes(older, newer)
    codes = [
        {name: code_hash_of(step.parameters) for name, step in run.steps.items()}
        for run in (pair.older, pair.newer)
    ]
    both = [name for name in codes[1] if codes[0].get(name) and codes[1][name]]
    other = [name for name in both if codes[0][name] != codes[1][name]]
    return Settings(
        config=config,
        same_keys=same_keys,
        commits=(older.commit or "not known", newer.commit or "not known"),
        code=[(name, str(codes[0][name]), str(codes[1][name])) for name in other],
        same_code=len(both) - len(other),
        versions=[
            (name, older.versions.get(name, "–"), newer.versions.get(name, "–"))
            for name in {**older.versions, **newer.versions}
            if older.versions.get(name) != newer.versions.get(name)
        ],
    )


def key_changes(older: Summary, newer: Summary) -> tuple[list[Change], int]:
    """The keys of the configuration whose values differ, and how many do not.

    Secret values are masked, so that both sides may read alike.
    """
    before, after = dict(_values(older)), dict(_values(newer))
    keys = {**before, **after}
    changed = [
        (key, _text(before, key), _text(after, key))
        for key in keys
        if (key in before, before.get(key, (None,))[0])
        != (key in after, after.get(key, (None,))[0])
    ]
    return changed, len(keys) - len(changed)


def _values(summary: Summary) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Key with dots -> its value, and the value to show."""
    shown = dict(_leaves(masked(summary.config)))
    for key, value in _leaves(summary.config):
        yield key, (value, shown[key])
    for name, option in _ARGUMENTS.items():
        if value := summary.arguments.get(name):
            yield option, (value, value)


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def _text(values: dict[str, tuple[Any, Any]], key: str) -> str:
    if key not in values:
        return _NOT_SET
    shown = values[key][1]
    return shown if isinstance(shown, str) and shown else json.dumps(shown, ensure_ascii=False)
