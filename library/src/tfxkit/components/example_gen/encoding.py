"""Encoding of tables as serialized `tf.Example`s, with the same bytes in every process.

This module writes the wire format itself, column by column. tfx_bsl's RecordBatchToExamplesEncoder
orders the features of an example differently in each process (seen with tfx_bsl 1.21; it is the
order of a C++ protobuf map), so neither the files nor a hash of the row would be the same in the
next run. Here features are sorted by name, as in protobuf's deterministic serialization. It is
faster, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Fields of tf.Example (tensorflow/core/example/example.proto), as tags of length-delimited fields.
_LEN = 2
_FEATURES = _MAP_ENTRY = _KEY = _VALUES = (1 << 3 | _LEN).to_bytes()
_FEATURE = (2 << 3 | _LEN).to_bytes()
_LIST = {
    pa.binary(): (1 << 3 | _LEN).to_bytes(),  # bytes_list
    pa.float32(): (2 << 3 | _LEN).to_bytes(),  # float_list
    pa.int64(): (3 << 3 | _LEN).to_bytes(),  # int64_list
}
_MORE = 0x80  # the top bit of a byte of a varint: another one follows
_VARINT_BITS = 7  # of a value, in each byte


def encode_batch(batch: pa.RecordBatch) -> pa.Array:
    """Encodes the rows of a batch as serialized `tf.Example`s.

    Args:
        batch: One or more columns of int64, float32 or binary.

    Returns:
        A binary array, as long as the batch.
    """
    names = sorted(batch.schema.names, key=str.encode)
    entries = [_entries(name, batch.column(name)) for name in names]
    features = pc.binary_join_element_wise(*entries, b"")
    return _prefixed(features, lambda size: _FEATURES + _varint(size))


def encode_features(column: pa.Array) -> pa.Array:
    """Encodes each value of a column as a serialized `tf.Feature`, null where it is missing."""
    return _prefixed(_payload(column), lambda size: _feature(column.type, size))


def _entries(name: str, column: pa.Array) -> pa.Array:
    """Map entry `name: Feature` of each row, empty where the value is missing."""
    key = _KEY + _varint(len(name.encode())) + name.encode()

    def header(size: int) -> bytes:
        # From the inside out: feature, map entry. Only lengths differ by row.
        feature = _feature(column.type, size)
        entry = key + _FEATURE + _varint(len(feature) + size) + feature
        return _MAP_ENTRY + _varint(len(entry) + size) + entry

    entries = _prefixed(_payload(column), header)
    return pc.coalesce(entries, b"") if column.null_count else entries


def _feature(kind: pa.DataType, size: int) -> bytes:
    """Bytes before the value in its feature."""
    values = _VALUES + _varint(size)
    return _LIST[kind] + _varint(len(values) + size) + values


def _payload(column: pa.Array) -> pa.Array:
    """Value in the wire format: little-endian float, varint or bytes."""
    if column.type == pa.binary():
        return column
    # fill_null gives a fresh array without offset, whose buffer can be read as it is.
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    payload = _floats(values) if column.type == pa.float32() else _varints(values)
    return pc.if_else(column.is_valid(), payload, None) if column.null_count else payload


def _floats(values: np.ndarray) -> pa.Array:
    data = np.ascontiguousarray(values, dtype="<f4")
    offsets = np.arange(len(values) + 1, dtype=np.int32) * data.itemsize
    return _binary(offsets, data)


def _varints(values: np.ndarray) -> pa.Array:
    """Seven bits a byte, the lowest first, negative numbers as 64 bits."""
    rest = values.astype(np.int64).view(np.uint64)
    # No wider than the largest value needs: most columns hold small numbers.
    position = np.arange(_varint_bytes(int(rest.max(initial=0))))
    groups = rest[:, None] >> position.astype(np.uint64) * np.uint64(_VARINT_BITS)
    sizes = np.maximum((groups != 0).sum(axis=1), 1)
    more = position < sizes[:, None] - 1
    encoded = (groups % np.uint64(_MORE)).astype(np.uint8) + more.astype(np.uint8) * np.uint8(_MORE)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return _binary(offsets, encoded[position < sizes[:, None]])


def _varint_bytes(value: int) -> int:
    return max(-(-value.bit_length() // _VARINT_BITS), 1)


def _binary(offsets: np.ndarray, data: np.ndarray) -> pa.Array:
    return pa.BinaryArray.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def _prefixed(payload: pa.Array, header: Callable[[int], bytes]) -> pa.Array:
    """Prefixes each value with the header for its length; there are few different lengths."""
    sizes = pc.binary_length(payload).dictionary_encode()
    headers = pa.array([header(size) for size in sizes.dictionary.to_pylist()], pa.binary())
    return pc.binary_join_element_wise(headers.take(sizes.indices), payload, b"")


def _varint(size: int) -> bytes:
    low = b""
    while size >= _MORE:
        low += (size % _MORE | _MORE).to_bytes()
        size >>= _VARINT_BITS
    return low + size.to_bytes()
