"""The results of `speed.py` as Markdown."""

from __future__ import annotations

from typing import Any

_SHORT_S = 0.5  # a pace of steps as short as this says nothing
_WHOLE = (("whole run, s", "seconds"), ("CPU, s", "cpu_seconds"), ("peak memory, MiB", "peak_mib"))


def markdown(report: dict[str, Any]) -> str:
    """A table for each number of rows.

    Args:
        report: As `speed.py` writes it.
    """
    tables = [_table(result) for result in report["results"] if "ours" in result]
    return "\n".join([f"On {report['machine']}.", *tables])


def _table(result: dict[str, Any]) -> str:
    rows, ours, stock = result["rows"], result["ours"], result.get("stock")
    lines = [f"\n**{rows:,} rows**, AUC {ours['auc']:.4f}\n"]
    lines += ["| | stock | ours | ratio | rows a second |", "| --- | --- | --- | --- | --- |"]
    for label, key in _WHOLE:
        line = [ours["whole"][key], stock and stock["whole"][key]]
        lines.append(_line(label, *line, rows if key == "seconds" else None))
    names = [
        *ours["steps"],
        *(n for n in (stock or {"steps": {}})["steps"] if n not in ours["steps"]),
    ]
    for name in names:
        theirs = stock and stock["steps"].get(name)
        lines.append(_line(f"{name}, s", ours["steps"].get(name), theirs, rows))
    for label in ("second run", "nothing changed"):
        lines.append(_line(f"{label}, s", ours[label]["seconds"], None, None))
    return "\n".join(lines) + "\n"


def _line(label: str, ours: float | None, stock: float | None, rows: int | None) -> str:
    ratio = f"{stock / ours:.1f}" if ours and stock and ours > 0 else ""
    pace = f"{rows / ours:,.0f}" if rows and ours and ours > _SHORT_S else ""
    cells = [label, *("" if one is None else f"{one:,.1f}" for one in (stock, ours)), ratio, pace]
    return f"| {' | '.join(cells)} |"
