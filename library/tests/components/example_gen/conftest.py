"""Small spans, and the schema that they are read with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.components.example_gen.columns import ARROW_TYPES, column_types
from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.tables import column_names, read_batches
from tfxkit.config.data import CsvFormat

SCHEMA = """
feature { name: "count" type: INT }
feature { name: "price" type: FLOAT }
feature { name: "name" type: BYTES }
"""


def read_table(path: str, schema: schema_pb2.Schema, **csv: object) -> pa.Table:
    """All batches of a file as one table; further arguments say how a CSV file is written."""
    how = CsvFormat.model_validate(csv)
    types = column_types(schema)
    names = [name for name in column_names(path, types, how) if name in types]
    fields = pa.schema([(name, ARROW_TYPES[types[name]]) for name in names])
    return pa.Table.from_batches(read_batches(path, types, how), fields)


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
