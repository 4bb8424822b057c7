"""Plan of `init`: all facts and decisions about a data set, before any file is written.

Thresholds on metrics and drift are derived from trivial models and from chance. A threshold that a
useless model meets lets it be served; one that chance alone breaks stops runs for nothing. Both
depend on the number of rows, so they are computed, and written with a reason.
"""

from __future__ import annotations

import dataclasses
import math
import shlex
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tfxkit.config.data import ColumnFormat
from tfxkit.config.dataset import Role, Task
from tfxkit.errors import UsageError
from tfxkit.metrics.association import LEAK
from tfxkit.onboarding.profile import Profile, profile_columns, value_counts
from tfxkit.onboarding.roles import (
    Decision,
    decide_role,
    merged_by_float32,
    names_a_group,
    names_an_age,
)
from tfxkit.onboarding.table import Table, find_odd_number, find_sentinel
from tfxkit.onboarding.target import (
    Target,
    check_known,
    choose_column,
    choose_target,
    find_summands,
    leak_reason,
    strongest_association,
)
from tfxkit.onboarding.time_split import EVAL_SHARE, TimeSplit, choose_time_split
from tfxkit.values.reading import BLANKS

_MOST_GROUPS = 3  # of spellings
# Standard errors by which a useless model exceeds its expectation once in forty runs.
_SIGMAS = 2
# Where two standard errors are more than this part of the way to perfection, a good model on few
# rows could not pass.
_MOST_OF_THE_WAY = 0.25
# Above this share of the more frequent value, a model of use rarely beats it in accuracy: it orders
# the rows, and no row gets a probability above a half.
_MOST_UNEVEN = 0.8
_MIN_R2 = 0.05  # of the variance explained; the mean explains nothing
# Rows in the eval split that make a slice worth measuring, number of values of a column to slice
# by, and of such columns that a person reads ...
_SLICE_ROWS, _SLICE_VALUES, _MAX_SLICES = 50, range(2, 13), 2
# ... and those of columns that a person will ask for, as a model may treat groups of people unlike.
_GROUP_ROWS, _GROUP_VALUES, _MAX_GROUP_COLUMNS = 10, range(2, 61), 5
# Least limits of drift: somewhat above the drift of the sample data from year to year.
_LEAST_NORM, _LEAST_DIVERGENCE = 0.15, 0.1
_USELESS_NORM, _USELESS_DIVERGENCE = 0.5, 0.4  # a limit above stops next to nothing
_MAX_DRIFT_COLUMNS = 50
_MOST_GAPS = 0.1  # of the rows, in a column that may be a part of a sum


@dataclasses.dataclass(frozen=True)
class MetricThreshold:
    """Thresholds of a metric as in `evaluation.thresholds`, and the reason."""

    values: Mapping[str, float]
    why: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """Facts and decisions about the data.

    Attributes:
        columns: Profiles of all columns, also of the label's.
        target: The prediction target.
        roles: Roles of all columns but the label's.
        thresholds: Of metrics, see `choose_thresholds`.
        slices: Columns to evaluate by, see `choose_slices`.
        no_slices: Sentences about columns that a person will miss among them.
        time_split: Split by time, if there is a column for it.
        no_time_split: Reasons against each other column of dates.
        drift: Distance and its limit by column, see `limit_drift`.
        missing: Words that count as a missing value in every column without its own format.
        formats: Formats of single columns: words for missing values, and numbers in text.
        warnings: Suspicious facts for a person to check; a sentence or two each.
    """

    columns: Mapping[str, Profile]
    target: Target
    roles: Mapping[str, Decision]
    thresholds: Mapping[str, MetricThreshold]
    slices: tuple[str, ...]
    no_slices: tuple[str, ...]
    time_split: TimeSplit | None
    no_time_split: tuple[str, ...]
    drift: Mapping[str, tuple[str, float]]
    missing: tuple[str, ...]
    formats: Mapping[str, ColumnFormat]
    warnings: tuple[str, ...]

    @property
    def label(self) -> Profile:
        """Profile of the label's column."""
        return self.columns[self.target.label.column]

    @property
    def in_eval(self) -> NDArray[np.bool_] | None:
        """Rows of the eval split; None if they are drawn at random."""
        split = self.time_split
        return split.in_eval if split and split.active else None


def make_plan(
    table: Table,
    label: str | None = None,
    task: Task | None = None,
    missing: Sequence[str] | None = None,
    *,
    known: Sequence[str] = (),
    growing: bool = False,
) -> Plan:
    """Decides on label, task, roles and thresholds.

    Args:
        table: The data.
        label: The label's column, if the user named it.
        task: The task, if the user named it.
        missing: Words for missing values, if the user named them.
        known: Columns known at prediction time, however much they say about the label.
        growing: True for several spans, to which more will be added: a date would put all of these
            into eval.

    Raises:
        UsageError: If nothing can be learned from the data.
    """
    columns = profile_columns(
        table.columns,
        table.decimal,
        missing,
        choose_column(list(table.columns), label)[0],
        table.beyond_int64,
    )
    target = choose_target(columns, label, task)
    check_known(known, list(columns), target.label.column)
    label_column = columns[target.label.column]
    roles = {
        name: _choose_role(column, label_column, target, name in known)
        for name, column in columns.items()
        if column is not label_column
    }
    summands, sum_suspects = _sum_decisions(columns, roles, target)
    roles |= summands
    split, no_split = choose_time_split(
        columns, roles, target, whole=table.whole, active=not growing
    )
    if split and split.active:
        roles = {
            name: _without_leak(
                columns[name], columns[target.label.column], target, decision, split
            )
            for name, decision in roles.items()
        }
        split = split if roles[split.column].role is Role.TIMESTAMP else None
    _check_features(roles, target)
    markers = {word for column in columns.values() for word in column.inferred.markers}
    words = tuple(sorted(markers)) if missing is None else tuple(missing)
    features = {name: columns[name] for name in roles}
    in_eval = split.in_eval if split and split.active else None
    slices, no_slices = choose_slices(features, roles, in_eval)
    return Plan(
        columns=columns,
        target=target,
        roles=roles,
        thresholds=choose_thresholds(target, label_column, in_eval),
        slices=slices,
        no_slices=no_slices,
        time_split=split,
        no_time_split=no_split,
        drift=limit_drift(features, roles, in_eval),
        missing=words,
        formats=_formats(columns, words),
        warnings=(
            *target.warnings,
            *sum_suspects,
            *table.suspects,
            *_label_suspects(label_column, target, words),
            *_suspects(features, roles),
        ),
    )


def _check_features(roles: Mapping[str, Decision], target: Target) -> None:
    if any(decision.role is not Role.IGNORED for decision in roles.values()):
        return
    why = "\n".join(f"  {name}: {roles[name].why}" for name in list(roles)[:10])
    leaks = [shlex.quote(name) for name, decision in roles.items() if decision.kept]
    way_out = f"\nIf it is known when the prediction is made: --known {leaks[0]}" if leaks else ""
    raise UsageError(f"No column is left to predict {target.label.column!r} from:\n{why}{way_out}")


def choose_thresholds(
    target: Target, label: Profile, in_eval: NDArray[np.bool_] | None = None
) -> dict[str, MetricThreshold]:
    """Thresholds that a model without any knowledge of the columns does not meet.

    Args:
        target: The prediction target.
        label: The label's column.
        in_eval: Rows of the eval split, if they are not drawn at random.
    """
    if in_eval is None:
        rows = max(label.present * EVAL_SHARE, 1)
    else:
        rows = max(len(label.values.filter(pa.array(in_eval)).drop_null()), 1)
    if target.task is Task.REGRESSION:
        min_r2 = _round(max(_MIN_R2, _SIGMAS**2 / rows))
        spread = label.statistics.num_stats.std_dev
        return {
            "r2": MetricThreshold(
                {"min": min_r2, "max_worsening": min_r2},
                f"the mean as prediction: 0 (rmse {spread:.4g})",
            ),
        }
    counts = _eval_counts(label, in_eval)
    shares = [counts.get(value, 0) / rows for value in target.counts]
    if target.task is Task.BINARY:
        few = max(min(shares) * rows, 1)
        error = math.sqrt((rows + 1) / (12 * few * max(rows - few, 1)))
        step = max(_SIGMAS * error, 0.02)
        auc = {
            "min": _round(0.5 + min(step, 0.5 * _MOST_OF_THE_WAY)),
            "max_worsening": _round(step),
        }
        thresholds = {"auc": MetricThreshold(auc, "tossing a coin: 0.5")}
        if max(shares) <= _MOST_UNEVEN:
            why = f"always the more frequent value: {max(shares):.3g}"
            least = _least_accuracy(max(shares), rows)
            thresholds["accuracy"] = MetricThreshold({"min": least}, why)
        return thresholds
    majority = max(shares)
    return {
        "accuracy": MetricThreshold(
            {
                "min": _least_accuracy(majority, rows),
                "max_worsening": _round(max(_SIGMAS * _error(majority, rows), 0.02)),
            },
            f"always the most frequent class: {majority:.3g}",
        ),
    }


def _least_accuracy(majority: float, rows: float) -> float:
    """Accuracy that a model reaches by chance alone once in forty runs, if it knows the shares."""
    target = majority + min(_SIGMAS * _error(majority, rows), (1 - majority) * _MOST_OF_THE_WAY)
    rounded = (_round(target, up=True, digits=digits) for digits in range(3, 8))
    return next(value for value in rounded if value < (1 + target) / 2)


def choose_slices(
    columns: Mapping[str, Profile],
    roles: Mapping[str, Decision],
    in_eval: NDArray[np.bool_] | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns to evaluate by: groups of people and places, then those of few values.

    Args:
        columns: Profiles of all columns but the label's.
        roles: Their roles.
        in_eval: Rows of the eval split, if they are not drawn at random.

    Returns:
        The columns; and a sentence for each of ages, which have too many values.
    """
    groups, others, ages = [], [], []
    for name, column in columns.items():
        role, is_age = roles[name].role, names_an_age(name)
        if role is Role.IGNORED:
            continue
        if is_age and column.distinct not in _SLICE_VALUES:
            ages.append(name)
        if column.type == "FLOAT" or column.distinct not in _GROUP_VALUES:
            continue
        _, second, *_ = sorted([0, 0, *_eval_counts(column, in_eval).values()], reverse=True)
        is_few = column.distinct in _SLICE_VALUES
        if (is_few if is_age else names_a_group(name)) and second >= _GROUP_ROWS:
            groups.append(name)
        elif role is Role.CATEGORICAL and is_few and second >= _SLICE_ROWS:
            others.append((column.distinct, name))
    groups = groups[:_MAX_GROUP_COLUMNS]
    fewest = [name for _, name in sorted(others)[: max(_MAX_SLICES - len(groups), 0)]]
    notes = (
        f"{name}: no slices, since each would be one age. Add a column of age groups to the data."
        for name in ages
    )
    return (*groups, *fewest), tuple(notes)


def limit_drift(
    columns: Mapping[str, Profile],
    roles: Mapping[str, Decision],
    in_eval: NDArray[np.bool_] | None = None,
) -> dict[str, tuple[str, float]]:
    """Distance and its limit by column, as in `validation.drift`; none where rows are too few.

    Both splits are compared, so the smaller one decides. The share of a value moves by chance by up
    to four standard errors of a difference of two shares of a half; the divergence over the ten
    quantiles of the statistics was measured to move by up to 25 / rows.
    """
    limits = {}
    share = EVAL_SHARE if in_eval is None else min(in_eval.mean(), 1 - in_eval.mean())
    for name, column in columns.items():
        # Times always move on, and texts are new each time.
        if roles[name].role in (Role.IGNORED, Role.TIMESTAMP, Role.TEXT):
            continue
        rows = max(column.rows * share, 1)
        if column.type == "BYTES":
            limit = max(_LEAST_NORM, 4 * math.sqrt(0.5 / rows))
            if limit <= _USELESS_NORM:
                limits[name] = ("infinity_norm", _round(limit, up=True))
        else:
            limit = max(_LEAST_DIVERGENCE, 25 / rows)
            if limit <= _USELESS_DIVERGENCE:
                limits[name] = ("jensen_shannon", _round(limit, up=True))
    return dict(list(limits.items())[:_MAX_DRIFT_COLUMNS])


def _eval_counts(column: Profile, in_eval: NDArray[np.bool_] | None) -> dict[str, float]:
    """Rows of each value in the eval split; those to expect if it is drawn at random."""
    if in_eval is None:
        return {value: count * EVAL_SHARE for value, count in column.counts().items()}
    return dict(value_counts(column.values.filter(pa.array(in_eval))))


def _error(share: float, rows: float) -> float:
    """Standard error of a share that is measured on some rows."""
    return math.sqrt(share * (1 - share) / rows)


def _round(value: float, *, up: bool = False, digits: int = 2) -> float:
    """Rounds an estimate to a few digits."""
    if not value:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits)
    return float(f"{(math.ceil if up else math.floor)(value / unit) * unit:.6g}")


def _formats(columns: Mapping[str, Profile], words: Sequence[str]) -> dict[str, ColumnFormat]:
    """Formats of the columns for which those of the data set do not hold."""
    formats = {}
    for name, column in columns.items():
        if (reading := column.inferred.reading) is None:
            continue
        # A word that is missing elsewhere is a value here.
        own = set(words) & column.inferred.kept.keys()
        missing = tuple(sorted(column.inferred.markers)) if own else None
        if missing is not None or reading.parse:
            formats[name] = ColumnFormat(missing=missing, parse=reading.parse)
    return formats


def _choose_role(column: Profile, label: Profile, target: Target, known: bool) -> Decision:
    decision = decide_role(column)
    if decision.role is Role.IGNORED:
        return decision
    if known:
        why = f"{decision.why} Known at prediction time."
        return Decision(decision.role, why, decision.options | {"known": True})
    if same := leak_reason(column, label, target):
        return Decision(Role.IGNORED, same, kept=decision)
    return _without_leak(column, label, target, decision)


def _without_leak(
    column: Profile,
    label: Profile,
    target: Target,
    decision: Decision,
    split: TimeSplit | None = None,
) -> Decision:
    """The decision, unless the column gives the label away."""
    if decision.role is Role.IGNORED or decision.options.get("known"):
        return decision
    in_train = None if split is None else ~split.in_eval
    association = strongest_association(column, label, target, in_train)
    if association < LEAK:
        return decision
    why = (
        f"Alone it determines {association:.1%} of the label. If it is known at prediction "
        f"time: role {decision.role}, known: true."
    )
    return Decision(Role.IGNORED, why, kept=decision)


def _sum_decisions(
    columns: Mapping[str, Profile], roles: Mapping[str, Decision], target: Target
) -> tuple[dict[str, Decision], tuple[str, ...]]:
    """Decisions for the parts of a label that is their sum, and a remark where it may be one."""
    if target.task is not Task.REGRESSION:
        return {}, ()
    numbers = [
        columns[name]
        for name, decision in roles.items()
        if decision.role is Role.NUMERIC
        and columns[name].missing <= _MOST_GAPS * columns[name].rows
    ]
    names, plain_sum = find_summands(numbers, columns[target.label.column])
    if not names or all(roles[name].options.get("known") for name in names):
        return {}, ()
    others = [n for n, each in roles.items() if each.role is not Role.IGNORED and n not in names]
    label = target.label.column
    if plain_sum is None or not others:
        what = plain_sum or f"a weighted sum of {', '.join(names)}"
        return {}, (
            f"{label} is {what}. If the parts are known only with {label}, give them the role "
            "ignored.",
        )
    why = (
        f"{label} is {plain_sum}. If the parts are known at prediction time: role numeric, "
        "known: true."
    )
    return {name: Decision(Role.IGNORED, why, kept=roles[name]) for name in names}, ()


def _label_suspects(label: Profile, target: Target, words: Sequence[str]) -> Iterator[str]:
    """Remarks about the values of the label."""
    for word, count in label.inferred.kept.items():
        if word in target.counts:
            all_words = " ".join(map(shlex.quote, [*words, word]))
            yield (
                f"{label.name}: {word!r} is read as a class ({count:,} rows). If it means that the "
                f"value is missing: --missing {all_words}"
            )
    yield from (f"{label.name}: {note}." for note in label.inferred.notes)
    if target.counts and (same := _spellings(target.counts)):
        yield f"{label.name}: values that differ in spelling only are different classes: {same}."


def _suspects(columns: Mapping[str, Profile], roles: Mapping[str, Decision]) -> Iterator[str]:
    """Remarks about the values of the other columns."""
    kept = []
    for name, column in columns.items():
        if odd := column.inferred.odd:
            shown = ", ".join(f"{value!r} (row {row + 1})" for row, value in odd)
            yield (
                f"{name}: mixed types: nearly all values are numbers, but not {shown}. "
                "It is read as text; correct these values and run init again to have numbers."
            )
        yield from (f"{name}: {note}." for note in column.inferred.notes)
        if column.type == "BYTES" and not (odd or column.inferred.notes):
            yield from _odd_numbers(column)
        kept += [f"{name} {word!r} ({n:,})" for word, n in column.inferred.kept.items()]
        if roles[name].role is Role.NUMERIC and (suspect := find_sentinel(column.values)):
            value, rows = suspect
            yield (
                f"{name}: {value:g} in {rows:,} rows lies far from all other values. If it means "
                "that the value is missing, leave it empty; it is used as a number now."
            )
        if roles[name].role is Role.NUMERIC and (merged := merged_by_float32(column)):
            yield (
                f"{name}: the model sees {column.distinct:,} different numbers as "
                f"{column.distinct - merged:,}, since an amount has 7 digits. If they are names: "
                "role categorical or hashed."
            )
        is_category = roles[name].role in (Role.CATEGORICAL, Role.HASHED)
        if is_category and column.type == "BYTES" and (same := _spellings(column.counts())):
            yield f"{name}: values that differ in spelling only are different values: {same}."
    if kept:
        yield (
            f"Words that are read as values: {', '.join(kept)}. If one means that the value is "
            "missing, list it in data.columns.<column>.missing."
        )


def _odd_numbers(column: Profile) -> Iterator[str]:
    if column.is_readable and (found := find_odd_number(column.values)):
        count, example = found
        yield (
            f"{column.name}: {count:,} values such as {example!r} look like numbers in a form that "
            "is not read. Write them in plain form to have numbers."
        )


def _spellings(counts: Mapping[str, int]) -> str:
    """Groups of values that differ in case, blanks or width only; empty without any."""
    groups: dict[str, list[str]] = {}
    for value in counts:
        folded = unicodedata.normalize("NFKC", value).strip(BLANKS).casefold()
        groups.setdefault(folded, []).append(value)
    several = [
        " = ".join(f"{value!r} ({counts[value]:,})" for value in group)
        for group in groups.values()
        if len(group) > 1
    ]
    more = f" and {len(several) - _MOST_GROUPS} more" if len(several) > _MOST_GROUPS else ""
    return "; ".join(several[:_MOST_GROUPS]) + more
