"""Power cut: the newest files are short, empty or gone. They are noticed and made again."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project_with_runs import ORDER
from tests.reliability import aftermath
from tfxkit.runs.summary import Status

AFTER_STATISTICS = {"StatisticsGen", "ExampleValidator", "DataGate", "Pusher"}
AFTER_TRAINER = {"Trainer", "Evaluator", "ServingCheck", "Pusher"}


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def zeroed(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def gone(file: Path) -> None:
    file.unlink()


DAMAGE = [
    ("StatisticsGen/statistics/*/Split-eval/FeatureStats.pb", emptied, AFTER_STATISTICS),
    ("StatisticsGen/statistics/*/Split-train/FeatureStats.pb", gone, AFTER_STATISTICS),
    ("Trainer/model/*/Format-Serving/saved_model.pb", zeroed, AFTER_TRAINER),
    (
        "ExampleGen/examples/*/Split-train/*-00003-of-*.gz",
        cut_in_half,
        {"ExampleGen", "StatisticsGen", "ExampleValidator", "DataGate", "Transform"},
    ),
]


@pytest.mark.parametrize(
    "case", DAMAGE, ids=[f"{p.partition('/')[0]} {d.__name__}" for p, d, _ in DAMAGE]
)
def test_a_damaged_artifact(case, settled, row, caplog):
    pattern, damage, ran = case
    before = aftermath.served(settled.outputs)
    damage(max(settled.outputs.artifacts.glob(pattern)))
    # That the same model comes out of the same examples: see `test_damaged_metadata`.
    last, status = [], Status.ALREADY_SERVED
    if "Transform" in ran:
        last, status = ["--to", "Transform"], Status.DONE
    code = settled.pipeline("run", *last)
    row(f"0, runs again: {_listed(ran)}", f"{code}, runs again: {_listed(settled.ran())}")
    assert code == 0
    assert settled.ran() == ran
    assert settled.latest().status == status
    assert aftermath.served(settled.outputs) == before
    aftermath.assert_unharmed(settled.outputs, before)
    assert "so it is not reused" in caplog.text


def test_an_empty_summary_of_the_newest_run(settled, row, capfd):
    before = aftermath.served(settled.outputs)
    emptied(settled.outputs.runs / "latest" / "summary.json")
    code = settled.pipeline("resume")
    err = capfd.readouterr().err
    row("2 cannot be read … python -m pipeline run", f"{code} {err.splitlines()[-1]}")
    assert code == 2
    assert "cannot be read" in err and "python -m pipeline run" in err
    assert settled.pipeline("run") == 0
    assert settled.ran() == {"Pusher"}
    aftermath.assert_unharmed(settled.outputs, before)


def test_an_empty_copy_of_the_schema(settled, row):
    before = aftermath.served(settled.outputs)
    [copy] = settled.outputs.root.glob("schemas/*/schema.pbtxt")
    emptied(copy)
    code = settled.pipeline("run")
    row("0, only Pusher runs", f"{code} {settled.ran()}")
    assert (code, settled.ran()) == (0, {"Pusher"})
    assert copy.read_bytes() == (settled.configs / "schema.pbtxt").read_bytes()
    aftermath.assert_unharmed(settled.outputs, before)


def test_a_damaged_checkpoint(settled, row, monkeypatch):
    before = aftermath.served(settled.outputs)
    with monkeypatch.context() as patch:
        patch.setattr("tfxkit.training.export.export", _interrupt)
        assert settled.pipeline("run", "--set", "train.seed=9") == 130
    [state] = settled.outputs.checkpoints.rglob("state.npz")
    cut_in_half(state)
    code = settled.pipeline("resume")
    row("0 pushed", f"{code} {settled.latest().status}")
    assert (code, settled.latest().status) == (0, Status.PUSHED)
    aftermath.assert_unharmed(settled.outputs, before)
    aftermath.assert_loadable(settled.outputs)


def _interrupt(*_args: object, **_named: object) -> None:
    raise KeyboardInterrupt


def test_a_transaction_that_was_not_finished(settled, row):
    """The database with half of a transaction in it, and its journal beside it."""
    before = aftermath.served(settled.outputs)
    file, journal = settled.outputs.metadata, Path(f"{settled.outputs.metadata}-journal")
    kept = [Path(f"{path}.kept") for path in (file, journal)]
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 1")  # writes into the file before it is committed
        database.execute("BEGIN")
        database.execute("UPDATE Artifact SET uri = 'nowhere'")
        database.execute("UPDATE Execution SET last_known_state = 0")
        for source, target in zip((file, journal), kept, strict=True):
            shutil.copy(source, target)
        database.execute("ROLLBACK")
    for source, target in zip(kept, (file, journal), strict=True):
        source.replace(target)
    code = settled.pipeline("run")
    row("0, only Pusher runs", f"{code} {settled.ran()}")
    assert (code, settled.ran()) == (0, {"Pusher"})
    aftermath.assert_unharmed(settled.outputs, before)


@pytest.mark.parametrize("damage", [cut_in_half, zeroed])
def test_damaged_metadata(damage: Callable[[Path], None], settled, row, capfd):
    """Nothing is left of what was finished but the models, so each step runs anew."""
    before, damaged = aftermath.served(settled.outputs), settled.outputs.metadata
    damage(damaged)
    last = [] if damage is cut_in_half else ["--to", "StatisticsGen"]  # once is enough
    code = settled.pipeline("run", *last)
    err = capfd.readouterr().err
    row("0, set aside, each step runs anew", f"{code} {err.splitlines()[-1] if err else ''}"[:120])
    assert code == 0
    assert "metadata.sqlite is damaged" in err and "set aside as metadata.sqlite.damaged-" in err
    assert len(list(damaged.parent.glob("metadata.sqlite.damaged-*"))) == 1
    assert last or settled.ran() == set(ORDER)
    assert last or settled.latest().status == Status.ALREADY_SERVED
    assert aftermath.served(settled.outputs) == before
    aftermath.assert_unharmed(settled.outputs, before)


def test_missing_metadata(settled, row):
    """Each step runs anew, as with `test_damaged_metadata`, which goes on to the end."""
    before = aftermath.served(settled.outputs)
    settled.outputs.metadata.unlink()
    code = settled.pipeline("run", "--to", "StatisticsGen")
    row("0, each step runs anew", f"{code}, {_listed(settled.ran())}")
    assert (code, settled.ran()) == (0, set(ORDER[: ORDER.index("StatisticsGen") + 1]))
    assert aftermath.served(settled.outputs) == before
    aftermath.assert_unharmed(settled.outputs, before)


def _listed(steps: set[str]) -> str:
    return ", ".join(step for step in ORDER if step in steps)
