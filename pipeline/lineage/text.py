"""Origins as a person reads them: a tree for one version, a table for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pipeline.lineage.origin import Made, Origin

SHORT = 12  # digits of a hash: enough to tell two apart
_STATES = {"served": "green", "kept": "", "gone": "red"}


def tree(origin: Origin) -> Tree:
    """Where a version came from."""
    head = Text(f"version {origin.version} ", "bold")
    root = Tree(head.append(f"({origin.state})", _STATES[origin.state]).append(f" {origin.path}"))
    for made in origin.pushes:
        root.add(Text(f"{_how(made)} by {_where(made)}"))
    for name, made in origin.parts.items():
        branch = root.add(Text(f"{name}: ", "bold").append(_where(made), "not bold"))
        for fact in _facts(name, made):
            branch.add(Text(fact, overflow="fold"))
    code = root.add(Text("code", "bold"))
    code.add(Text(f"git commit {origin.commit or 'not known'}"))
    hashes = {made.step: made.code for made in origin.parts.values() if made.code}
    code.add(Text(", ".join(f"{step} {value}" for step, value in hashes.items())))
    if origin.config:
        text = f": sha256 {origin.config['sha256'][:SHORT]}, in run {origin.config['run']}"
        root.add(Text("configuration", "bold").append(text, "not bold"))
    return root


def table(found: Sequence[tuple[Origin, str | None]]) -> Table:
    """Versions that came from a span, and how."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("version", "state", "trained on spans", "trained in run", "how"):
        rows.add_column(heading, no_wrap=heading != "how")
    for origin, by in found:
        rows.add_row(
            origin.version,
            Text(origin.state, _STATES[origin.state]),
            ", ".join(map(str, origin.spans)) or "–",
            origin.parts["model"].run if "model" in origin.parts else "–",
            f"started from {by}" if by else "trained on it",
        )
    return rows


def _how(made: Made) -> str:
    """What became of a version: only a roll-back and a promotion are part of no run."""
    if not made.run:
        return "served again"
    return "found to be served already" if made.facts["adopted"] else "pushed"


def _where(made: Made) -> str:
    run = f" in run {made.run}" if made.run else ""
    return f"{made.step}{run}, {made.at} (execution {made.execution})"


def _facts(name: str, made: Made) -> list[str]:
    facts = made.facts
    lines = []
    if name == "data":
        reader = f", read by {facts['reader']}" if facts["reader"] else ""
        lines.append(f"spans {_spans(facts)}{reader}")
        if rows := facts["rows"]:
            parts = ", ".join(f"{split} {count:,}" for split, count in sorted(rows.items()))
            lines.append(f"{sum(rows.values()):,} rows: {parts}")
        lines.append(f"fingerprint {facts['fingerprint']}")
    if name == "schema" and facts["sha256"]:
        lines.append(f"sha256 {facts['sha256'][:SHORT]}")
    if name == "model":
        if facts["fingerprint"]:
            lines.append(f"fingerprint {facts['fingerprint'][:SHORT]}")
        if facts["started_from"]:
            lines.append(f"started from version {facts['started_from']}")
    return [*lines, facts["uri"]]


def _spans(facts: Mapping[str, Any]) -> str:
    versions = facts["versions"] or [None] * len(facts["spans"])
    told = [
        str(span) if version is None else f"{span} (version {version})"
        for span, version in zip(facts["spans"], versions, strict=True)
    ]
    return ", ".join(told)
