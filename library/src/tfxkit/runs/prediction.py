"""Predictions of a pushed model for a file: its rows and columns as they are, and what it predicts.

The file is read and typed as ExampleGen does it, by the schema that the model was trained with, and
as the files were written that it was trained on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.utils import io_utils

from tfxkit.components.example_gen.columns import column_types
from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.tables import column_names, read_batches, read_raw_batches
from tfxkit.config.data import CsvFormat
from tfxkit.config.dataset import Dataset, Task
from tfxkit.errors import DataError
from tfxkit.runs.spreadsheet import harmless
from tfxkit.storage import served_model
from tfxkit.training.export import OUTPUT

BATCH_ROWS = 4096


def predict(file: str, version_dir: str, output: BinaryIO, *, raw: bool = False) -> int:
    """Writes the rows of a file with the predictions for them, as CSV.

    They are in a column `prediction` (regression, or the most likely class), in `probability` or,
    where the label has names, in `probability_<positive value>` or `probability_<class>` for each
    class. Where the file has such a column already, `predicted_` comes before the name.

    Args:
        file: CSV or Parquet with a header; columns that no feature is made from need not be there.
        version_dir: A pushed version.
        output: Where the CSV goes: UTF-8, separated by commas.
        raw: Whether texts stay as they are even if a spreadsheet would run them.

    Returns:
        The number of rows.

    Raises:
        DataError: If the file cannot be read, or lacks columns that the model needs.
    """
    schema_file = os.path.join(version_dir, served_model.SCHEMA)
    types = column_types(io_utils.parse_pbtxt_file(schema_file, schema_pb2.Schema()))
    config = served_model.read_json(version_dir, served_model.CONFIG) or {}
    csv = CsvFormat.model_validate(config.get("csv", {}))
    dataset = Dataset.model_validate(config["dataset"])
    _check_columns(file, column_names(file, types, csv), served_model.columns(version_dir))
    model = tf.saved_model.load(version_dir)
    rows, writer = 0, None
    raw_batches, typed_batches = read_raw_batches(file, types, csv), read_batches(file, types, csv)
    for given, typed in zip(raw_batches, typed_batches, strict=True):
        predictions = _predictions(model, typed, dataset)
        named = {_free(name, given.schema.names): values for name, values in predictions.items()}
        table = pa.table({**{name: given.column(name) for name in given.schema.names}, **named})
        table = table if raw else harmless(table)
        writer = writer or pyarrow.csv.CSVWriter(output, table.schema)
        writer.write_table(table)
        rows += given.num_rows
    if writer is None:
        raise DataError(f"{file} has no rows.")
    writer.close()
    return rows


def _check_columns(file: str, names: Sequence[str], needed: Sequence[str]) -> None:
    """A column that is not there would count as missing in each row, and predictions look good."""
    if missing := [name for name in needed if name not in names]:
        raise DataError(
            f"{file} lacks columns that the model needs: {', '.join(missing)}. Add them; where a "
            "value is not known, leave it empty."
        )


def _predictions(model: tf.Module, batch: pa.RecordBatch, dataset: Dataset) -> dict[str, pa.Array]:
    serve = model.signatures["serving_default"]
    found: dict[str, list[np.ndarray]] = {}
    for examples in _slices(encode_batch(batch)):
        for name, values in serve(examples=tf.constant(examples)).items():
            found.setdefault(name, []).append(values.numpy())
    return {
        column: values
        for name, parts in found.items()
        for column, values in _columns(name, np.concatenate(parts), dataset)
    }


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"predicted_{name}"
    return name


def _slices(examples: pa.Array) -> Iterator[list[bytes]]:
    for start in range(0, len(examples), BATCH_ROWS):
        yield examples.slice(start, BATCH_ROWS).to_pylist()


def _columns(name: str, values: np.ndarray, dataset: Dataset) -> Iterator[tuple[str, pa.Array]]:
    """A tensor of shape [rows], [rows, 1] or [rows, n] as one column or several."""
    width = int(np.prod(values.shape[1:]))
    flat = values.reshape(len(values), width)
    names = [name] if width == 1 else [f"{name}_{index}" for index in range(width)]
    label = dataset.label
    if name == OUTPUT[Task.MULTICLASS] and width == len(label.classes):
        names = [f"probability_{one}" for one in label.classes]
        yield "prediction", pa.array(np.array(label.classes, object)[flat.argmax(axis=1)])
    elif name == OUTPUT[Task.BINARY] and label.positive is not None:
        names = [f"probability_{label.positive}"]
    for index, column_name in enumerate(names):
        column = pa.array(flat[:, index])
        yield column_name, pc.cast(column, pa.string()) if column.type == pa.binary() else column
