"""Bad data: the gate stops what it should, lets pass what it should, and says why."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.project_with_runs import Project
from tests.reliability import aftermath
from tfxkit.runs.summary import State

STOPPED, PASSED = 4, 0
TO_GATE = ("run", "--to", "DataGate")

Rows = Callable[[pd.DataFrame], pd.DataFrame]
Text = Callable[[str], str]


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of bad data.

    Attributes:
        name: As the table has it.
        spoil: Does it to a project.
        exit_code: With which `run --to DataGate` must end.
        words: What the screen must say.
        silent: Whether nothing may be said of it at all.
    """

    name: str
    spoil: Callable[[Project], None]
    exit_code: int
    words: tuple[str, ...] = ()
    silent: bool = False


def rows(change: Rows, *, spans: tuple[int, ...] = (1, 2, 3, 4)) -> Callable[[Project], None]:
    """Changes the rows of spans; values are texts, an empty one is missing."""

    def spoil(project: Project) -> None:
        for number in spans:
            frame = pd.read_csv(project.span(number), dtype=str, keep_default_na=False)
            change(frame).to_csv(project.span(number), index=False)

    return spoil


def newest(change: Callable[[bytes], bytes]) -> Callable[[Project], None]:
    """Changes the bytes of the newest span's file."""

    def spoil(project: Project) -> None:
        file = project.span(4)
        file.write_bytes(change(file.read_bytes()))

    return spoil


def share(frame: pd.DataFrame, column: str, value: str, part: float) -> pd.DataFrame:
    changed = frame.copy()
    changed.loc[: round(len(frame) * part) - 1, column] = value
    return changed


def times(column: str, factor: float) -> Rows:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = [str(float(value) * factor) if value else "" for value in frame[column]]
        return frame.assign(**{column: values})

    return change


def label(frame: pd.DataFrame) -> np.ndarray:
    tips, fare = frame["tips"].astype(float), frame["fare"].astype(float)
    return (tips > 0.2 * fare).to_numpy()


def nights(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["trip_start_hour"].astype(int).isin((22, 23, 0, 1, 2, 3))]


def remove_newest(project: Project) -> None:
    shutil.rmtree(project.span(4).parent)


def leave_out(project: Project) -> None:
    shutil.rmtree(project.span(3).parent)


def quoted(data: bytes) -> bytes:
    """A value with a line break in the last row, cut within."""
    row = next(row for row in data.splitlines() if b"Credit Card" in row)
    return data + row[: row.index(b"Credit Card")] + b'"Credit\nCa'


CASES = [
    Case(
        "missing column",
        rows(lambda f: f.drop(columns="trip_miles")),
        STOPPED,
        ("trip_miles (eval, train): Missing column", "schema diff"),
    ),
    Case(
        "missing column in the newest span only",
        rows(lambda f: f.drop(columns="trip_miles"), spans=(4,)),
        STOPPED,
        ("trip_miles", "Missing values", "at least 100.0% is wanted"),
    ),
    Case(
        "new column",
        rows(lambda f: f.assign(tolls="1.5")),
        STOPPED,
        ("tolls (eval, train): New column", "schema accept"),
    ),
    Case(
        "columns in another order",
        rows(lambda f: f[f.columns[::-1]]),
        PASSED,
        silent=True,
    ),
    Case(
        "type changed: words for numbers",
        rows(lambda f: f.assign(trip_miles="far"), spans=(4,)),
        STOPPED,
        ("trip_miles is FLOAT, but line 2 has 'far', as do 399 more", "span-4"),
    ),
    Case(
        "type changed: fractions for whole numbers",
        rows(times("trip_seconds", 1.0001), spans=(4,)),
        STOPPED,
        ("trip_seconds is INT, but line", "span-4"),
    ),
    Case(
        "category never seen, 10 % of rows",
        rows(lambda f: share(f, "payment_type", "Crypto", 0.1)),
        STOPPED,
        ("payment_type", "Unexpected string values", "Crypto (~1"),
    ),
    Case(
        "category never seen, 0.5 % of rows",
        rows(lambda f: share(f, "payment_type", "Crypto", 0.005)),
        PASSED,
        silent=True,
    ),
    Case(
        "unit error: metres for miles",
        rows(times("trip_miles", 1609.344)),
        STOPPED,
        ("trip_miles", "Drift: Jensen-Shannon divergence", "0.1 is allowed"),
    ),
    Case(
        "unit error: cents for dollars in the newest span",
        rows(times("fare", 100), spans=(4,)),
        STOPPED,
        ("fare", "Out-of-range values"),
    ),
    Case(
        "unit error: kilometres for miles",
        rows(times("trip_miles", 1.609344)),
        PASSED,
        silent=True,
    ),
    Case(
        "label leaks into a column of text",
        rows(lambda f: f.assign(company=np.where(label(f), "Yellow Cab", "Blue Cab"))),
        STOPPED,
        ("company", "Drift"),
    ),
    Case(
        "label leaks into a column whose drift is not bounded",
        rows(lambda f: f.assign(pickup_community_area=np.where(label(f), "8", "32"))),
        STOPPED,
        (
            "pickup_community_area (train): Target leakage: this column alone determines 100.0%",
            "known: true",
        ),
    ),
    Case(
        "half the rows duplicated",
        rows(lambda f: pd.concat([f, f[: len(f) // 2]])),
        PASSED,
        ("warning: (all columns) (rows): Repeated rows: about 3", "repeat another row"),
    ),
    Case(
        "all values of a column missing",
        rows(lambda f: f.assign(company="")),
        STOPPED,
        ("company (eval, train): Missing column: no row has a value",),
    ),
    Case(
        "all values of a column missing in the newest span",
        rows(lambda f: f.assign(fare=""), spans=(4,)),
        STOPPED,
        ("fare", "Missing values", "at least 100.0% is wanted"),
    ),
    Case(
        "empty span: a file of no bytes",
        newest(lambda _: b""),
        STOPPED,
        ("span-4", "is empty: it lacks even the line with the column names"),
    ),
    Case(
        "empty span: a file without rows",
        newest(lambda data: data.splitlines(keepends=True)[0]),
        STOPPED,
        ("span-4 has no rows: there is nothing below the names of the columns",),
    ),
    Case(
        "empty span: no file",
        lambda project: project.span(4).unlink(),
        STOPPED,
        ("span-4 has no data files",),
    ),
    Case(
        "CSV cut in mid-row",
        newest(lambda data: data[: data.rindex(b",", 0, data.rindex(b",", 0, -20))]),
        STOPPED,
        ("span-4", "names 18 columns, but 1 row has"),
    ),
    Case(
        "CSV cut in mid-quote",
        newest(quoted),
        STOPPED,
        ("span-4",),
    ),
    Case(
        "CSV cut between two rows",
        newest(lambda data: data[: data.rindex(b"\n", 0, len(data) // 2) + 1]),
        PASSED,
        silent=True,
    ),
    Case(
        "CSV cut within the last value of the last row",
        newest(lambda data: data.rstrip()[:-1]),
        PASSED,
        silent=True,
    ),
    Case(
        "wrong delimiter",
        newest(lambda data: data.replace(b",", b";")),
        STOPPED,
        ("span-4", "are separated by ';': set data.csv.delimiter to that"),
    ),
    Case(
        "broken UTF-8",
        newest(lambda data: data.replace(b"Credit", b"Cr\xe9dit", 1)),
        STOPPED,
        ("span-4", "is not utf-8 text"),
    ),
    Case(
        "a span in the middle is missing",
        leave_out,
        STOPPED,
        ("lacks span 3 of those that the run takes (1 to 4)",),
    ),
    Case(
        "the newest span is gone: a span number that goes back",
        remove_newest,
        PASSED,
        ("The newest span is 3; the served model was trained on spans up to 4",),
    ),
    Case(
        "drift by season: nights only",
        rows(nights),
        STOPPED,
        ("trip_start_hour", "Drift: Jensen-Shannon divergence"),
    ),
    Case(
        "drift by season: working days only",
        rows(lambda f: f[f["trip_start_day"].astype(int).between(2, 6)]),
        PASSED,
        silent=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_data(case, settled, row, capfd):
    before, good = aftermath.served(settled.outputs), settled.root.with_name("good")
    shutil.copytree(settled.root / "data", good, dirs_exist_ok=True)
    case.spoil(settled)
    code = settled.pipeline(*TO_GATE)
    out = capfd.readouterr().out
    row(
        f"{case.exit_code} {'; '.join(case.words) or 'silent' * case.silent}",
        f"{code} {_told(out)}",
    )
    assert code == case.exit_code, out
    assert "Traceback" not in out and len(out.splitlines()) < 40
    for words in case.words:
        assert words in out
    assert ("DataGate let pass" in out) != case.silent or case.exit_code
    aftermath.assert_unharmed(settled.outputs, before)
    assert settled.states()["Pusher"] == State.SKIPPED
    _good_again(settled, good)
    assert aftermath.served(settled.outputs) == before


def _good_again(project: Project, good: Path) -> None:
    """With the good data of before, each finished step is reused."""
    shutil.rmtree(project.root / "data")
    good.rename(project.root / "data")
    assert project.pipeline("run") == 0
    assert project.ran() == {"Pusher"}


def _told(out: str) -> str:
    """The reason, without the list of steps and the advice."""
    lines = [line.strip() for line in out.splitlines() if line.startswith(("  ", "DataGate"))]
    lines = lines or [
        line
        for line in out.splitlines()
        if ": " in line and not line.startswith(("Run ", "Report: "))
    ]
    return "; ".join(lines[:3])[:200]
