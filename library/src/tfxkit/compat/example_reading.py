"""Batches of thousands of examples for Beam's steps, never of one (`EXAMPLE_READING`).

TFX's reader parses TFRecords in Python, counts each row for telemetry and builds batches row by
row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from absl import flags
from apache_beam.io.filesystems import FileSystems
from tfx_bsl.coders import batch_util, example_coder
from tfx_bsl.tfxio import record_based_tfxio, tf_example_record

from tfxkit.errors import StorageError

_BATCH_ROWS = batch_util._BATCH_SIZE_CAP_WITH_BYTE_TARGET
_BATCH_BYTES = batch_util._TARGET_BATCH_BYTES_SIZE
_ROWS_AT_ONCE = 128  # batches are built from these; rows may be long
_AHEAD = 4  # times as many are read while others are processed
_NOT_TENSORFLOWS = "s3://"  # TensorFlow does not open it since 2.6; Beam reads it with our client

stock_source = tf_example_record.TFExampleRecord.BeamSource


def install() -> None:
    """Makes StatisticsGen, Transform and Evaluator read in large batches, on each runner."""
    # For readers that are not patched. Else Beam varies the size by the clock, from 1 to 1,000.
    flags.FLAGS.set_default("tfxio_use_byte_size_batching", True)
    tf_example_record.TFExampleRecord.BeamSource = _source


def _source(
    tfxio: tf_example_record.TFExampleRecord, batch_size: int | None = None
) -> beam.PTransform:
    """Replaces `TFExampleRecord.BeamSource`, with the same arguments and result."""
    patterns = tfxio._file_pattern
    if batch_size is not None or any(pattern.startswith(_NOT_TENSORFLOWS) for pattern in patterns):
        return stock_source(tfxio, batch_size)
    schema = tfxio._GetSchemaForDecoding()
    reader = _Read(schema and schema.SerializeToString(), tfxio.raw_record_column_name)

    def source(begin: Any) -> beam.PCollection:
        paths = begin | "Patterns" >> beam.Create(patterns) | "Files" >> beam.FlatMap(_files)
        # Without Reshuffle a runner may fuse the steps and read all files in one worker.
        return paths | beam.Reshuffle() | "Read" >> beam.ParDo(reader)

    return beam.ptransform_fn(source)()


@beam.typehints.with_output_types(pa.RecordBatch)
class _Read(beam.DoFn):
    """Yields the rows of a file as batches of columns."""

    def __init__(self, schema: bytes | None, raw_column: str | None) -> None:
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(schema)
        self._raw_column = raw_column

    def process(self, file: str) -> Iterator[pa.RecordBatch]:
        for rows in _batches(file):
            batch = self._decoder.DecodeBatch(rows)
            if self._raw_column is not None:
                batch = record_based_tfxio.AppendRawRecordColumn(batch, self._raw_column, rows)
            yield batch


def _files(pattern: str) -> list[str]:
    """Files of a pattern, in a fixed order: the last digits of results depend on it.

    Raises:
        StorageError: If there is no file.
    """
    [match] = FileSystems.match([pattern])
    if not match.metadata_list:
        raise StorageError(
            f"There are no examples in {pattern}. Make them again: python -m pipeline run "
            "--no-cache"
        )
    return sorted(file.path for file in match.metadata_list)


def _batches(file: str) -> Iterator[list[bytes]]:
    """Serialized examples in batches of about the size that TFX's reader would take.

    Raises:
        StorageError: If the file is damaged.
    """
    rows: list[bytes] = []
    size = 0
    for some in _read_batches(file):
        rows += some
        size += sum(map(len, some))
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _read_batches(file: str) -> Iterator[list[bytes]]:
    records = tf.data.TFRecordDataset(file, "GZIP").batch(_ROWS_AT_ONCE).prefetch(_AHEAD)
    try:
        for some in records.as_numpy_iterator():
            yield some.tolist()
    except tf.errors.DataLossError as error:
        raise StorageError(
            f"{file} is damaged. Make it again: python -m pipeline run --no-cache"
        ) from error
