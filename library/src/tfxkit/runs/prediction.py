"""Predictions of a pushed model for the rows of a file, beside the file's own columns.

The file is read as by ExampleGen, with the `Reading` and the CSV format of the data that the model
was trained on. Text that a spreadsheet would run as a formula gets an apostrophe before it,
as OWASP advises: otherwise whoever can write a row could make the reader's spreadsheet open
addresses or start programs ("CSV Injection", OWASP).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import tensorflow as tf

from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.tables import column_names, read_batches, read_raw_batches
from tfxkit.config.dataset import Dataset, Task
from tfxkit.errors import DataError
from tfxkit.features.training_values import TrainingValues, notices
from tfxkit.storage import served_model
from tfxkit.training.export import OUTPUT
from tfxkit.values.columns import is_binary, stored_values

_BATCH_ROWS = 4096
_FORMULA = r"^([=@\t\r]|[+\-][\s\S])"  # a sign alone is no formula, but often stands for no value
_NUMBER = r"^[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?$"


def predict(
    file: str,
    version_dir: str,
    output: BinaryIO,
    *,
    raw: bool = False,
    warn: Callable[[str], object] = lambda _: None,
) -> int:
    """Writes the rows of a file with the predictions for them, as CSV.

    The predictions are in a column `prediction` (regression, or the most likely class), in
    `probability` or, where the label has names, in `probability_<positive value>` or
    `probability_<class>` for each class. Where the file has such a column already, `predicted_`
    comes before the name.

    Args:
        file: CSV with a header, JSON lines or Parquet; columns that no feature is made from may
            be missing.
        version_dir: A pushed version.
        output: Stream for the CSV: UTF-8, separated by commas.
        raw: Whether texts stay as they are even if a spreadsheet would run them.
        warn: Receives a sentence about each column whose values are mostly unlike those of the
            training data.

    Returns:
        The number of rows.

    Raises:
        DataError: If the file cannot be read, or lacks columns that the model needs.
    """
    reading, csv = served_model.reading(version_dir), served_model.csv_format(version_dir)
    config = served_model.read_json(version_dir, served_model.CONFIG) or {}
    dataset = Dataset.model_validate(config["dataset"])
    _check_columns(
        file, column_names(file, reading.columns, csv), served_model.columns(version_dir)
    )
    model = tf.saved_model.load(version_dir)
    trained = TrainingValues.of(version_dir)
    counts = trained.start()
    rows, writer = 0, None
    raw_batches = read_raw_batches(file, reading.columns, csv)
    for batch, typed in zip(raw_batches, read_batches(file, reading, csv), strict=True):
        trained.count(typed, counts)
        columns = {name: _for_csv(batch.column(name)) for name in batch.schema.names}
        for name, values in _predictions(model, typed, dataset).items():
            columns[_free(name, batch.schema.names)] = values
        table = pa.table(columns) if raw else harmless(pa.table(columns))
        writer = writer or pyarrow.csv.CSVWriter(output, table.schema)
        writer.write_table(table)
        rows += batch.num_rows
    if writer is None:
        raise DataError(f"{file} has no rows.")
    writer.close()
    for notice in notices(counts):
        warn(notice)
    return rows


def _check_columns(file: str, names: Sequence[str], needed: Sequence[str]) -> None:
    """Refuses a file without a column that the model needs: its values would count as missing."""
    if missing := [name for name in needed if name not in names]:
        raise DataError(
            f"{file} lacks columns that the model needs: {', '.join(missing)}. Add them; where a "
            "value is not known, leave it empty."
        )


def _predictions(model: tf.Module, batch: pa.RecordBatch, dataset: Dataset) -> dict[str, pa.Array]:
    serve = model.signatures["serving_default"]
    tensors: dict[str, list[np.ndarray]] = {}
    for examples in _slices(encode_batch(batch)):
        for name, values in serve(tf.constant(examples)).items():
            tensors.setdefault(name, []).append(values.numpy())
    return {
        column: values
        for name, parts in tensors.items()
        for column, values in _columns(name, np.concatenate(parts), dataset)
    }


def _for_csv(column: pa.Array) -> pa.Array:
    """Values of any Arrow type as CSV has them.

    Dictionaries are decoded, bytes are text or else hexadecimal, lists and structs are JSON.
    """
    values = stored_values(column)
    while pa.types.is_dictionary(values.type):
        values = stored_values(values.dictionary_decode())
    if is_binary(values.type):
        values = values.cast(pa.binary())
        try:
            return values.cast(pa.string())
        except pa.ArrowInvalid:
            return pa.array([v if v is None else v.hex() for v in values.to_pylist()], pa.string())
    if pa.types.is_nested(values.type) or pa.types.is_interval(values.type):
        texts = [v if v is None else json.dumps(v, default=str) for v in values.to_pylist()]
        return pa.array(texts, pa.string())
    return values


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"predicted_{name}"
    return name


def _slices(examples: pa.Array) -> Iterator[list[bytes]]:
    for start in range(0, len(examples), _BATCH_ROWS):
        yield examples.slice(start, _BATCH_ROWS).to_pylist()


def _columns(name: str, values: np.ndarray, dataset: Dataset) -> Iterator[tuple[str, pa.Array]]:
    """A tensor of shape [rows], [rows, 1] or [rows, n] as one column or several."""
    width = int(np.prod(values.shape[1:]))
    flat = values.reshape(len(values), width)
    names = [name] if width == 1 else [f"{name}_{index}" for index in range(width)]
    label = dataset.label
    if name == OUTPUT[Task.MULTICLASS] and width == len(label.classes):
        names = [f"probability_{label_class}" for label_class in label.classes]
        yield "prediction", pa.array(np.array(label.classes, object)[flat.argmax(axis=1)])
    elif name == OUTPUT[Task.BINARY] and label.positive is not None:
        names = [f"probability_{label.positive}"]
    for index, column_name in enumerate(names):
        column = pa.array(flat[:, index])
        yield column_name, pc.cast(column, pa.string()) if column.type == pa.binary() else column


def harmless(table: pa.Table) -> pa.Table:
    """Marks texts and names of columns that a spreadsheet would run; numbers stay.

    Args:
        table: Columns of any type; only those of text are changed.
    """
    columns = [_marked_column(column) for column in table.columns]
    return pa.table(columns, names=[_marked_name(name) for name in table.column_names])


def _marked_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    formula = pc.and_not(
        pc.match_substring_regex(column, _FORMULA), pc.match_substring_regex(column, _NUMBER)
    )
    if not pc.any(formula).as_py():
        return column
    empty = pa.scalar("", column.type)
    marked = pc.binary_join_element_wise(pa.scalar("'", column.type), column, empty)
    return pc.if_else(formula, marked, column)


def _marked_name(name: str) -> str:
    return f"'{name}" if re.match(_FORMULA, name) and not re.match(_NUMBER, name) else name
