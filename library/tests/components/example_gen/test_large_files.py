"""Large files: the same examples and errors, read as a whole or in parts."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.components.example_gen.conftest import reading_of
from tests.components.example_gen.example_gen_run import Runner
from tfxkit.components.example_gen import files, outcomes
from tfxkit.components.example_gen.splits import BoundSplits, HashSplits
from tfxkit.components.example_gen.writer import RowFormat, ShardWriter
from tfxkit.config.data import PLAIN_CSV, SplitAt
from tfxkit.errors import DataError
from tfxkit.storage.artifacts import LEFT_OUT, OUTCOMES

READING = reading_of({"count": "INT", "name": "BYTES", "price": "FLOAT"})
HEADER = "count,price,name\n"
SMALL_PARTS, ONE_PART = 300, 1 << 30


def rows(start, stop):
    return [f'{i % 70},{i / 4},"line\n{i % 3}, ""x"""\n' for i in range(start, stop)]


def text(start, stop):
    return HEADER + "".join(rows(start, stop))


class Step:
    """The work of the step on a file, without Beam."""

    def __init__(self, uri: Path, splits=None, required=()) -> None:
        splits = splits or HashSplits({"train": 2, "eval": 1})
        self.writer = ShardWriter(RowFormat(READING, PLAIN_CSV, required), splits, str(uri), 99)

    def cut(self, path):
        [source] = files.data_files([path], PLAIN_CSV)
        scans = [files.scan_range(source, i, PLAIN_CSV) for i in range(source.parts)]
        return source, files.cut_file(source, scans) if source.is_cut else [None]

    def read(self, path):
        """The outcome of the file."""
        source, found = self.cut(path)
        done = [self.writer.write_part((source, i, part), {}) for i, part in enumerate(found)]
        merged = outcomes.merge_outcomes(outcome for _, outcome in done)
        return self.writer.explain_error((source, merged), {})


@pytest.fixture
def both(tmp_path, monkeypatch):
    """The outcomes of a file that is read as a whole, and in parts."""

    def both(path, **step):
        monkeypatch.setattr(files, "PART_BYTES", ONE_PART)
        whole = Step(tmp_path / "whole", **step).read(path)
        monkeypatch.setattr(files, "PART_BYTES", SMALL_PARTS)
        step = Step(tmp_path / "parts", **step)
        assert sum(part is not None and bool(part.pieces) for part in step.cut(path)[1]) > 5
        return whole, step.read(path)

    return both


def test_counts_add_up(write, both):
    content = text(0, 400).replace('"line\n1, ""x"""', "")
    whole, in_parts = both(write("a.csv", content), required=("name",))
    assert in_parts == whole
    assert whole[LEFT_OUT] == 133
    assert max(whole["sketch"].values()) == 1


def test_repeats_are_counted_over_all_parts(write, both):
    content = HEADER + "".join(rows(0, 50) * 6)
    whole, in_parts = both(write("a.csv", content))
    assert in_parts == whole
    assert set(whole["sketch"].values()) == {6}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {30: "many,1,a\n", 300: "2.5,x,\n"},
            "line 62 has 'many', as do 1 more\n.* line 601 has 'x'",
        ),
        ({30: "1,1\n", 200: "1,1,a,b\n"}, "2 rows have more or fewer values:\n  line 62 has 2"),
        ({300: "1,1,b\xff\n"}, r"line 602 \(byte .* is not utf-8 text"),
        ({300: "1,1,b\0\n"}, r"line 602 \(byte .* is not utf-8 text"),
    ],
    ids=["misfits", "ragged", "encoding", "no text"],
)
def test_errors_are_those_of_the_whole_file(write, both, tmp_path, changed, message):
    content = rows(0, 400)
    for row, line in changed.items():
        content[row] = line
    path = write("a.csv", (HEADER + "".join(content)).encode("latin-1"))
    whole, in_parts = both(path)
    assert whole["error"] == in_parts["error"]
    assert re.search(message, whole["error"], re.DOTALL)


def test_a_value_that_the_splits_need_is_missed_in_a_part(write, both):
    splits = BoundSplits(("train", "eval"), SplitAt(column="count", bounds={"eval": 40}))
    content = text(0, 400).replace("\n60,", "\n,")
    path = write("a.csv", content)
    for outcome in both(path, splits=splits):
        assert f"{path} has rows without a value in the column count" in outcome["error"]


def test_what_no_part_can_be_sure_of_is_read_as_a_whole(write, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", SMALL_PARTS)
    content = HEADER + "".join(f'{i},1,5" disk\n' for i in range(400))
    path = write("a.csv", content)
    step = Step(tmp_path / "out")
    source, found = step.cut(path)
    assert found[0] is None
    outcome = step.read(path)
    assert outcome["error"] is None
    assert sum(outcome["rows"].values()) == 400
    assert len(list((tmp_path / "out/Split-train").iterdir())) == source.parts


@pytest.mark.parametrize(
    "content",
    [text(0, 101).replace("line", "LINE"), text(50, 150), text(0, 100).replace("line", "LINE")],
    ids=["longer", "other rows", "as long"],
)
def test_parts_of_two_files_are_not_put_together(write, tmp_path, monkeypatch, content):
    monkeypatch.setattr(files, "PART_BYTES", SMALL_PARTS)
    path = write("a.csv", text(0, 100))
    step = Step(tmp_path)
    source, found = step.cut(path)
    done = [step.writer.write_part((source, i, part), {})[1] for i, part in enumerate(found[:3])]
    write("a.csv", content)
    done += [
        step.writer.write_part((source, i, part), {})[1] for i, part in enumerate(found) if i > 2
    ]
    outcome = step.writer.explain_error((source, outcomes.merge_outcomes(done)), {})
    assert outcome["error"].startswith(f"{path} was changed while it was being read.")


def test_a_file_that_goes_while_it_is_read_is_told_of(write, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", SMALL_PARTS)
    path = write("a.csv", text(0, 100))
    step = Step(tmp_path)
    source, found = step.cut(path)
    Path(path).unlink()
    explained = step.writer.explain_error(step.writer.write_part((source, 1, found[1]), {}), {})
    assert "No such file or directory" in explained["error"]
    with pytest.raises(DataError, match=r"no file .*a\.csv any more"):
        files.check_unchanged(source)


@pytest.mark.slow
def test_the_step_writes_the_same_rows_in_more_shards(tmp_path, small_schema, write, monkeypatch):
    write("data/span-1/a.csv", text(0, 20))
    write("data/span-1/b.csv", text(20, 200))
    write("data/span-2/c.csv.gz", gzip.compress(text(200, 300).encode()))
    write("data/span-2/d.csv", HEADER + '1,2,5" disk\n' * 90)
    frame = pd.DataFrame({"count": range(300, 500), "extra": range(200)})
    frame.to_parquet(tmp_path / "data/span-2/e.parquet", row_group_size=30)
    runner = Runner(tmp_path, small_schema)
    found = []
    for name, size in (("whole", ONE_PART), ("parts", 1500)):
        monkeypatch.setattr(files, "PART_BYTES", size)
        runner.run(name=name)
        uri = Path(runner.artifacts()[-1].uri)
        counts = json.loads((uri / OUTCOMES).read_text())
        found.append((runner.newest(), counts, len(list((uri / "Split-eval").iterdir()))))
    (whole, counts, shards), (in_parts, counts_of_parts, shards_of_parts) = found
    assert in_parts == whole
    assert counts_of_parts == counts
    assert (shards, sum(map(len, whole.values()))) == (5, 590)
    assert shards_of_parts > 10


@pytest.mark.slow
def test_the_step_says_what_is_wrong_with_a_file_once(tmp_path, small_schema, write, monkeypatch):
    monkeypatch.setattr(files, "PART_BYTES", SMALL_PARTS)
    wrong = rows(0, 300)
    wrong[40] = wrong[250] = "many,1,a\n"
    write("data/span-1/a.csv", HEADER + "".join(wrong))
    write("data/span-1/b.csv", text(0, 100))
    with pytest.raises(DataError) as caught:
        Runner(tmp_path, small_schema).run()
    [line] = [line for line in str(caught.value).splitlines() if "many" in line]
    assert line == "  count is INT, but line 82 has 'many', as do 1 more"
    assert not any((tmp_path / "test/ExampleGen/examples").iterdir())
