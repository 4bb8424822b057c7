"""Outcome of each file, or of each span of a reader: written by the workers, then checked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from tfxkit.components.example_gen import repeats
from tfxkit.components.example_gen.splits import Splits
from tfxkit.errors import DataError
from tfxkit.storage.examples_artifact import LEFT_OUT
from tfxkit.storage.filesystems import fileio

_SHOWN = 3  # files with errors in a message


def merged(outcomes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Outcome of a file, from the outcomes of its parts or of some of them.

    Args:
        outcomes: Of parts of the same file, in the form that `write` takes.
    """
    parts = list(outcomes)
    splits = dict.fromkeys(split for part in parts for split in part["rows"])
    return {
        "file": parts[0]["file"],
        "rows": {split: sum(part["rows"].get(split, 0) for part in parts) for split in splits},
        LEFT_OUT: sum(part[LEFT_OUT] for part in parts),
        "error": min((part["error"] for part in parts if part["error"]), default=None),
        "sketch": repeats.merged(part["sketch"] for part in parts),
    }


def write(outcomes: list[dict[str, Any]], path: str) -> None:
    """Writes the outcomes, with the share of repeated rows.

    Args:
        outcomes: Of each file `file`, `rows` by split, `left_out`, `error` or None, and `sketch`:
            see `repeats`. Spans of a reader take the place of files; they have `guessed`, too: the
            types of columns that the schema lacks.
        path: Where to write `{"repeated_share", "files": [...]}`, the same without sketches.
    """
    share = repeats.repeated_share(outcome["sketch"] for outcome in outcomes)
    files = [
        {key: value for key, value in outcome.items() if key != "sketch"}
        for outcome in sorted(outcomes, key=lambda outcome: outcome["file"])
    ]
    with fileio.open(path, "w") as file:
        json.dump({"repeated_share": share, "files": files}, file, indent=1)


def check(path: str, splits: Splits) -> int:
    """Checks the outcomes.

    Returns:
        The number of rows left out.

    Raises:
        DataError: If a file or span could not be read, if a span or a split has no rows, or if
            spans disagree about a column.
    """
    with fileio.open(path, "r") as file:
        outcomes = json.loads(file.read())["files"]
    errors = [outcome["error"] for outcome in outcomes if outcome["error"]]
    if errors:
        more = [f"Errors in {len(errors) - _SHOWN} more."] if len(errors) > _SHOWN else []
        raise DataError("\n\n".join(errors[:_SHOWN] + more))
    _check_spans(outcomes)
    _check_guesses(outcomes)
    rows = {name: sum(o["rows"][name] for o in outcomes) for name in splits.names}
    left_out = sum(outcome[LEFT_OUT] for outcome in outcomes)
    empty = [name for name, count in rows.items() if not count]
    if empty:
        rest = f" {left_out} more have no label and are left out." if left_out else ""
        raise DataError(
            f"No rows for split {', '.join(empty)}: the spans have {sum(rows.values())} rows, cut "
            f"into {splits.how}.{rest}\n{splits.remedy}"
        )
    return left_out


def _check_spans(outcomes: list[dict[str, Any]]) -> None:
    """A span of headers alone is a delivery that failed; a single file of it may have no rows."""
    rows: dict[str, int] = {}
    for outcome in outcomes:
        span = os.path.dirname(outcome["file"]) or outcome["file"]
        rows[span] = rows.get(span, 0) + sum(outcome["rows"].values()) + outcome[LEFT_OUT]
    empty = [span for span, count in rows.items() if not count]
    if empty and len(empty) < len(rows):
        raise DataError(
            f"{', '.join(empty)} has no rows: there is nothing below the names of the columns.\n"
            "Deliver it again, or remove the folder."
        )


def _check_guesses(outcomes: list[dict[str, Any]]) -> None:
    """One column has one type; files agree on it beforehand (`reading.widest_types`)."""
    first: dict[str, tuple[str, str]] = {}
    for outcome in outcomes:
        for name, type_name in outcome.get("guessed", {}).items():
            other, span = first.setdefault(name, (type_name, outcome["file"]))
            if type_name != other:
                raise DataError(
                    f"The column {name}, which configs/schema.pbtxt lacks, is {other} in {span} "
                    f"and {type_name} in {outcome['file']}.\n"
                    "Give it the same type in all spans, or leave it out."
                )
