"""From a CSV that nobody prepared to a pushed model that answers: iris, 150 rows."""

import csv
import io
import json

import pytest
from sklearn import datasets

from tfxkit import cli

pytestmark = pytest.mark.slow


def test_from_a_file_to_predictions(init, project, tmp_path, capfd):
    iris = datasets.load_iris(as_frame=True)
    frame = iris.frame.assign(target=[iris.target_names[i] for i in iris.frame["target"]])
    # Names of the kinds that give trouble, numbers with gaps, a date; as a German Excel writes it.
    frame.columns = ["Kelch länge (cm)", "class", "petal.length", "petal/width", "Art"]
    frame["petal.length"] = frame["petal.length"].astype(object)
    frame.loc[::20, "petal.length"] = "n/a"
    known = frame["Art"].copy()
    frame.loc[7::15, "Art"] = ""  # what is to be predicted
    frame["tag"] = [f"{i % 28 + 1:02}.{i % 12 + 1:02}.2024" for i in range(len(frame))]
    file = tmp_path / "Iris blüten.csv"
    frame.to_csv(file, index=False, sep=";", encoding="cp1252")

    assert init(file, label="Art") == 0
    told = " ".join(capfd.readouterr().out.split())
    where = ["--config-dir", str(project / "configs")]
    assert cli.main(["run", *where]) == 0
    [summary] = project.glob("outputs/iris-bluten/runs/latest/summary.json")
    summary = json.loads(summary.read_text())
    assert summary["status"] == "pushed"
    assert summary["metrics"]["accuracy"] > 0.85
    assert summary["left_out"] == 10
    assert "10 of 150 rows have no 'Art'" in told

    capfd.readouterr()
    assert cli.main(["predict", str(file), *where]) == 0
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert len(rows) == 150
    added = {name for name in rows[0] if name not in frame.columns}
    assert added == {"prediction"} | {f"probability_{name}" for name in iris.target_names}
    right = [row["prediction"] == name for row, name in zip(rows, known, strict=True)]
    assert sum(right) > 130
