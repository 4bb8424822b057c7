"""The label: its column, task and classes, and columns that are the label under another name."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tfxkit.config.dataset import Label, Task
from tfxkit.errors import UsageError
from tfxkit.metrics.association import (
    LEAK,
    SAMPLE_ROWS,
    can_be_determined,
    find_weighted_sum,
    group_values,
    measure_association,
    rank,
)
from tfxkit.onboarding.profile import Profile
from tfxkit.onboarding.table import find_odd_number

NAMES = ("label", "target", "class", "y", "outcome", "response")
# Whole numbers are classes if they are few, and each has enough rows to be learned; else amounts.
MAX_NUMBERED_CLASSES = 20
MIN_ROWS_OF_NUMBERED_CLASS = 10
MAX_CLASSES = 100
# Two thirds are for training, a tenth of these for early stopping, and one third is for evaluation:
# below, one of the parts has a handful of rows.
MIN_ROWS = 60
RARE_ROWS = 10  # fewer are reported: the class may be missing in a split
_POSITIVE = ("true", "yes", "y", "t", "positive", "pos", "on")
_SHOWN = 5
# Share of rows that must agree: class names typed by hand are wrong now and then.
SAME_SHARE = 0.995
# Two measurements of one thing agree less than that; a change of units, rounding included, more.
SAME_CORRELATION = 0.9999
# The data gate measures an association on other rows than `init`: from here on, some parts of the
# rows are measured, too.
_NEAR_LEAK = 0.9
_PARTS = 8
_WEIGHT_ERROR = 0.02  # of a weight of 1 in a sum, which small summands are left out of


@dataclasses.dataclass(frozen=True)
class Target:
    """Prediction target.

    Attributes:
        label: As in `configs/dataset.yaml`.
        task: As in `configs/dataset.yaml`.
        why: Reasons for the column, the task and the positive value; a sentence each.
        counts: Rows of each class; empty for regression.
        warnings: Suspicious facts for a person to check.
    """

    label: Label
    task: Task
    why: tuple[str, ...]
    counts: Mapping[str, int]
    warnings: tuple[str, ...] = ()


def choose_target(
    columns: Mapping[str, Profile], wanted: str | None = None, task: Task | None = None
) -> Target:
    """Chooses the label and the task.

    Args:
        columns: Profiles of all columns.
        wanted: The label's column, if the user named it.
        task: The task, if the user named it.

    Raises:
        UsageError: If nothing can be learned: no such column, too few rows, a label that is
            missing in all rows, constant or does not fit the task, a class with one row.
    """
    name, reason = choose_column(list(columns), wanted)
    column = columns[name]
    _check_present(column)
    task, why = (task, f"Task {task}, as asked for.") if task else _choose_task(column)
    plain = Label(column=name, missing="drop" if column.missing else "refuse")
    warnings = _without_label(column)
    if task is Task.REGRESSION:
        if column.type == "BYTES":
            raise UsageError(_not_numbers(column))
        if column.infinite:
            raise UsageError(
                f"The label {name!r} is infinite, or beyond 3.4e38, in {column.infinite:,} rows. "
                "Correct it, or leave it empty there."
            )
        return Target(plain, task, (reason, why), {}, warnings)
    counts = column.counts()
    _check_classes(column, counts, task)
    warnings += _rare(counts)
    if task is Task.MULTICLASS:
        label = plain.model_copy(update={"classes": tuple(sorted(counts, key=_natural))})
        return Target(label, task, (reason, why), counts, warnings)
    if column.type != "BYTES" and set(counts) == {"0", "1"}:
        return Target(plain, task, (reason, why), counts, warnings)
    positive, choice = _choose_positive(counts)
    [negative] = set(counts) - {positive}
    label = plain.model_copy(update={"positive": positive, "negative": negative})
    return Target(label, task, (reason, why, choice), counts, warnings)


def choose_column(names: Sequence[str], wanted: str | None = None) -> tuple[str, str]:
    """Chooses the label's column by name or place; returns it and the reason.

    Raises:
        UsageError: If the wanted column does not exist.
    """
    if wanted is not None:
        if wanted in names:
            return wanted, "The label you named."
        near = difflib.get_close_matches(wanted, names, 1) or [
            name for name in names if name.lower() == wanted.lower()
        ]
        shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")  # noqa: PLR2004
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {shown}"
        raise UsageError(f"--label: there is no column {wanted!r}; {hint}")
    for name in NAMES:
        for column in names:
            if column.strip().lower() == name:
                return column, "Chosen by its name; --label takes another."
    return names[-1], "Chosen as the last column; --label takes another."


def check_known(known: Sequence[str], columns: Sequence[str], label: str) -> None:
    """Checks the columns that are known at prediction time.

    Raises:
        UsageError: If one does not exist, or is the label.
    """
    for name in known:
        if name == label:
            raise UsageError(f"--known: {name!r} is the label, which is to be predicted.")
        if name not in columns:
            near = difflib.get_close_matches(name, columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"--known: there is no column {name!r}{hint}")


def _check_present(column: Profile) -> None:
    if reason := column.inferred.why_unreadable:
        raise UsageError(
            f"The label {column.name!r} cannot be predicted: {reason}. Name another column with "
            "--label."
        )
    if not column.present:
        raise UsageError(
            f"The label {column.name!r} is missing in all {column.rows:,} rows. Is it another "
            "column? Name it with --label."
        )
    if column.distinct == 1:
        raise UsageError(
            f"The label {column.name!r} is {next(iter(column.counts()))!r} in every row: there is "
            "nothing to learn. Is it another column? Name it with --label."
        )
    if column.present < MIN_ROWS:
        raise UsageError(
            f"{column.present} rows{' with a label' if column.missing else ''} are too few to "
            f"train on one part of them and to evaluate on another: {MIN_ROWS} is the least."
        )


def _without_label(column: Profile) -> tuple[str, ...]:
    if not column.missing:
        return ()
    fact = f"{column.missing:,} of {column.rows:,} rows have no {column.name!r}"
    return (f"{fact}: they are left out of training and evaluation; `predict` answers them.",)


def _rare(counts: Mapping[str, int]) -> tuple[str, ...]:
    rare = [f"{value!r} ({count})" for value, count in counts.items() if count < RARE_ROWS]
    return (f"Few rows of: {', '.join(rare)}. They may be missing in a split.",) if rare else ()


def _choose_task(column: Profile) -> tuple[Task, str]:
    if column.distinct == 2:  # noqa: PLR2004
        return Task.BINARY, "Task binary: the label has two values."
    if column.type == "BYTES":
        return Task.MULTICLASS, f"Task multiclass: the label has {column.distinct} names."
    whole = all(re.fullmatch(r"-?\d+", value) for value in column.counts())
    enough = column.present >= MIN_ROWS_OF_NUMBERED_CLASS * column.distinct
    if whole and column.distinct <= MAX_NUMBERED_CLASSES and enough:
        why = f"Task multiclass: the label has {column.distinct} whole numbers only"
        return Task.MULTICLASS, f"{why}; --task regression takes them as amounts."
    return Task.REGRESSION, f"Task regression: the label has {column.distinct:,} numbers."


def _check_classes(column: Profile, counts: Mapping[str, int], task: Task) -> None:
    if task is Task.BINARY and len(counts) != 2:  # noqa: PLR2004
        raise UsageError(
            f"--task binary: the label {column.name!r} has {len(counts):,} values, not two. "
            "Take --task multiclass or regression, or derive it: label.greater_than in dataset.yaml"
        )
    if len(counts) > MAX_CLASSES:
        raise UsageError(
            f"The label {column.name!r} has {len(counts):,} classes; {MAX_CLASSES} is the most. "
            f"Merge some, or name another column with --label.{_amounts(column)}"
        )
    if single := [value for value, count in counts.items() if count == 1]:
        shown = ", ".join(map(repr, single[:_SHOWN])) + (" …" if len(single) > _SHOWN else "")
        noun = "class has" if len(single) == 1 else "classes have"
        raise UsageError(
            f"{len(single)} {noun} one row only: {shown}. It cannot be learned and evaluated both. "
            "Take the row out, or merge the class with another."
        )


def _choose_positive(counts: Mapping[str, int]) -> tuple[str, str]:
    """Chooses the value that counts as 1: the higher number, a word for yes, or the rarer value."""
    numbers = sorted(counts, key=_natural)
    if all(_natural(value)[0] < float("inf") for value in numbers):
        return numbers[-1], f"{numbers[-1]} is the positive value, being the higher one."
    for value in counts:
        if value.strip().lower() in _POSITIVE:
            return value, f"{value!r} is the positive value, by its name."
    rarer = min(counts, key=lambda value: (counts[value], value))
    return rarer, f"{rarer!r} is the positive value, being the rarer one."


def _amounts(column: Profile) -> str:
    """Advice for a label with too many classes, which may be an amount."""
    if column.type != "BYTES":
        return " Are they amounts? --task regression"
    if column.inferred.odd:
        row, value = column.inferred.odd[0]
        return f" Are they amounts? Row {row + 1} below the header has {value!r}: correct it."
    if remarks := column.inferred.notes:
        return f" Are they amounts? {remarks[0][0].upper()}{remarks[0][1:]}."
    if odd := find_odd_number(column.values):
        return f" Are they amounts? Write numbers such as {odd[1]!r} in plain form."
    return ""


def _not_numbers(column: Profile) -> str:
    if column.inferred.odd:
        row, value = column.inferred.odd[0]
        where = f"row {row + 1} below the header has {value!r}"
    else:
        where = f"for example {next(iter(column.counts()))!r}"
    return f"--task regression: the label {column.name!r} is not all numbers: {where}."


def _natural(value: str) -> tuple[float, str]:
    """Sort key: numbers by size, then words by letters."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def leak_reason(column: Profile, label: Profile, target: Target) -> str | None:
    """Reason for which a column is the label under another name; None if it is not.

    The name, code or chart colour of a class goes with the label in both directions: each of its
    values has one class, and each class one value. A good predictor does so in one direction only.
    """
    if target.task is Task.REGRESSION:
        return None if column.type == "BYTES" else _same_numbers(column, label)
    if column.distinct != label.distinct:
        return None
    pairs = pa.table({"value": column.values, "label": label.values})
    pairs = pairs.filter(pc.is_valid(pairs["label"]))
    counts = pairs.group_by(["value", "label"]).aggregate([([], "count_all")])
    for side in ("value", "label"):
        most = counts.group_by(side).aggregate([("count_all", "max")])
        if pc.sum(most["count_all_max"]).as_py() < SAME_SHARE * pairs.num_rows:
            return None
    return "The label under another name: the two go together in both directions."


def _same_numbers(column: Profile, label: Profile) -> str | None:
    x, y = _numbers(column.values), _numbers(label.values)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if (r := _correlation(x, y)) >= SAME_CORRELATION:
        return f"Nearly the label itself: it correlates with it by {r:.6f}."
    if (r := _correlation(rank(x), rank(y))) >= SAME_CORRELATION:  # such as the logarithm
        return f"The label in another form: its ranks correlate with the label's by {r:.6f}."
    return None


def strongest_association(
    column: Profile, label: Profile, target: Target, in_train: NDArray[np.bool_] | None = None
) -> float:
    """Association of a column with the label, the strongest that a first run may find.

    Args:
        column: The column.
        label: The label's column.
        target: The prediction target.
        in_train: Rows to train on, if they are not drawn at random.
    """
    found = label_association(column, label, target)
    if not _NEAR_LEAK <= found < LEAK:
        return found
    random = np.random.default_rng(0)
    parts = [random.random(column.rows) < 2 / 3 for _ in range(_PARTS)]
    parts = parts if in_train is None else [in_train]
    return max(found, *(label_association(column, label, target, part) for part in parts))


def label_association(
    column: Profile, label: Profile, target: Target, part: NDArray[np.bool_] | None = None
) -> float:
    """Association of a column with the label, as the data gate measures it; 0 for too few rows.

    Args:
        column: The column.
        label: The label's column.
        target: The prediction target.
        part: True for the rows to measure; all if not given.
    """
    places = np.arange(column.rows) if part is None else np.flatnonzero(part)
    last = len(places) - 1
    rows = places[np.unique(np.linspace(0, last, min(len(places), SAMPLE_ROWS)).astype(int))]
    numeric = target.task is Task.REGRESSION
    wanted = label.values.take(pa.array(rows))
    if numeric:
        numbers = wanted.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        truth = rank(numbers)
    else:
        classes = wanted.dictionary_encode().indices
        truth = classes.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if not can_be_determined(truth):
        return 0.0
    values = column.values.take(pa.array(rows))
    absent = values.is_null().to_numpy(zero_copy_only=False)
    filled = values.fill_null(b"" if column.type == "BYTES" else 0)
    if column.type != "BYTES":
        filled = filled.cast(pa.float64(), safe=False)
    plain = filled.to_numpy(zero_copy_only=False)
    return measure_association(group_values(plain, absent), truth, numeric)


def find_summands(columns: Sequence[Profile], label: Profile) -> tuple[tuple[str, ...], str | None]:
    """Finds columns of numbers whose weighted sum is the label of a regression.

    Returns:
        The columns; and the sum as text if it is a plain one, such as "casual + registered".
    """
    places = np.linspace(0, label.rows - 1, min(label.rows, SAMPLE_ROWS)).astype(int)
    rows = pa.array(np.unique(places))
    numbers = {column.name: _numbers(column.values.take(rows)) for column in columns}
    target = _numbers(label.values.take(rows))
    names = find_weighted_sum(numbers, target) if numbers else ()
    if not names:
        return (), None
    table = np.column_stack([*(numbers[name] for name in names), np.ones(len(target))])
    known = np.isfinite(table).all(axis=1) & np.isfinite(target)
    weights = np.linalg.lstsq(table[known], target[known], rcond=None)[0][:-1]
    if not np.allclose(np.abs(weights), 1, atol=_WEIGHT_ERROR):
        return names, None
    terms = sorted(zip(weights, names, strict=True), key=lambda term: term[0] < 0)
    shown = "".join(f" {'+' if weight > 0 else '-'} {name}" for weight, name in terms)
    return names, shown.removeprefix(" + ").strip()


def _numbers(values: pa.Array) -> NDArray[np.float64]:
    """Numbers, NaN where there is none."""
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Pearson's correlation without its sign; 0 for next to no rows, or without variance."""
    if len(x) < 3 or not x.std() or not y.std():  # noqa: PLR2004 (two points are always on a line)
        return 0.0
    return float(abs(np.corrcoef(x, y)[0, 1]))
