"""Small spans, and the schema that they are read with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.tables import column_names, read_batches
from tfxkit.config.data import CsvFormat
from tfxkit.values.columns import ARROW_TYPES
from tfxkit.values.reading import ColumnReading, Reading

SCHEMA = """
feature { name: "count" type: INT }
feature { name: "price" type: FLOAT }
feature { name: "name" type: BYTES }
"""


def read_table(path: str, schema: schema_pb2.Schema, **csv: object) -> pa.Table:
    """All batches of a file as one table; further arguments say how a CSV file is written."""
    how = CsvFormat.model_validate(csv)
    reading = Reading.of(schema, how)
    names = [name for name in column_names(path, reading.columns, how) if name in reading.columns]
    fields = pa.schema([(name, ARROW_TYPES[reading.columns[name].type]) for name in names])
    return pa.Table.from_batches(read_batches(path, reading, how), fields)


def reading_of(types: Mapping[str, str], **settings: Any) -> Reading:
    """A reading of columns with types, without a schema."""
    columns = {name: ColumnReading.model_validate({"type": one}) for name, one in types.items()}
    return Reading(columns=columns, **settings)


def encode(table: pa.Table) -> list[bytes]:
    """All rows of a table as serialized examples."""
    return [row for batch in table.to_batches() for row in encode_batch(batch).to_pylist()]


@pytest.fixture
def small_schema() -> schema_pb2.Schema:
    return text_format.Parse(SCHEMA, schema_pb2.Schema())


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], str]:
    """Writes a file below the test's folder and returns its path."""

    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write
