"""Batches of examples are those of TFX's own reader, and as large."""

from __future__ import annotations

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tf_example_record

from tfxkit import compat
from tfxkit.compat import example_reading
from tfxkit.errors import StorageError, user_error
from tfxkit.storage.filesystems import fileio

SCHEMA = schema_pb2.Schema(
    feature=[
        schema_pb2.Feature(name="fare", type=schema_pb2.FLOAT),
        schema_pb2.Feature(name="company", type=schema_pb2.BYTES),
    ]
)


def example(number: int, padding: int = 0) -> bytes:
    features = {"number": tf.train.Feature(int64_list=tf.train.Int64List(value=[number]))}
    if number % 3:
        features["fare"] = tf.train.Feature(float_list=tf.train.FloatList(value=[number / 7]))
    company = [f"{number % 5} €".encode(), b"x" * padding]
    features["company"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=company))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(
        deterministic=True
    )


def write(path, numbers, padding: int = 0) -> None:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for number in numbers:
            writer.write(example(number, padding))


@pytest.fixture(autouse=True)
def stock(monkeypatch) -> None:
    """TFX's own reader, which a run in this process has replaced by now."""
    stock_source = example_reading.stock_source
    monkeypatch.setattr(tf_example_record.TFExampleRecord, "BeamSource", stock_source)


@pytest.fixture
def installed(stock) -> None:
    compat.apply(compat.EXAMPLE_READING)


_found: list[pa.RecordBatch] = []  # by a worker in this process


def _keep(batch: pa.RecordBatch) -> None:
    _found.append(batch)


def batches(pattern: str, **options) -> list[pa.RecordBatch]:
    """The record batches that the steps of Beam receive."""
    _found.clear()
    tfxio = tf_example_record.TFExampleRecord(pattern, telemetry_descriptors=["x"], **options)
    with beam.Pipeline("FnApiRunner") as pipeline:
        _ = pipeline | tfxio.BeamSource() | beam.Map(_keep)
    return list(_found)


def table(found: list[pa.RecordBatch]) -> pa.Table:
    """All rows; a column that a batch lacks has no values there."""
    whole = pa.concat_tables(
        [pa.Table.from_batches([batch]) for batch in found], promote_options="default"
    )
    return whole.select(sorted(whole.column_names))


@pytest.mark.parametrize(
    "options",
    [{}, {"schema": SCHEMA}, {"schema": SCHEMA, "raw_record_column_name": "raw"}],
    ids=["types from the data", "with a schema", "with the rows as they are"],
)
def test_rows_are_those_of_the_stock_reader(tmp_path, options, request):
    write(tmp_path / "one.gz", range(10_000))
    expected = table(batches(f"{tmp_path}/*", **options))
    request.getfixturevalue("installed")
    found = batches(f"{tmp_path}/*", **options)
    assert table(found).equals(expected)
    assert [batch.num_rows for batch in found] == [8192, 10_000 - 8192]


def test_another_version_reads_as_its_authors_left_it(tmp_path):
    write(tmp_path / "one.gz", range(300))
    compat.apply(compat.EXAMPLE_READING, version_of=lambda package: "1.22.0")
    assert tf_example_record.TFExampleRecord.BeamSource is example_reading.stock_source
    found = table(batches(f"{tmp_path}/*"))
    assert sorted(found["number"].to_pylist()) == [[number] for number in range(300)]


def test_all_files_are_read(tmp_path, installed):
    write(tmp_path / "one.gz", range(10))
    write(tmp_path / "none.gz", [])
    write(tmp_path / "two.gz", range(10, 30))
    found = table(batches(f"{tmp_path}/*"))
    assert sorted(found["number"].to_pylist()) == [[number] for number in range(30)]


def test_long_rows_make_batches_of_fewer(tmp_path, installed):
    write(tmp_path / "one.gz", range(3000), padding=20_000)  # 60 MB
    sizes = [batch.num_rows for batch in batches(f"{tmp_path}/*")]
    assert sum(sizes) == 3000
    assert max(sizes) * 20_000 < (20 << 20) + 128 * 20_100


def test_no_file_at_all_is_an_error(tmp_path, installed):
    with pytest.raises(Exception, match="no examples") as raised:
        batches(f"{tmp_path}/*")
    assert isinstance(user_error(raised.value), StorageError)


def test_s3_is_read_with_our_own_client(tmp_path, installed, s3):
    write(tmp_path / "one.gz", range(100))
    fileio.copy(str(tmp_path / "one.gz"), f"{s3}/examples/one.gz")
    assert table(batches(f"{s3}/examples/*")).equals(table(batches(f"{tmp_path}/*")))


def test_a_file_that_is_broken_is_told_of(tmp_path, installed):
    write(tmp_path / "one.gz", range(1000))
    whole = (tmp_path / "one.gz").read_bytes()
    (tmp_path / "one.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Exception, match="damaged") as raised:
        batches(f"{tmp_path}/*")
    told = user_error(raised.value)
    assert isinstance(told, StorageError)
    assert str(told).startswith(f"{tmp_path / 'one.gz'} is damaged. Make it again: ")
