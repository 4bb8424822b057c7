"""Slices that people will ask for come first."""

import numpy as np
import pandas
import pytest

from tfxkit.config import loading

RANDOM = np.random.default_rng(0)
N = 900


@pytest.fixture
def slices(init, project, tmp_path):
    """Slices that `init` proposes for columns."""

    def of(**columns):
        table = {"x": RANDOM.normal(size=N).round(3), **columns}
        label = np.where(table["x"] + RANDOM.normal(size=N) > 0, 1, 0)
        pandas.DataFrame(table | {"label": label}).to_csv(tmp_path / "own.csv", index=False)
        assert init(tmp_path / "own.csv") == 0
        evaluation = loading.load(project / "configs", ["local"]).dataset.evaluation
        return [name for (name,) in evaluation.slices]

    return of


def some(*values):
    return [values[i] for i in RANDOM.integers(0, len(values), N)]


def test_groups_of_people_come_before_columns_of_fewer_values(slices):
    found = slices(
        plan=some("a", "b"),
        home_state=some(*"ABCDEFG"),
        applicantSex=some("f", "m"),
        Race=some(1, 2, 3, 4),
        region=some("N", "S", "W"),
    )
    assert found == ["home_state", "applicantSex", "Race", "region"]


def test_columns_of_few_values_fill_up(slices):
    assert slices(gender=some("f", "m"), plan=some("a", "b"), tier=some("x", "y", "z")) == [
        "gender",
        "plan",
    ]


def test_ages_are_no_slices_and_groups_of_ages_are(slices, project, capfd):
    ages = RANDOM.integers(18, 90, N)
    assert slices(age=ages, gender=some("f", "m")) == ["gender"]
    told = "age: no slices, since each would be one age. Add a column of age groups to the data."
    assert told in capfd.readouterr().out
    assert f"# {told}" in (project / "configs" / "dataset.yaml").read_text()
    assert slices(age_group=some("18-29", "30-59", "60+"), age=ages) == ["age_group"]


def test_a_group_with_next_to_no_rows_of_the_others_is_no_slice(slices):
    assert slices(gender=["f"] * 875 + ["m"] * 25, plan=some("a", "b")) == ["plan"]
