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
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tfxkit.config.data import ColumnFormat
from tfxkit.config.dataset import Role, Task
from tfxkit.errors import UsageError
from tfxkit.metrics.association import LEAK
from tfxkit.onboarding.dialect import describe
from tfxkit.onboarding.profile import Profile, profile_columns
from tfxkit.onboarding.roles import Decision, decide_role
from tfxkit.onboarding.table import Table, find_sentinel
from tfxkit.onboarding.target import (
    Target,
    choose_column,
    choose_target,
    label_association,
    leak_reason,
)
from tfxkit.values.reading import BLANKS

_MOST_COLUMNS = 60  # on the screen
_MOST_SHOWN = 5  # columns with a word for missing values
_MOST_GROUPS = 3  # of spellings
EVAL_SHARE = 1 / 3  # of the rows: data.splits in base.yaml
# Standard errors by which a useless model exceeds its expectation once in forty runs.
_SIGMAS = 2
# Where two standard errors are more than this part of the way to perfection, a good model on few
# rows could not pass.
_MOST_OF_THE_WAY = 0.25
# Above this share of the more frequent value, a model of use rarely beats it in accuracy: it orders
# the rows, and no row gets a probability above a half.
_MOST_UNEVEN = 0.8
_MIN_R2 = 0.05  # of the variance explained; the mean explains nothing
# Rows in the eval split that make a slice worth measuring ...
_SLICE_ROWS = 50
# ... number of values of a column to slice by, and of slices that a person reads.
_SLICE_VALUES = range(2, 13)
_MAX_SLICES = 2
# Least limits of drift: somewhat above the drift of the sample data from year to year.
_LEAST_NORM, _LEAST_DIVERGENCE = 0.15, 0.1
_USELESS_NORM, _USELESS_DIVERGENCE = 0.5, 0.4  # a limit above stops next to nothing
_MAX_DRIFT_COLUMNS = 50


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
    drift: Mapping[str, tuple[str, float]]
    missing: tuple[str, ...]
    formats: Mapping[str, ColumnFormat]
    warnings: tuple[str, ...]

    @property
    def label(self) -> Profile:
        """Profile of the label's column."""
        return self.columns[self.target.label.column]


def make_plan(
    table: Table,
    label: str | None = None,
    task: Task | None = None,
    missing: Sequence[str] | None = None,
) -> Plan:
    """Decides on label, task, roles and thresholds.

    Args:
        table: The data.
        label: The label's column, if the user named it.
        task: The task, if the user named it.
        missing: Words for missing values, if the user named them.

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
    roles = {
        name: _choose_role(column, columns[target.label.column], target)
        for name, column in columns.items()
        if name != target.label.column
    }
    leaks: tuple[str, ...] = ()
    if all(decision.role is Role.IGNORED for decision in roles.values()):
        # No model could be trained without them, so that a person has to decide.
        kept = {name: decision.kept for name, decision in roles.items() if decision.kept}
        leaks = tuple(f"{name}: {roles[name].why}" for name in kept)
        roles |= kept
    if all(decision.role is Role.IGNORED for decision in roles.values()):
        why = "\n".join(f"  {name}: {roles[name].why}" for name in list(roles)[:10])
        raise UsageError(f"No column is left to predict {target.label.column!r} from:\n{why}")
    markers = {word for column in columns.values() for word in column.inferred.markers}
    words = tuple(sorted(markers)) if missing is None else tuple(missing)
    features = {name: columns[name] for name in roles}
    return Plan(
        columns=columns,
        target=target,
        roles=roles,
        thresholds=choose_thresholds(target, columns[target.label.column]),
        slices=choose_slices(features, roles),
        drift=limit_drift(features, roles),
        missing=words,
        formats=_formats(columns, words),
        warnings=(
            *target.warnings,
            *leaks,
            *table.suspects,
            *_label_suspects(columns[target.label.column], target, words),
            *_suspects(features, roles),
        ),
    )


def choose_thresholds(target: Target, label: Profile) -> dict[str, MetricThreshold]:
    """Thresholds that a model without any knowledge of the columns does not meet."""
    rows = max(label.present * EVAL_SHARE, 1)
    if target.task is Task.REGRESSION:
        min_r2 = _round(max(_MIN_R2, _SIGMAS**2 / rows))
        spread = label.statistics.num_stats.std_dev
        return {
            "r2": MetricThreshold(
                {"min": min_r2, "max_worsening": min_r2},
                f"the mean as prediction: 0 (rmse {spread:.4g})",
            ),
        }
    shares = [count / label.present for count in target.counts.values()]
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


def choose_slices(columns: Mapping[str, Profile], roles: Mapping[str, Decision]) -> tuple[str, ...]:
    """Up to two columns of few values with enough rows each, those of the fewest values first."""
    fit = [
        (column.distinct, name)
        for name, column in columns.items()
        if roles[name].role is Role.CATEGORICAL and _evenly_filled(column)
    ]
    return tuple(name for _, name in sorted(fit)[:_MAX_SLICES])


def limit_drift(
    columns: Mapping[str, Profile], roles: Mapping[str, Decision]
) -> dict[str, tuple[str, float]]:
    """Distance and its limit by column, as in `validation.drift`; none where rows are too few.

    Both splits are compared, so the smaller one decides. The share of a value moves by chance by up
    to four standard errors of a difference of two shares of a half; the divergence over the ten
    quantiles of the statistics was measured to move by up to 25 / rows.
    """
    limits = {}
    for name, column in columns.items():
        # Times always move on, and texts are new each time.
        if roles[name].role in (Role.IGNORED, Role.TIMESTAMP, Role.TEXT):
            continue
        rows = max(column.rows * EVAL_SHARE, 1)
        if column.type == "BYTES":
            limit = max(_LEAST_NORM, 4 * math.sqrt(0.5 / rows))
            if limit <= _USELESS_NORM:
                limits[name] = ("infinity_norm", _round(limit, up=True))
        else:
            limit = max(_LEAST_DIVERGENCE, 25 / rows)
            if limit <= _USELESS_DIVERGENCE:
                limits[name] = ("jensen_shannon", _round(limit, up=True))
    return dict(list(limits.items())[:_MAX_DRIFT_COLUMNS])


def _evenly_filled(column: Profile) -> bool:
    if column.distinct not in _SLICE_VALUES:
        return False
    return list(column.counts().values())[1] * EVAL_SHARE >= _SLICE_ROWS


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


def _choose_role(column: Profile, label: Profile, target: Target) -> Decision:
    decision = decide_role(column)
    if decision.role is Role.IGNORED:
        return decision
    if why := leak_reason(column, label, target):
        return Decision(Role.IGNORED, why)
    if (association := label_association(column, label, target)) >= LEAK:
        why = (
            f"Alone it determines {association:.1%} of the label. If it is known at prediction "
            f"time: role {decision.role}, known: true."
        )
        return Decision(Role.IGNORED, why, kept=decision)
    return decision


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
        kept += [f"{name} {word!r} ({n:,})" for word, n in column.inferred.kept.items()]
        if roles[name].role is Role.NUMERIC and (suspect := find_sentinel(column.values)):
            value, rows = suspect
            yield (
                f"{name}: {value:g} in {rows:,} rows lies far from all other values. If it means "
                "that the value is missing, leave it empty; it is used as a number now."
            )
        is_category = roles[name].role in (Role.CATEGORICAL, Role.HASHED)
        if is_category and column.type == "BYTES" and (same := _spellings(column.counts())):
            yield f"{name}: values that differ in spelling only are different values: {same}."
    if kept:
        yield (
            f"Words that are read as values: {', '.join(kept)}. If one means that the value is "
            "missing, list it in data.columns.<column>.missing."
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


def show_plan(terminal: TextIO, plan: Plan, table: Table) -> None:
    """Prints the plan with its reasons: the columns, then label, task and thresholds."""
    console = Console(file=terminal, highlight=False, soft_wrap=not terminal.isatty())
    if not table.whole:
        console.print(f"These are the first {plan.label.rows:,} rows: there are more.\n")
    how = describe(table.csv_format) if table.csv_format else table.kind
    console.print(f"Read as {escape(how)}.\n")
    if table.numbered:
        console.print("The first column has no name, like one of row numbers: it is left out.\n")
    grid = Grid("column", "role", "why", box=None, pad_edge=False)
    for name, decision in list(plan.roles.items())[:_MOST_COLUMNS]:
        grid.add_row(escape(name), str(decision.role), escape(decision.why))
    console.print(grid)
    if (more := len(plan.roles) - _MOST_COLUMNS) > 0:
        console.print(f"… and {more} more columns, see dataset.yaml")
    target = plan.target
    console.print(f"\nlabel     {escape(target.label.column)}. {escape(' '.join(target.why))}")
    if target.counts:
        shares = [f"{value} {count:,}" for value, count in list(target.counts.items())[:12]]
        console.print(f"classes   {escape(', '.join(shares))}")
    for metric, threshold in plan.thresholds.items():
        limits = ", ".join(f"{limit} {value:g}" for limit, value in threshold.values.items())
        console.print(f"threshold {metric}: {limits} ({escape(threshold.why)})")
    for line in _missing_words(plan.columns):
        console.print(f"missing   {escape(line)}")
    if plan.slices:
        console.print(f"slices    {escape(', '.join(plan.slices))}")
    if plan.warnings:
        console.print("\n[yellow]Look at these:[/yellow]")
        for warning in plan.warnings:
            console.print(f"  {escape(warning)}")


def _missing_words(columns: Mapping[str, Profile]) -> Iterator[str]:
    """Words that count as missing, each with its columns and rows."""
    for word in sorted({word for column in columns.values() for word in column.inferred.markers}):
        places = [
            f"{name} ({column.inferred.markers[word]:,})"
            for name, column in columns.items()
            if word in column.inferred.markers
        ]
        more = f" and {len(places) - _MOST_SHOWN} more" if len(places) > _MOST_SHOWN else ""
        yield f"{word!r} counts as no value: {', '.join(places[:_MOST_SHOWN])}{more}"
