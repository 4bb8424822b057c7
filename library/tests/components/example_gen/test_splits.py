"""Rows of one customer stay together; what came later is measured on; else it is said why not."""

import math

import pyarrow as pa
import pytest

from tests.components.example_gen.example_gen_run import SPLITS, Runner, values
from tfxkit.components.example_gen.splits import BoundSplits, HashSplits
from tfxkit.config.data import SplitAt
from tfxkit.errors import DataError

THREE = {"train": 1, "eval": 1, "test": 1}
HEADER = "count,price,name\n"


def batch(column, kind):
    return pa.RecordBatch.from_arrays([pa.array(column, kind)], ["x"])


def split_at(*bounds, column="x"):
    return SplitAt(column=column, bounds=dict(zip(("eval", "test"), bounds, strict=False)))


@pytest.fixture
def runner(tmp_path, small_schema, write):
    """Two files; 40 names in 300 rows, and every tenth row without one."""
    for number in (1, 2):
        lines = (
            f"{i},{i / 4},{'' if i % 10 == 0 else f'n{i * 7 % 40}'}\n"
            for i in range(150 * number, 150 * number + 150)
        )
        write(f"data/span-{number}/a.csv", HEADER + "".join(lines))
    return Runner(tmp_path, small_schema)


@pytest.mark.slow
def test_rows_with_the_same_value_are_in_the_same_split(runner):
    runner.run()
    by_row = runner.newest()
    runner.run(split_by="name")
    by_name = runner.newest()
    runner.run(split_by="name")
    assert runner.states() == ["COMPLETE", "COMPLETE", "CACHED"]

    names = {split: set(values(rows, "name")) - {None} for split, rows in by_name.items()}
    assert all(names.values()) and not names["train"] & names["eval"]
    assert sum(map(len, by_name.values())) == 300

    def nameless(rows):
        return [row for row in rows if values([row], "name") == [None]]

    # As ever: by the hash of the row.
    assert [nameless(by_name[split]) for split in SPLITS] == [
        nameless(by_row[split]) for split in SPLITS
    ]


@pytest.mark.slow
def test_rows_are_split_by_bounds_and_again_when_these_change(runner):
    runner.run(splits=THREE, split_at=split_at(300, 400, column="count"))
    counts = {split: values(rows, "count") for split, rows in runner.newest().items()}
    assert counts == {
        "train": [*range(150, 300)],
        "eval": [*range(300, 400)],
        "test": [*range(400, 450)],
    }
    runner.run(splits=THREE, split_at=split_at(300, 400, column="count"))
    runner.run(splits=THREE, split_at=split_at(300, 401, column="count"))
    assert runner.states() == ["COMPLETE", "CACHED", "COMPLETE"]
    assert len(runner.newest()["eval"]) == 101


@pytest.mark.parametrize(
    ("column", "kind", "bounds", "learned"),
    [
        ([1, 2, 3, -5], pa.int64(), (2,), [1, -5]),
        ([1, 2, 3], pa.int64(), (2.5,), [1, 2]),
        ([2**60, 2**60 + 1, 2**60 + 2], pa.int64(), (2**60 + 1,), [2**60]),
        # As a float32 it is less than 0.7.
        ([0.5, 0.7, math.inf, -math.inf], pa.float32(), (0.7,), [0.5, -math.inf]),
        (
            [b"2015-12-31", b"2016-01-01", b"2016"],
            pa.binary(),
            ("2016-01-01",),
            [b"2015-12-31", b"2016"],
        ),
        ([2.0**53, 2.0**54], pa.float32(), (2**53 + 1,), []),  # no float32, nor a float64
        ([b"z", "é".encode()], pa.binary(), ("é",), [b"z"]),
    ],
    ids=str,
)
def test_a_value_equal_to_a_bound_is_of_the_split_that_begins_there(column, kind, bounds, learned):
    # As text it travels to the step.
    at = SplitAt.model_validate_json(split_at(*bounds).model_dump_json())
    found = BoundSplits(("train", "eval"), at).of(batch(column, kind), [], "rows.csv")
    assert [value for value, name in zip(column, found, strict=True) if name == "train"] == learned


def test_the_order_of_the_splits_follows_the_bounds_and_not_how_they_are_written():
    at = SplitAt(column="x", bounds={"eval": 9, "validation": 5})
    splits = BoundSplits(("train", "eval", "validation"), at)
    assert splits.names == ("train", "validation", "eval")
    found = splits.of(batch([9, 5, 4], pa.int64()), [], "rows.csv")
    assert found == ["eval", "validation", "train"]


@pytest.mark.parametrize(
    ("column", "kind", "bounds", "by_name"),
    [
        ([1, None, 3, None], pa.int64(), (2,), "x, which decides .*: 2 or more"),
        ([1.0, math.nan], pa.float32(), (2,), "without a value in the column x"),
        ([b"a", b" "], pa.binary(), ("b",), "without a value in the column x"),
        ([b"a"], pa.binary(), (2,), "column x holds text, and data.split_at.bounds are numbers"),
        ([1], pa.int64(), ("2",), "column x holds numbers, and data.split_at.bounds are text"),
    ],
)
def test_what_cannot_be_split_by_bounds_is_said(column, kind, bounds, by_name):
    splits = BoundSplits(("train", "eval"), split_at(*bounds))
    with pytest.raises(DataError, match=rf"^/in/rows\.csv.*{by_name}") as caught:
        splits.of(batch(column, kind), [], "/in/rows.csv")
    assert "split by another" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "by_name"),
    [
        (
            {"split_at": split_at("n5", column="name")},
            r"span-1/a\.csv has rows without a value in the column name",
        ),
        (
            {"split_at": split_at(1, column="day")},
            r"span-1/a\.csv has no column day, which decides",
        ),
        (
            {"split_at": split_at(9000, column="count")},
            r"No rows for split eval: .*cut into train below 9000, eval from 9000 by the column "
            r"count \(data.split_at\).\nMove the bounds",
        ),
    ],
)
def test_a_step_that_cannot_split_says_why(runner, options, by_name):
    with pytest.raises(DataError, match=by_name):
        runner.run(**options)


def test_a_file_without_the_column_is_split_by_row():
    rows = batch([1, 2, 3], pa.int64())
    hashes = [0, 1, 2]
    assert HashSplits(SPLITS, "name").of(rows, hashes, "") == ["train", "train", "eval"]


def test_an_empty_split_names_the_column_that_all_rows_agree_on():
    by_name = HashSplits(SPLITS, "name")
    assert (
        by_name.description
        == "train 2, eval 1 of 3 parts by a hash of the column name (data.split_by)"
    )
    assert "a column with more values" in by_name.remedy
    assert HashSplits(SPLITS).description == "train 2, eval 1 of 3 parts by a hash of each row"


@pytest.mark.slow
def test_one_value_is_in_one_split(write, tmp_path, small_schema):
    write("data/span-1/a.csv", HEADER + "".join(f"{i},1,same\n" for i in range(40)))
    with pytest.raises(DataError, match=r"No rows for split (train|eval)\b.*the column name"):
        Runner(tmp_path, small_schema).run(split_by="name")
