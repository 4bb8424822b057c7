"""Raw columns as dense tensors: one value a row, and a mask of missing ones."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfxkit.errors import ModelError

RawColumns = Mapping[str, tf.SparseTensor | tf.Tensor]


class Columns(Mapping[str, tf.Tensor]):
    """Raw columns of a batch, by name, as `preprocessing_fn` works with them.

    Each is a dense tensor of shape [batch], with the first value of each row. As in pandas, numbers
    of any type are float64 with NaN where a value is missing, so they can be mixed in arithmetic;
    text has "" there. Whole numbers are exact up to 2**53.

    Attributes:
        names: Of all columns in the schema, those of the label included.
        used: Names of the columns that were read.
    """

    def __init__(self, raw: RawColumns, label_columns: Collection[str] = ()) -> None:
        """Wraps the columns.

        Args:
            raw: The inputs of `preprocessing_fn`.
            label_columns: Those that only the label is made from, which are absent at serving.
        """
        self._raw = raw
        self.names = frozenset(raw)
        self.used: set[str] = set()
        self._label_columns = label_columns
        self._column_of: dict[Any, str] = {}  # by the reference of a tensor that was handed out

    def __getitem__(self, name: str) -> tf.Tensor:
        """Returns a column as a dense tensor.

        Raises:
            ModelError: If the schema has no such column, or if the label is made from it.
        """
        self._use(name)
        values, missing = first_value(self._raw[name])
        if values.dtype != tf.string:
            nan = tf.constant(float("nan"), tf.float64)
            values = tf.where(missing, nan, tf.cast(values, tf.float64))
        self._column_of[values.ref()] = name
        return values

    def first_values(self, names: Iterable[str]) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """Takes `first_value` of each of these columns, with few operations for many.

        Raises:
            ModelError: If the schema has no such column, or if the label is made from it.
        """
        chosen = tuple(names)
        self._use(*chosen)
        columns = first_values({name: self._raw[name] for name in chosen})
        for name, tensors in columns.items():
            self._column_of |= {tensor.ref(): name for tensor in tensors}
        return columns

    def sources_of(self, tensors: Iterable[tf.Tensor]) -> tuple[str, ...]:
        """Columns whose values in a row go into tensors, in alphabetical order.

        Columns that only contribute a statistic of the training data, such as a mean, are left
        out.
        """
        sources, seen, left = set(), set(), list(tensors)
        while left:
            tensor = left.pop()
            if tensor.ref() in seen:
                continue
            seen.add(tensor.ref())
            # The search ends here: behind it, the columns of a type share operations.
            if tensor.ref() in self._column_of:
                sources.add(self._column_of[tensor.ref()])
            else:
                left.extend(tensor.op.inputs)
        return tuple(sorted(sources))

    def _use(self, *names: str) -> None:
        """Records that features are made from these columns.

        Raises:
            ModelError: If a column is missing, or only the label is made from it.
        """
        for name in names:
            if name in self._label_columns:
                raise ModelError(
                    f"A feature reads the column {name!r}, which the label is made from: such a "
                    "column is unknown when the model is served. Leave it out."
                )
            if name not in self.names:
                near = difflib.get_close_matches(name, self._raw, 1)
                hint = f"Did you mean {near[0]!r}?" if near else "Add it there, or leave it out."
                raise ModelError(
                    f"A feature reads the column {name!r}, which the schema does not have. {hint}"
                )
        self.used.update(names)

    def __iter__(self) -> Iterator[str]:
        """Names of all columns that features may use."""
        return (name for name in self._raw if name not in self._label_columns)

    def __len__(self) -> int:
        """Number of columns that features may use."""
        return sum(1 for _ in self)


def first_values(columns: RawColumns) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """Takes `first_value` of each column, with few operations for many columns."""
    values: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}
    for dtype in dict.fromkeys(column.dtype for column in columns.values()):
        names = [
            name
            for name, column in columns.items()
            if column.dtype == dtype and isinstance(column, tf.SparseTensor)
        ]
        if len(names) > 1:  # SparseConcat takes two or more
            both = _first_of_each([columns[name] for name in names])
            parts = (tf.unstack(part) for part in _without_blanks(*both))
            values |= dict(zip(names, zip(*parts, strict=True), strict=True))
    return {
        name: values[name] if name in values else first_value(column)
        for name, column in columns.items()
    }


def first_value(column: tf.SparseTensor | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Takes the first value of each row.

    Args:
        column: A column from tf.Transform: sparse where values may be missing, else dense, of
            shape [batch] or [batch, values].

    Returns:
        The values, 0 or "" where missing, and a bool that is true there; both of shape [batch]. NaN
        and the empty text count as missing.
    """
    if isinstance(column, tf.SparseTensor):
        first = tf.sparse.retain(column, column.indices[:, 1] == 0)
        rows, batch = first.indices[:, :1], column.dense_shape[:1]
        values = tf.scatter_nd(rows, first.values, batch)
        missing = ~tf.scatter_nd(rows, tf.ones_like(rows[:, 0], tf.bool), batch)
    else:
        values = column if column.shape.rank == 1 else column[:, 0]
        missing = tf.zeros_like(values, tf.bool)
    return _without_blanks(values, missing)


def _first_of_each(columns: Sequence[tf.SparseTensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Values and mask of missing values, [columns, batch], of columns of one type."""
    indices, values, shape = tf.raw_ops.SparseConcat(
        indices=[column.indices for column in columns],
        values=[column.values for column in columns],
        shapes=[column.dense_shape for column in columns],
        concat_dim=1,
    )
    row, position = indices[:, 0], indices[:, 1]
    widths = tf.stack([column.dense_shape for column in columns])[:, 1]
    starts = tf.cumsum(widths, exclusive=True)
    column = tf.searchsorted(starts, position, side="right", out_type=tf.int64) - 1
    first = tf.where(position == tf.gather(starts, column))[:, 0]
    places = tf.gather(tf.stack([column, row], axis=1), first)
    whole = tf.stack([tf.constant(len(columns), tf.int64), shape[0]])
    present = tf.scatter_nd(places, tf.ones_like(places[:, 0], tf.bool), whole)
    return tf.scatter_nd(places, tf.gather(values, first), whole), ~present


def _without_blanks(values: tf.Tensor, missing: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Marks NaN and empty text as missing; any shape."""
    if values.dtype == tf.string:
        missing |= values == ""
    elif values.dtype.is_floating:
        missing |= tf.math.is_nan(values)
        values = tf.where(missing, tf.zeros_like(values), values)
    return values, missing


def as_text(values: tf.Tensor) -> tf.Tensor:
    """Numbers as text, 8.0 as "8"; text unchanged."""
    if values.dtype == tf.string:
        return values
    if values.dtype == tf.float64:  # as `Columns` gives whole numbers and others
        whole = tf.cast(values, tf.int64)
        fraction = tf.strings.as_string(tf.cast(values, tf.float32), shortest=True)
        return tf.where(tf.cast(whole, tf.float64) == values, tf.strings.as_string(whole), fraction)
    if values.dtype.is_floating:
        return tf.strings.as_string(values, shortest=True)
    return tf.strings.as_string(values)
