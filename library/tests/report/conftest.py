"""Pages of real runs, one of each kind, and a browser to look at them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.project_with_runs import make_project
from tests.report.browser import Browser, browser
from tfxkit import cli
from tfxkit.runs import summary
from tfxkit.runs.summary import Status

HOSTILE_CLASSES = (
    '"><img src=x onerror=alert(1)>',
    "a $x^2$ & b",
    "</title><script>alert(2)</script>",
)
HOSTILE_COLUMN = "<script>alert(3)</script>"
PAGES = ("pushed", "compared", "refused", "stopped", "hostile", "regression")
# Two runs side by side: on the same rows, on other rows, with names that would do harm.
SIDE_BY_SIDE = ("paired", "unpaired", "hostile side by side")


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Name -> the page of a run that ended so."""
    taxi = make_project(tmp_path_factory.mktemp("taxi"))
    found = {}

    def run(name: str, code: int, status: Status, *args: str) -> None:
        assert taxi.pipeline("run", *args) == code
        assert taxi.latest().status == status
        found[name] = (taxi.outputs.runs / taxi.latest().run_id / "report.html").resolve()

    run("pushed", 0, Status.PUSHED)
    run("compared", 0, Status.PUSHED, "--set", "train.seed=5")
    found["paired"] = _side_by_side(found["pushed"], taxi.configs, "--config", "fast")
    auc = "dataset.evaluation.thresholds.auc.min=0.9999"
    run("refused", 3, Status.NOT_BLESSED, "--set", auc, "--set", "data.spans=last:2")
    found["unpaired"] = _side_by_side(found["pushed"], taxi.configs, "--config", "fast")
    taxi.span(4).write_text(taxi.span(4).read_text().replace("Cash", "Cheque"))
    run("stopped", 4, Status.STOPPED)
    found["hostile"] = _of_own_data(tmp_path_factory.mktemp("hostile"), HOSTILE_CLASSES)
    found["regression"] = _of_own_data(tmp_path_factory.mktemp("regression"), ())
    configs = found["hostile"].parents[4] / "configs"
    again = ["run", "--config-dir", str(configs), "--set", "data.splits.train=3"]
    assert cli.main([*again, "--to", "Evaluator"]) == 0
    found["hostile side by side"] = _side_by_side(found["hostile"], configs)
    return found


def _side_by_side(older: Path, configs: Path, *overlay: str) -> Path:
    """The page that compares the newest run with one."""
    run_dir = older.parent
    arguments = ["report", "--no-open", "--compare", "latest", run_dir.name, *overlay]
    assert cli.main([*arguments, "--config-dir", str(configs)]) == 0
    newer = (run_dir.parent / "latest").resolve()
    return newer / f"compared-with-{run_dir.name}.html"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


def _of_own_data(root: Path, classes: tuple[str, ...]) -> Path:
    """A run on data whose names would do harm in a page that believed them."""
    random = np.random.default_rng(1)
    file = root / "own.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([HOSTILE_COLUMN, "kind' onload='alert(4)", "label"])
        for i in range(240):
            size = random.normal(100, 10)
            kind = ["<b>a</b>", "javascript:alert(5)", "{{ 7 * 7 }}"][i % 3]
            label = classes[min(int(size // 10) % 10 % 3, 2)] if classes else f"{size * 2:.1f}"
            writer.writerow([f"{size:.1f}", kind, label])
    (root / "configs").mkdir()
    (root / "configs" / "local.yaml").write_text(
        "train: {epochs: 5}\nmodel: {members: 2, width: 32}\n"
    )
    configs = ["--config-dir", str(root / "configs")]
    assert cli.main(["init", "--data", str(file), "--label", "label", *configs]) == 0
    assert cli.main(["run", *configs]) in (0, 3)
    [runs] = root.glob("outputs/*/runs")
    return (runs / summary.read(runs / "latest").run_id / "report.html").resolve()
