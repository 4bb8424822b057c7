"""The text of `configs/schema.pbtxt`: what data is held to from now on."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.dataset import Role
from tfxkit.onboarding.plan import Plan
from tfxkit.onboarding.profile import Profile
from tfxkit.runs.schema import field_lines

# How much rarer a column may be filled than it is now: gaps come and go.
_GAPS = 0.05
# A closed set has few values, each of them often; that share of the rows must have one of them.
_CLOSED, _CLOSED_MIN_ROWS, _DOMAIN_MASS = 20, 10, 0.9

_HEAD = """\
# What the data must look like. Proposed by `python -m pipeline init`, from then on yours: no run
# infers it anew. ExampleGen takes the type of each column from here, and ExampleValidator holds
# every split of every run to it. `python -m pipeline schema diff` shows where new data departs,
# `python -m pipeline schema accept` writes an agreed change into this file.
#
#   type         INT (int64), FLOAT (float32) or BYTES (text, UTF-8)
#   presence     the least share of rows with a value: somewhat below what was seen (in brackets)
#   domain       the values of a column that seems to have a closed set of them
#   environment  the label is in TRAINING, never in SERVING

default_environment: "TRAINING"
default_environment: "SERVING"
"""


def text(plan: Plan) -> str:
    """Writes the file."""
    blocks = [_HEAD.rstrip()]
    domains = []
    for name, column in plan.columns.items():
        feature = schema_pb2.Feature(
            name=name,
            type=schema_pb2.FeatureType.Value(column.type),
            value_count=schema_pb2.ValueCount(min=1, max=1),
        )
        is_label = name == plan.target.label.column
        ignored = not is_label and plan.roles[name].role is Role.IGNORED
        _set_presence(feature, column, is_label, ignored)
        if is_label:
            feature.not_in_environment.append("SERVING")
        if not ignored and column.type == "FLOAT":
            feature.float_domain.disallow_inf = True
        if not ignored and not is_label and _is_closed(column):
            feature.domain = name
            feature.distribution_constraints.min_domain_mass = _DOMAIN_MASS
            domains.append(schema_pb2.StringDomain(name=name, value=sorted(column.counts())))
        note = "the label" if is_label else "left out: not checked" if ignored else ""
        blocks.append("\n".join(_feature(feature, column, note)))
    for domain in domains:
        blocks.append("\n".join(["string_domain {", *_fields(domain), "}"]))
    return "\n".join([blocks[0] + "\n", *blocks[1:]]) + "\n"


def _set_presence(
    feature: schema_pb2.Feature, column: Profile, is_label: bool, ignored: bool
) -> None:
    share = column.present / column.rows
    feature.presence.min_count = 0 if ignored else 1
    if is_label:
        feature.presence.min_fraction = 1.0
    elif not ignored:
        chance = 3 * math.sqrt(share * (1 - share) / (column.rows / 3))
        feature.presence.min_fraction = max(round(share - max(_GAPS, chance), 2), 0.0)


def _is_closed(column: Profile) -> bool:
    if column.type != "BYTES" or column.distinct > _CLOSED:
        return False
    return min(column.counts().values(), default=0) >= _CLOSED_MIN_ROWS


def _feature(feature: schema_pb2.Feature, column: Profile, note: str) -> Iterator[str]:
    seen = f"[{column.present / column.rows:.1%}]" if column.missing else ""
    remark = " ".join(filter(None, (note, seen)))
    yield "feature {" + (f"  # {remark}" if remark else "")
    yield from _fields(feature)
    yield "}"


def _fields(message: schema_pb2.Feature | schema_pb2.StringDomain) -> Iterator[str]:
    for line in field_lines(message):
        yield f"  {line}"
