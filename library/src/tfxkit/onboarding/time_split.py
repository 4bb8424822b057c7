"""Split by time: the date that separates training from evaluation, and what it changes.

A model that will predict the future from the past looks better than it is on rows drawn at random:
it has seen rows of the same days. So a column of dates is proposed for `data.split_at`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfxkit.config.dataset import TICKS_PER_SECOND, DateOrder, Role, Task
from tfxkit.onboarding.profile import Profile, as_text, value_counts
from tfxkit.onboarding.roles import MIN_PRESENT_SHARE, Decision, plain_name
from tfxkit.onboarding.target import RARE_ROWS, Target

EVAL_SHARE = 1 / 3  # of the rows: data.splits in base.yaml
_LEAST_SHARE, _MOST_SHARE = 0.2, 0.5  # of the rows in eval, where days are few
_CLASS_ROWS = 5  # of each class in each split, or a fifth of its rows if these are few
_DAY_S = 24 * 60 * 60
_ISO = r"^\d{4}([-/.])\d{2}(?:([-/.])\d{2})?(?:[T ,].*)?$"
_DAY = r"^(?P<day>\d{4}[-/.]\d{2}(?:[-/.]\d{2})?)"
# Dates that do not say when a row was observed.
_OTHER_TIMES = re.compile(
    r"birth|born|dob|geburt|naissance|nacimiento|nascita|expir|ablauf|(^|[^a-z])(due|until|bis)"
    r"([^a-z]|$)|deadline"
)


@dataclasses.dataclass(frozen=True)
class Shares:
    """Rows and label of both splits.

    Attributes:
        rows: Rows in train and in eval, of those with a label.
        label: Mean of the label, or share of one of its values, in train and in eval.
    """

    rows: tuple[int, int]
    label: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class TimeSplit:
    """Split of the rows at a date.

    Attributes:
        column: The column of dates.
        bound: Least value of it in eval, as in `data.split_at`.
        day: That value as a date.
        in_eval: True for the rows of eval.
        measure: Name of the number in `Shares.label`.
        by_time: Both splits, split at the date.
        at_random: Both splits of about the same size, drawn at random.
        active: True if the configuration splits by it; False if it only has it as a comment.
    """

    column: str
    bound: int | str
    day: str
    in_eval: NDArray[np.bool_]
    measure: str
    by_time: Shares
    at_random: Shares
    active: bool = True


def choose_time_split(
    columns: Mapping[str, Profile],
    roles: Mapping[str, Decision],
    target: Target,
    *,
    whole: bool,
    active: bool,
) -> tuple[TimeSplit | None, tuple[str, ...]]:
    """Chooses the first column of dates by which the rows can be split.

    Args:
        columns: Profiles of all columns.
        roles: Roles of all columns but the label's.
        target: The prediction target.
        whole: True if these are all rows.
        active: As in `TimeSplit`.

    Returns:
        The split, if there is one; and for each other column of dates the reason, a sentence.
    """
    found: TimeSplit | None = None
    notes = []
    for name, decision in roles.items():
        if decision.role is not Role.TIMESTAMP:
            continue
        if found:
            notes.append(f"{name}: dates, too; {found.column} comes first.")
            continue
        outcome = _split_at(name, columns, roles, target) if whole else "not all rows were read"
        if isinstance(outcome, str):
            notes.append(f"{name}: {outcome}.")
        else:
            found = dataclasses.replace(outcome, active=active)
    return found, tuple(notes)


def _split_at(
    name: str, columns: Mapping[str, Profile], roles: Mapping[str, Decision], target: Target
) -> TimeSplit | str:
    """Split at a date of a column, or the reason against it without a full stop."""
    column, label = columns[name], columns[target.label.column]
    if _OTHER_TIMES.search(plain_name(name)):
        return "by its name not the time at which a row was observed"
    if column.missing:
        return f"{column.missing:,} rows have no date"
    days = _days(column, roles[name])
    if isinstance(days, str):
        return days
    labelled = label.values.is_valid().to_numpy(zero_copy_only=False)
    different, counts = np.unique(days[labelled], return_counts=True)
    shares = 1 - np.cumsum(counts)[:-1] / counts.sum()  # of the rows after each day but the last
    fit = (shares >= _LEAST_SHARE) & (shares <= _MOST_SHARE)
    if not fit.any():
        return "no date has between a fifth and a half of the rows from it on"
    first = different[1:][np.argmin(np.where(fit, np.abs(shares - EVAL_SHARE), 1.0))]
    in_eval = days >= first
    if reason := _unfit(columns, roles, target, in_eval, str(first)):
        return reason
    if column.type == "BYTES":
        bound: int | str = str(first)
    else:
        seconds = int(first.astype("datetime64[s]").astype(np.int64))
        bound = seconds * TICKS_PER_SECOND[roles[name].options.get("unit", "s")]
    at_random = np.random.default_rng(0).random(len(days)) < EVAL_SHARE
    measure, values = _measure(label, target, in_eval)
    return TimeSplit(
        name,
        bound,
        str(first),
        in_eval,
        measure,
        by_time=_shares(values, labelled, in_eval),
        at_random=_shares(values, labelled, at_random),
    )


def _days(column: Profile, decision: Decision) -> NDArray | str:
    """Day of each row, in an order; or the reason why there is none."""
    if column.type != "BYTES":
        ticks = column.values.to_numpy(zero_copy_only=False)
        seconds = ticks // TICKS_PER_SECOND[decision.options.get("unit", "s")]
        return (seconds // _DAY_S).astype("datetime64[D]")
    text = column.values.cast(pa.string())
    if decision.options.get("order", DateOrder.YMD) != DateOrder.YMD:
        return f"text such as {text[0].as_py()!r} does not sort by time; 2024-02-29 does"
    is_iso = pc.match_substring_regex(text, _ISO)
    if not pc.all(is_iso).as_py():
        odd = text.filter(pc.invert(is_iso))[0].as_py()
        return f"text such as {odd!r} does not sort by time; 2024-02-29 does"
    days = pc.extract_regex(text, _DAY).field("day")
    if pc.count_distinct(pc.replace_substring_regex(days, r"\d", "")).as_py() > 1:
        return "its dates have several forms, which do not sort by time"
    return days.to_numpy(zero_copy_only=False).astype(str)


def _unfit(
    columns: Mapping[str, Profile],
    roles: Mapping[str, Decision],
    target: Target,
    in_eval: NDArray[np.bool_],
    day: str,
) -> str | None:
    """Reason for which a model could not be trained on one part and evaluated on the other."""
    label = columns[target.label.column]
    for side, where in ((~in_eval, f"before {day}"), (in_eval, f"from {day} on")):
        rows = pa.array(side)
        part = label.values.filter(rows)
        if not target.counts and pc.count_distinct(part).as_py() == 1:
            return f"{label.name} is always the same {where}"
        counts = value_counts(part)
        for value, count in target.counts.items():
            least = min(_CLASS_ROWS, count // _CLASS_ROWS)
            if target.task is Task.BINARY or count >= RARE_ROWS:
                least = max(least, 1)
            if counts.get(value, 0) < least:
                return f"only {counts.get(value, 0)} rows {where} have the label {value!r}"
        for name, decision in roles.items():
            if decision.role is Role.IGNORED:
                continue
            part = columns[name].values.filter(rows)
            if len(part) - part.null_count < MIN_PRESENT_SHARE * len(part):
                return f"{name} has no values {where}"
    return None


def _measure(
    label: Profile, target: Target, in_eval: NDArray[np.bool_]
) -> tuple[str, NDArray[np.float64]]:
    """Name and value of the number to compare in each row: that which the date changes most."""
    if target.task is Task.REGRESSION:
        numbers = label.values.cast(pa.float64(), safe=False)
        return f"mean of {label.name}", numbers.to_numpy(zero_copy_only=False)
    encoded = label.values.dictionary_encode()
    names = [as_text(value) for value in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    if target.task is Task.BINARY:
        code = names.index(target.label.positive or "1")
    else:
        sides = [
            np.bincount(codes[side & (codes >= 0)], minlength=len(names))
            for side in (in_eval, ~in_eval)
        ]
        shares = [counts / max(counts.sum(), 1) for counts in sides]
        code = int(np.argmax(np.abs(shares[0] - shares[1])))
    return f"share of {names[code]!r}", (codes == code).astype(np.float64)


def _shares(
    values: NDArray[np.float64], labelled: NDArray[np.bool_], in_eval: NDArray[np.bool_]
) -> Shares:
    parts = [values[labelled & side] for side in (~in_eval, in_eval)]
    return Shares(
        rows=(len(parts[0]), len(parts[1])),
        label=(float(np.mean(parts[0])), float(np.mean(parts[1]))),
    )


def effect_lines(split: TimeSplit) -> Iterator[Sequence[str]]:
    """Rows of a table: head, the split at random and the split by time."""
    yield "", "train rows", "eval rows", f"{split.measure}: train", "eval"
    for name, shares in (("at random", split.at_random), ("by time", split.by_time)):
        rows = [f"{count:,}" for count in shares.rows]
        yield name, *rows, *(f"{value:.3g}" for value in shares.label)
