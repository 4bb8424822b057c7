"""The results of `speed.py` as Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

_SHORT_S = 0.5  # a pace of steps as short as this says nothing
_WHOLE = (("whole run, s", "seconds"), ("CPU, s", "cpu_seconds"), ("peak memory, MiB", "peak_mib"))


def markdown(report: dict[str, Any]) -> str:
    """A table for each number of rows.

    Args:
        report: As `speed.py` writes it.
    """
    measured = [result for result in report["results"] if "ours" in result]
    tables = [_table(result) for result in measured]
    return "\n".join([f"On {report['machine']}.", *tables, *_growth(measured)])


def _growth(measured: list[dict[str, Any]]) -> list[str]:
    """Growth of time and memory from each number of rows to the next."""
    lines = []
    for few, many in itertools.pairwise(measured):
        before, after = few["ours"]["whole"], many["ours"]["whole"]
        rows, seconds = many["rows"] / few["rows"], after["seconds"] / before["seconds"]
        lines.append(
            f"From {few['rows']:,} to {many['rows']:,} rows: {rows:.0f} times the rows, "
            f"{seconds:.1f} times the seconds, "
            f"{after['peak_mib'] / before['peak_mib']:.2f} times the memory.\n"
        )
    return lines


def _table(result: dict[str, Any]) -> str:
    rows, ours, stock = result["rows"], result["ours"], result.get("stock")
    lines = [f"\n**{rows:,} rows**, AUC {ours['auc']:.4f}\n"]
    lines += ["| | stock | ours | ratio | rows a second, stock | ours | peak MiB, stock | ours |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for label, key in _WHOLE:
        line = [ours["whole"][key], stock and stock["whole"][key]]
        lines.append(_line(label, *line, rows if key == "seconds" else None))
    names = [
        *ours["steps"],
        *(n for n in (stock or {"steps": {}})["steps"] if n not in ours["steps"]),
    ]
    for name in names:
        steps = ours["steps"].get(name), stock and stock["steps"].get(name)
        seconds, peaks = ([step and step[key] for step in steps] for key in ("seconds", "peak_mib"))
        lines.append(_line(f"{name}, s", *seconds, rows, peaks))
    for label in ("second run", "nothing changed"):
        lines.append(_line(f"{label}, s", ours[label]["seconds"], None, None))
    return "\n".join(lines) + "\n"


def _line(
    label: str,
    ours: float | None,
    stock: float | None,
    rows: int | None,
    peaks: Sequence[float | None] = (None, None),
) -> str:
    ratio = f"{stock / ours:.1f}" if ours and stock and ours > 0 else ""
    paces = [f"{rows / s:,.0f}" if rows and s and s > _SHORT_S else "" for s in (stock, ours)]
    memory = ["" if one is None else f"{one:,.0f}" for one in reversed(peaks)]
    seconds = ["" if one is None else f"{one:,.1f}" for one in (stock, ours)]
    return f"| {' | '.join([label, *seconds, ratio, *paces, *memory])} |"
