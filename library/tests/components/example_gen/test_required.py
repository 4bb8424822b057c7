"""Rows without a value that each row must have are left out, and counted."""

import math

import pyarrow as pa
import pytest

from tfxkit.components.example_gen.columns import Required
from tfxkit.components.example_gen.encoding import encode_batch


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ([1.5, None, math.nan, 0.0], pa.float32(), [0, 3]),
        ([0, None, -1], pa.int64(), [0, 2]),
        ([b"a", None, b"", b"  ", "é".encode()], pa.binary(), [0, 4]),
        (["\u00a0\u200b".encode(), b"\xff", "\ufeff".encode(), b"\t"], pa.binary(), [1]),
        ([None, None], pa.int64(), []),
    ],
)
def test_rows_without_a_value_are_left_out(values, kind, kept):
    rows = pa.array(range(len(values)), pa.int64())
    batch = pa.RecordBatch.from_arrays([pa.array(values, kind), rows], ["y", "row"])
    required = Required(["y"])
    assert required(batch)["row"].to_pylist() == kept
    required(batch)
    assert required.left_out == 2 * (len(values) - len(kept))
    assert len(encode_batch(required(batch))) == len(kept)


def test_a_file_without_such_a_column_has_no_such_rows():
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2])], ["x"])
    assert Required(["y"])(batch).num_rows == 0
    assert Required([])(batch) is batch
