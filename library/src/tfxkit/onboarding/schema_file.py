"""Text of schema.pbtxt for a data set, which holds later data to its present form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.dataset import Role
from tfxkit.runs.schema import field_lines

if TYPE_CHECKING:  # these import TFDV
    from tfxkit.onboarding.plan import Plan
    from tfxkit.onboarding.profile import Profile

# Tolerated decrease of the share of rows with a value: gaps come and go.
_GAPS = 0.05
# A closed set has few and frequent values; this share of the rows must have one of them.
_CLOSED, _CLOSED_MIN_ROWS, _DOMAIN_MASS = 20, 10, 0.9
_SCHEMA_HEAD = """\
# The schema that data must match. Proposed by `python -m pipeline init`; review it, since no run
# infers it again. ExampleGen takes the type of each column from here, and ExampleValidator checks
# every split of every run. `python -m pipeline schema diff` shows where new data departs from it,
# `python -m pipeline schema accept` writes an agreed change into this file.
#
#   type         INT (int64), FLOAT (float32) or BYTES (text, UTF-8)
#   presence     the least share of rows with a value: somewhat below that of now (in brackets)
#   domain       the values of the label's classes, and of a column that seems to have a closed set
#   environment  the label is in TRAINING, never in SERVING

default_environment: "TRAINING"
default_environment: "SERVING"
"""


def schema_text(plan: Plan) -> str:
    """Types of all columns, their presence, and the domains of the label and of closed sets."""
    blocks = [_SCHEMA_HEAD.rstrip()]
    domains: list[schema_pb2.StringDomain] = []
    for name, column in plan.columns.items():
        if not column.is_readable:
            continue
        feature = schema_pb2.Feature(
            name=name,
            type=schema_pb2.FeatureType.Value(column.type),
            value_count=schema_pb2.ValueCount(min=1, max=1),
        )
        is_label = name == plan.target.label.column
        ignored = not is_label and plan.roles[name].role is Role.IGNORED
        _set_presence(feature, column, is_label, ignored, plan.in_eval)
        if is_label:
            feature.not_in_environment.append("SERVING")
            domains += _set_label_domain(feature, plan)
        if not ignored and column.type == "FLOAT":
            feature.float_domain.disallow_inf = True
        if not ignored and not is_label and _is_closed(column):
            feature.domain = name
            feature.distribution_constraints.min_domain_mass = _DOMAIN_MASS
            values = column.inferred.reading and column.inferred.reading.truth
            domains.append(
                schema_pb2.StringDomain(name=name, value=values or sorted(column.counts()))
            )
        note = "the label" if is_label else "ignored: not checked" if ignored else ""
        blocks.append("\n".join(_feature_lines(feature, column, note)))
    for domain in domains:
        blocks.append("\n".join(["string_domain {", *_field_lines(domain), "}"]))
    return "\n".join([blocks[0] + "\n", *blocks[1:]]) + "\n"


def _set_label_domain(feature: schema_pb2.Feature, plan: Plan) -> Iterator[schema_pb2.StringDomain]:
    """Limits a label of classes to those that the data has; yields the domain of text."""
    if not (values := list(plan.target.counts)):
        return
    if feature.type == schema_pb2.BYTES:
        feature.domain = feature.name
        feature.distribution_constraints.min_domain_mass = 1.0
        yield schema_pb2.StringDomain(name=feature.name, value=sorted(values))
        return
    numbers = [float(value) for value in values]
    if feature.type == schema_pb2.INT:
        feature.int_domain.min, feature.int_domain.max = int(min(numbers)), int(max(numbers))
    else:
        feature.float_domain.min, feature.float_domain.max = min(numbers), max(numbers)


def _set_presence(
    feature: schema_pb2.Feature,
    column: Profile,
    is_label: bool,
    ignored: bool,
    in_eval: NDArray[np.bool_] | None,
) -> None:
    share = column.present / column.rows
    if in_eval is not None:  # the gate checks each split
        present = column.values.is_valid().to_numpy(zero_copy_only=False)
        share = min(present[in_eval].mean(), present[~in_eval].mean())
    feature.presence.min_count = 0 if ignored else 1
    if is_label:
        feature.presence.min_fraction = 1.0
    elif not ignored:
        chance = 3 * math.sqrt(share * (1 - share) / (column.rows / 3))
        feature.presence.min_fraction = max(round(share - max(_GAPS, chance), 2), 0.0)


def _is_closed(column: Profile) -> bool:
    if column.type != "BYTES" or column.distinct > _CLOSED:
        return False
    if column.inferred.reading and column.inferred.reading.truth:
        return True
    return min(column.counts().values(), default=0) >= _CLOSED_MIN_ROWS


def _feature_lines(feature: schema_pb2.Feature, column: Profile, note: str) -> Iterator[str]:
    seen = f"[{column.present / column.rows:.1%}]" if column.missing else ""
    remark = " ".join(filter(None, (note, seen)))
    yield "feature {" + (f"  # {remark}" if remark else "")
    yield from _field_lines(feature)
    yield "}"


def _field_lines(message: schema_pb2.Feature | schema_pb2.StringDomain) -> Iterator[str]:
    for line in field_lines(message):
        yield f"  {line}"
