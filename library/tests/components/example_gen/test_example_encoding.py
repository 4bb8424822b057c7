"""Rows become the very bytes that protobuf's deterministic serialization gives."""

import pyarrow as pa
import tensorflow as tf

from tests.components.example_gen.conftest import encode
from tfxkit.components.example_gen.encoding import encode_batch

TABLE = pa.table(
    {
        "zeta": pa.array([0, 1, -1, 127, 128, 2**63 - 1, -(2**63), None], pa.int64()),
        "alpha": pa.array([0.0, -1.5, 3e38, None, 1e-40, float("inf"), 0.1, None], pa.float32()),
        "Größe": pa.array([b"", b"a", b"\xff" * 200, b"x" * 20_000, None, b"b", b"c", None]),
        "l" * 300: pa.array([None] * 7 + [5], pa.int64()),
        "empty": pa.nulls(8, pa.binary()),
    }
)


def as_protobuf(row):
    example = tf.train.Example()
    for name, value in row.items():
        feature = example.features.feature
        if isinstance(value, bytes):
            feature[name].bytes_list.value.append(value)
        elif isinstance(value, float):
            feature[name].float_list.value.append(value)
        elif value is not None:
            feature[name].int64_list.value.append(value)
    # An example without features has an empty Features message, not none.
    example.features.SetInParent()
    return example.SerializeToString(deterministic=True)


def test_bytes_are_those_of_protobuf():
    assert encode(TABLE) == [as_protobuf(row) for row in TABLE.to_pylist()]


def test_order_of_columns_and_batches_changes_nothing():
    shuffled = TABLE.select(list(reversed(TABLE.column_names)))
    in_parts = pa.Table.from_batches(
        [batch for start in (0, 3) for batch in TABLE.slice(start, 5 if start else 3).to_batches()]
    )
    assert encode(shuffled) == encode(in_parts) == encode(TABLE)


def test_no_rows_are_no_examples():
    assert encode(TABLE.slice(0, 0)) == []
    assert encode_batch(TABLE.to_batches()[0].slice(8)).to_pylist() == []


def test_tensorflow_reads_them():
    parsed = tf.io.parse_example(
        encode(TABLE.slice(1, 2)),
        {
            "zeta": tf.io.FixedLenFeature([], tf.int64),
            "alpha": tf.io.FixedLenFeature([], tf.float32),
            "Größe": tf.io.VarLenFeature(tf.string),
        },
    )
    assert parsed["zeta"].numpy().tolist() == [1, -1]
    assert parsed["Größe"].values.numpy().tolist() == [b"a", b"\xff" * 200]
