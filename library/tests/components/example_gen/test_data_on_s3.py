"""Spans on S3 are chosen, told apart and read as those in a folder."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet
import pytest
from tfx.utils import io_utils

from tests.components.example_gen.conftest import read_table
from tfxkit.components.example_gen.spans import fingerprint, range_config, select
from tfxkit.errors import DataError
from tfxkit.storage.filesystems import fileio

ROWS = "count,price,name\n" + "".join(f"{i},{i / 4},n{i % 3}\n" for i in range(40))


@pytest.fixture
def data(s3, write, tmp_path) -> str:
    """Three spans, in three formats, below the address of a bucket; the same ones are in `data`."""
    write("data/span-1/a.csv", ROWS)
    write("data/span-2/a.csv.gz", gzip.compress(ROWS.encode()))
    columns = {"count": [1, None, 3], "price": [1.5, None, 2.0], "name": ["a", "", "c"]}
    (tmp_path / "data/span-3").mkdir()
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "data/span-3/a.parquet")
    io_utils.copy_dir(str(tmp_path / "data"), f"{s3}/taxi")
    return f"{s3}/taxi"


def test_spans_are_chosen(data):
    selection = select(data, range_config("last:2"))
    assert selection.spans == (2, 3)
    assert selection.files == (f"{data}/span-2/a.csv.gz", f"{data}/span-3/a.parquet")
    with pytest.raises(DataError, match=r"lacks span 7 of .*\nFound: 1 to 3"):
        select(data, range_config("7"))
    with pytest.raises(DataError, match=r"no folder s3://.*/nowhere"):
        select(f"{data}/nowhere", range_config("all"))


def test_the_newest_version_is_chosen(data):
    for version in ("version-9", "version-10"):
        with fileio.open(f"{data}/span-4/{version}/a.csv", "w") as file:
            file.write(ROWS)
    selection = select(data, range_config("last:2"))
    assert selection.versions == (None, 10)
    assert selection.files[-1] == f"{data}/span-4/version-10/a.csv"
    before = fingerprint(selection)
    assert fingerprint(select(data, range_config("last:2"), [None, 9])) != before
    with fileio.open(f"{data}/span-4/a.csv", "w") as file:
        file.write(ROWS)
    with pytest.raises(DataError, match=r"span-4 holds a\.csv beside folders of versions"):
        select(data, range_config("4"))


def test_files_are_read_as_those_in_a_folder(data, tmp_path, small_schema):
    for path in select(data, range_config("all")).files:
        here = path.replace(data, str(tmp_path / "data"))
        table = read_table(path, small_schema)
        assert table.num_rows > 0
        assert table == read_table(here, small_schema)
    for name in ("a.csv", "a.csv.gz", "a.parquet"):
        with pytest.raises(DataError, match=f"There is no file {data}/none/{name}"):
            read_table(f"{data}/none/{name}", small_schema)


def test_the_fingerprint_follows_the_content_without_reading_it(data, monkeypatch):
    def now() -> str:
        return fingerprint(select(data, range_config("all")))

    monkeypatch.setattr("tfxkit.storage.filesystems.open_object", None)
    before = now()
    for content, same in ((ROWS, True), (ROWS + "7,7,x\n", False)):
        with fileio.open(f"{data}/span-1/a.csv", "w") as file:
            file.write(content)
        assert (now() == before) == same


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "^s3://bucket/x cannot be reached: .*:9"),
        ({"AWS_ACCESS_KEY_ID": ""}, "^s3://bucket/x: there are no credentials. Set AWS_ACCESS"),
        ({}, "^s3://bucket/x: there is no bucket 'bucket'"),
    ],
    ids=["no network", "no credentials", "no bucket"],
)
def test_a_store_that_gives_nothing_is_an_error_of_the_data(
    s3_environment, monkeypatch, changed, message
):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    for name, value in changed.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(DataError, match=message):
        select("s3://bucket/x", range_config("all"))


def test_so_is_one_that_fails_in_the_midst_of_a_file(s3, small_schema, monkeypatch):
    path = f"{s3}/large.csv"
    with fileio.open(path, "w") as file:
        file.write("count\n" + "1234567\n" * 1_000_000)
    monkeypatch.setattr("tfxkit.components.example_gen.csv_files.BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr("botocore.response.StreamingBody.readinto", _after(3 << 20))
    with pytest.raises(DataError, match=r"^s3://.*/large.csv cannot be reached"):
        read_table(path, small_schema)


def _after(count: int):
    """A `StreamingBody.readinto` that fails after `count` bytes."""
    from botocore.exceptions import ResponseStreamingError
    from botocore.response import StreamingBody

    read, done = StreamingBody.readinto, [0]

    def readinto(body, buffer):
        if done[0] > count:
            raise ResponseStreamingError(error="connection broken")
        done[0] += (got := read(body, buffer))
        return got

    return readinto
