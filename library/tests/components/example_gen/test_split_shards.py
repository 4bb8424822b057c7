"""Rows go to the same split forever, and a shard is whole or not there."""

import pytest
import tensorflow as tf

from tfxkit.components.example_gen.splits import HashSplits, row_hash
from tfxkit.components.example_gen.writer import remove_earlier, remove_temporary, write_shards
from tfxkit.storage.filesystems import fileio

ROWS = [b"row %d" % i for i in range(3000)]


def names(splits, rows):
    return splits.assign(map(row_hash, rows))


def dealt(rows, splits):
    return zip(names(splits, rows), rows, strict=True)


def records(path):
    return [r.numpy() for r in tf.data.TFRecordDataset(str(path), compression_type="GZIP")]


def test_a_row_stays_in_its_split():
    splits = HashSplits({"train": 2, "eval": 1})
    # Fixed by now: to change it would move rows from eval to train in the next run of a user.
    assert names(splits, ROWS[:8]) == [
        "train", "train", "train", "eval", "train", "train", "train", "train",
    ]  # fmt: skip
    assert names(splits, ROWS[::-1]) == names(splits, ROWS)[::-1]


def test_parts_are_as_large_as_wanted():
    found = names(HashSplits({"train": 6, "eval": 3, "test": 1}), ROWS)
    assert [round(found.count(n) / len(ROWS), 1) for n in ("train", "eval", "test")] == [
        0.6,
        0.3,
        0.1,
    ]


def test_shards_hold_the_rows_in_order_and_duplicates_together(tmp_path):
    splits = HashSplits({"train": 2, "eval": 1})
    batches = [dealt(rows, splits) for rows in (ROWS[:20], [], ROWS[:20])]
    rows = write_shards(batches, splits.names, str(tmp_path), 3, 12)
    found = {
        split: records(tmp_path / f"Split-{split}" / "data_tfrecord-00003-of-00012.gz")
        for split in ("train", "eval")
    }
    assert rows == {split: len(values) for split, values in found.items()}
    assert sum(rows.values()) == 40
    for values in found.values():
        half = len(values) // 2
        assert values[:half] == values[half:] == sorted(values[:half], key=ROWS.index)
    assert not set(found["train"]) & set(found["eval"])


def test_an_empty_shard_is_a_valid_file(tmp_path):
    assert write_shards([], ["train"], str(tmp_path), 0, 1) == {"train": 0}
    assert records(tmp_path / "Split-train/data_tfrecord-00000-of-00001.gz") == []


def test_a_repeated_attempt_leaves_the_same_bytes_and_nothing_else(tmp_path):
    shard = tmp_path / "Split-train/data_tfrecord-00000-of-00001.gz"
    contents = []
    for _ in range(2):
        write_shards([dealt(ROWS, HashSplits({"train": 1}))], ["train"], str(tmp_path), 0, 1)
        contents.append(shard.read_bytes())
    remove_temporary(str(tmp_path))
    assert contents[0] == contents[1]
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [shard]


def test_a_failed_attempt_leaves_no_shard(tmp_path):
    def broken():
        yield dealt(ROWS, HashSplits({"train": 1}))
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_shards(broken(), ["train"], str(tmp_path), 0, 1)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize("place", ["folder", "store"])
def test_what_an_earlier_attempt_has_written_goes(place, tmp_path, request):
    """The file has grown since, and is read in three parts, not in two."""
    uri = str(tmp_path / "1") if place == "folder" else f"{request.getfixturevalue('s3')}/1"
    remove_earlier(uri)
    write_shards([[("train", b"row")]], ["train", "eval"], uri, 0, 2)
    with fileio.open(f"{uri}/else", "w") as file:
        file.write("stays")
    remove_earlier(uri)
    write_shards([[("train", b"row")]], ["train"], uri, 0, 3)
    names = [name for _, _, files in fileio.walk(uri) for name in files]
    assert sorted(names) == ["data_tfrecord-00000-of-00003.gz", "else"]
