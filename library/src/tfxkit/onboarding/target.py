"""The label: which column, which task, which classes."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence

from tfxkit.config.dataset import Label, Task
from tfxkit.errors import UsageError
from tfxkit.onboarding.profile import Profile

NAMES = ("label", "target", "class", "y", "outcome", "response")
# Whole numbers are classes if they are few, and each is there often enough to be learned; else they
# are amounts.
MAX_NUMBERED_CLASSES = 20
MIN_ROWS_OF_NUMBERED_CLASS = 10
MAX_CLASSES = 100
# Two thirds are trained on, a tenth of which decides when to stop, and one third is evaluated on:
# below, that leaves a handful in a part.
MIN_ROWS = 60
RARE_ROWS = 10  # such a class is reported: it may be missing in a split
_POSITIVE = ("true", "yes", "y", "t", "positive", "pos", "on")
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Target:
    """The prediction target.

    Attributes:
        label: As in `configs/dataset.yaml`.
        task: The same.
        why: How the column, the task and the positive value were chosen; a sentence each.
        counts: Rows of each class; empty for regression.
        warnings: What a person should look at.
    """

    label: Label
    task: Task
    why: tuple[str, ...]
    counts: Mapping[str, int]
    warnings: tuple[str, ...] = ()


def find(
    columns: Mapping[str, Profile], wanted: str | None = None, task: Task | None = None
) -> Target:
    """Chooses the label and the task.

    Args:
        columns: All of them.
        wanted: The label's column, if the user named it.
        task: The task, if the user named it.

    Raises:
        UsageError: If nothing can be learned: no such column, too few rows, a label that is
            missing in all rows, constant or does not fit the task, a class with one row.
    """
    name, reason = _column(list(columns), wanted)
    column = columns[name]
    _check_present(column)
    task, why = (task, f"Task {task}, as asked for.") if task else _task(column)
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
    positive, choice = _positive(counts)
    label = plain.model_copy(update={"positive": positive})
    return Target(label, task, (reason, why, choice), counts, warnings)


def _column(names: Sequence[str], wanted: str | None) -> tuple[str, str]:
    if wanted is not None:
        if wanted in names:
            return wanted, "The label that was asked for."
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


def _check_present(column: Profile) -> None:
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
    told = f"{column.missing:,} of {column.rows:,} rows have no {column.name!r}"
    return (f"{told}: they are left out of training and evaluation; `predict` answers them.",)


def _rare(counts: Mapping[str, int]) -> tuple[str, ...]:
    rare = [f"{value!r} ({count})" for value, count in counts.items() if count < RARE_ROWS]
    return (f"Few rows of: {', '.join(rare)}. They may be missing in a split.",) if rare else ()


def _task(column: Profile) -> tuple[Task, str]:
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
            "Merge some, or name another column with --label."
            + (" Are they amounts? --task regression" if column.type != "BYTES" else "")
        )
    if single := [value for value, count in counts.items() if count == 1]:
        shown = ", ".join(map(repr, single[:_SHOWN])) + (" …" if len(single) > _SHOWN else "")
        one = "class has" if len(single) == 1 else "classes have"
        raise UsageError(
            f"{len(single)} {one} one row only: {shown}. It cannot be learned and evaluated both. "
            "Take the row out, or merge the class with another."
        )


def _positive(counts: Mapping[str, int]) -> tuple[str, str]:
    """The value that counts as 1: the one that means yes, the higher number, or the rarer one."""
    numbers = sorted(counts, key=_natural)
    if all(_natural(value)[0] < float("inf") for value in numbers):
        return numbers[-1], f"{numbers[-1]} is the positive value, being the higher one."
    for value in counts:
        if value.strip().lower() in _POSITIVE:
            return value, f"{value!r} is the positive value, by its name."
    rarer = min(counts, key=lambda value: (counts[value], value))
    return rarer, f"{rarer!r} is the positive value, being the rarer one: it is what is looked for."


def _not_numbers(column: Profile) -> str:
    if column.odd:
        row, value = column.odd[0]
        where = f"row {row + 1} below the header has {value!r}"
    else:
        where = f"for example {next(iter(column.counts()))!r}"
    return f"--task regression: the label {column.name!r} is not all numbers: {where}."


def _natural(value: str) -> tuple[float, str]:
    """Numbers by their size, then words by their letters."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value
