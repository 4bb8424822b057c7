"""A second delivery that spells the label in another way: stopped, named, and nothing pushed."""

import json
import random

import pytest

from tfxkit import cli

pytestmark = pytest.mark.slow


def table(no, yes, seed):
    numbers = random.Random(seed)
    lines = ["x,colour,churned"]
    for _ in range(200):
        x = numbers.gauss(0, 1)
        label = yes if x + numbers.gauss(0, 1) > 0.6 else no
        lines.append(f"{x:.2f},{numbers.choice(['red', 'blue', 'green'])},{label}")
    return "\n".join(lines) + "\n"


def test_a_respelled_label_stops_the_run(init, project, tmp_path, capfd):
    (tmp_path / "churn.csv").write_text(table("no", "yes", 1))
    assert init(tmp_path / "churn.csv") == 0
    second = project / "data" / "churn" / "span-2"
    second.mkdir()
    (second / "churn.csv").write_text(table("No", "Yes", 2))
    where = ["--config-dir", str(project / "configs"), "--config", "fast"]
    capfd.readouterr()

    assert cli.main(["run", *where]) == 4

    shown = " ".join("".join(capfd.readouterr()).split())
    assert "Unknown values of the label: 'No' (" in shown
    assert "another spelling of 'no'), 'Yes' (" in shown
    assert "Known: 'no', 'yes'" in shown
    [summary] = project.glob("outputs/churn-fast/runs/latest/summary.json")
    assert json.loads(summary.read_text())["status"] == "stopped"
    assert list(project.glob("outputs/churn-fast/serving/*")) == []
    page = next(project.glob("outputs/churn-fast/runs/latest/report.html")).read_text()
    assert "another spelling of" in page

    assert cli.main(["schema", "diff", "churned", *where]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert '    + value: "No"' in lines and '    + value: "Yes"' in lines
