"""The text of `configs/dataset.yaml`: what was decided, with the reason of each choice."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from tfxkit.config.dataset import Role
from tfxkit.onboarding.plan import Plan
from tfxkit.onboarding.roles import Decision

_WIDTH = 100


def text(plan: Plan) -> str:
    """Writes the file."""
    parts = [_head(plan), _label(plan), _columns(plan), _evaluation(plan), _validation(plan)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def scalar(value: Any) -> str:
    """A value as YAML on one line, in quotes where it needs them."""
    broken = isinstance(value, str) and len(value.splitlines()) > 1  # as only these quotes take it
    dumped = yaml.safe_dump(
        value,
        default_flow_style=True,
        default_style='"' if broken else None,
        allow_unicode=True,
        width=float("inf"),
        sort_keys=False,
    )
    return dumped.removesuffix("...\n").strip()


def key(name: str) -> str:
    """A name as a key of YAML."""
    return scalar(name)


def comment(line: str, indent: str = "") -> list[str]:
    """Lines of a comment; a line break of the data's own is none here."""
    return textwrap.wrap(
        " ".join(line.split()),
        _WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _head(plan: Plan) -> list[str]:
    rows = f"{plan.label.rows:,} rows and {len(plan.columns):,} columns"
    return [
        "# The data, described once: features, model inputs, evaluation and data gate all read",
        "# this file. Proposed by `python -m pipeline init`; change what you know better.",
        "#",
        f"# What it saw: {rows}.",
    ]


def _label(plan: Plan) -> list[str]:
    label = plan.target.label
    lines = [line for why in plan.target.why for line in comment(why)]
    lines += [f"task: {plan.target.task}", "", "label:", f"  column: {scalar(label.column)}"]
    if label.positive is not None:
        lines.append(f"  positive: {scalar(label.positive)}")
    if label.missing != "refuse":
        lines.append(f"  missing: {label.missing} # {plan.label.missing:,} rows have none")
    if label.classes:
        lines += ["  classes:"]
        lines += [
            f"    - {scalar(value)} # {plan.target.counts.get(value, 0):,} rows"
            for value in label.classes
        ]
    return lines


def _columns(plan: Plan) -> list[str]:
    lines = ["columns:"]
    for name, decision in plan.roles.items():
        if decision.role is not Role.IGNORED:
            lines += _column(name, decision)
    ignored = {name: one for name, one in plan.roles.items() if one.role is Role.IGNORED}
    if ignored:
        lines += ["", "  # Left out. Give a column another role to use it."]
    for name, decision in ignored.items():
        lines += [f"  {key(name)}:", "    role: ignored", f"    why: {scalar(decision.why)}"]
    return lines


def _column(name: str, decision: Decision) -> Iterator[str]:
    options = {"role": str(decision.role), **decision.options}
    yield f"  {key(name)}: {scalar(options)} # {' '.join(decision.why.split())}"


def _evaluation(plan: Plan) -> list[str]:
    lines = [
        "# When a model is good enough to be served, measured on the eval split. The thresholds",
        "# are just beyond what a model without any knowledge of the columns reaches: raise them",
        "# once you know what is possible.",
        "evaluation:",
    ]
    if plan.slices:
        lines += ["  slices: # few values, with enough rows each"]
        lines += [f"    - {scalar([name])}" for name in plan.slices]
    else:
        lines += ["  slices: [] # no column of few values has enough rows of each"]
    lines += ["  thresholds:"]
    lines += [
        f"    {metric}: {scalar(dict(bound.values))} # {bound.why}"
        for metric, bound in plan.thresholds.items()
    ]
    return lines


def _validation(plan: Plan) -> list[str]:
    lines = ["validation:", "  stop_at: error # warning, error or never"]
    if not plan.drift:
        return [*lines, "  drift: {} # so few rows move by chance alone as far as any threshold"]
    lines += [
        "  # How far a column may move from the data that the served model was trained on; with so",
        "  # many rows chance alone does not get there.",
        "  drift:",
    ]
    return lines + [
        f"    {key(name)}: {scalar({kind: bound})}" for name, (kind, bound) in plan.drift.items()
    ]
