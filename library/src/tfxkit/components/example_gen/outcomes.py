"""Outcomes of files, or of spans of a reader: rows by split, errors, share of repeated rows.

Repeated rows are estimated in one pass and in little memory: of all the hashes of rows, the
smallest are kept, each with its number of rows. As hashes are random, these are a sample of the
distinct rows, and their counts estimate how often a row occurs.
"""

from __future__ import annotations

import heapq
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from tfxkit.components.example_gen.splits import Splits
from tfxkit.errors import DataError
from tfxkit.storage.artifacts import INGESTED, LEFT_OUT, ROUNDED
from tfxkit.storage.filesystems import fileio

# Hashes in a sketch. The standard error of an estimate of 0.5 is 0.015; with fewer distinct rows,
# the share is exact.
SKETCH_SIZE = 1024
_SHOWN = 3  # files with errors in a message

Sketch = dict[str, int]  # number of rows by hash in hexadecimal digits


def merge_outcomes(outcomes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Merges the outcomes of parts of a file.

    Args:
        outcomes: Of parts of the same file, in the form that `write_outcomes` takes.
    """
    parts = list(outcomes)
    splits = dict.fromkeys(split for part in parts for split in part["rows"])
    return {
        "file": parts[0]["file"],
        "rows": {split: sum(part["rows"].get(split, 0) for part in parts) for split in splits},
        LEFT_OUT: sum(part[LEFT_OUT] for part in parts),
        "error": min((part["error"] for part in parts if part["error"]), default=None),
        "sketch": merge_sketches(part["sketch"] for part in parts),
        ROUNDED: {name: pair for part in parts for name, pair in part[ROUNDED].items()},
        INGESTED: next((part[INGESTED] for part in parts if part.get(INGESTED)), None),
    }


def write_outcomes(outcomes: list[dict[str, Any]], path: str) -> None:
    """Writes the outcomes, with the share of repeated rows.

    Args:
        outcomes: For each file `file`, `rows` by split, `left_out`, `error` or None, `rounded`
            (`columns.Rounded`), `sketch` (`Repeats.sketch`), and `ingested`, the provenance in the
            file or None. Spans of a reader take the place of files, and have `guessed`, too: the
            types of columns that the schema lacks.
        path: File to write: `{"repeated_share", "files": [...]}`, the outcomes without sketches.
    """
    share = repeated_share(outcome["sketch"] for outcome in outcomes)
    files = [
        {key: value for key, value in outcome.items() if key != "sketch"}
        for outcome in sorted(outcomes, key=lambda outcome: outcome["file"])
    ]
    with fileio.open(path, "w") as file:
        json.dump({"repeated_share": share, "files": files}, file, indent=1)


def check_outcomes(path: str, splits: Splits) -> int:
    """Checks the outcomes that `write_outcomes` wrote.

    Returns:
        Number of rows left out.

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
            f"into {splits.description}.{rest}\n{splits.remedy}"
        )
    return left_out


def _check_spans(outcomes: list[dict[str, Any]]) -> None:
    """Refuses spans without rows, as failed deliveries; a single file of a span may have none."""
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
    """Refuses spans that differ in the type of a column; files cannot (`tables.widest_types`)."""
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


class Repeats:
    """Counts rows by their hashes, and keeps the smallest of these."""

    def __init__(self) -> None:
        """Starts without rows."""
        self._counts: dict[int, int] = {}
        self._largest: list[int] = []  # a heap of the negative hashes

    def add(self, row_hash: int, times: int = 1) -> None:
        """Counts a row."""
        if row_hash in self._counts:
            self._counts[row_hash] += times
        elif len(self._counts) < SKETCH_SIZE:
            self._counts[row_hash] = times
            heapq.heappush(self._largest, -row_hash)
        elif row_hash < -self._largest[0]:
            del self._counts[-heapq.heappushpop(self._largest, -row_hash)]
            self._counts[row_hash] = times

    def add_all(self, row_hashes: Iterable[int]) -> None:
        """Counts rows."""
        for row_hash in row_hashes:
            self.add(row_hash)

    def sketch(self) -> Sketch:
        """Counts of the hashes kept, to be merged with those of other files."""
        return {f"{row_hash:x}": times for row_hash, times in self._counts.items()}


def merge_sketches(sketches: Iterable[Mapping[str, int]]) -> Sketch:
    """Merges sketches of parts of the data.

    Nothing is lost: a hash among the smallest of all is among the smallest of each part with it.
    """
    whole = Repeats()
    for sketch in sketches:
        for digits, times in sketch.items():
            whole.add(int(digits, 16), times)
    return whole.sketch()


def repeated_share(sketches: Iterable[Mapping[str, int]]) -> float:
    """Share of rows that repeat another row.

    Args:
        sketches: Sketches of all parts of the data.

    Returns:
        0 if all rows are different, 0.5 if each of them occurs twice.
    """
    counts = merge_sketches(sketches).values()
    return 1.0 - len(counts) / sum(counts) if counts else 0.0
