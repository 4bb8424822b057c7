"""Sources of spans, databases and tables, as rows in record batches."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from tfxkit.config.ingest import IngestConfig
from tfxkit.errors import StorageError
from tfxkit.extras import require_extra
from tfxkit.ingestion.databases import Database, query_result
from tfxkit.ingestion.queries import SpanInterval, bind
from tfxkit.ingestion.tables import DeltaSource, IcebergSource

_MODULES = {
    "sqlite": ("adbc_driver_sqlite.dbapi", "sql"),
    "postgresql": ("adbc_driver_postgresql.dbapi", "sql"),
    "duckdb": ("adbc_driver_duckdb.dbapi", "duckdb"),
    "snowflake": ("adbc_driver_snowflake.dbapi", "snowflake"),
    "bigquery": ("adbc_driver_bigquery.dbapi", "bigquery"),
    "delta": ("deltalake", "delta"),
    "iceberg": ("pyiceberg", "iceberg"),
}

Source = Database | DeltaSource | IcebergSource


@dataclasses.dataclass(frozen=True)
class SourceRows:
    """Rows of a span.

    Attributes:
        schema: Their columns.
        batches: The rows; iterating raises StorageError if the source fails.
        table_version: Version or snapshot of a table that was read; None for a database.
    """

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    table_version: str | None = None


def source_of(config: IngestConfig, path: str, config_dir: str) -> Source:
    """The source that a configuration describes, with its secrets.

    Args:
        config: The source.
        path: `config.path`, absolute or an address.
        config_dir: Folder of the project, for relative paths.

    Raises:
        UsageError: If a secret or a file is missing.
    """
    if config.driver == "delta":
        return DeltaSource(path)
    if config.driver == "iceberg":
        return IcebergSource.of(config, config_dir)
    return Database.of(config, path)


@contextlib.contextmanager
def open_rows(
    config: IngestConfig, source: Source, query: str, interval: SpanInterval | None
) -> Iterator[SourceRows]:
    """Opens the rows of a span.

    Args:
        config: The source.
        source: From `source_of`.
        query: The text of the query; empty for a table.
        interval: Selects the rows, if the source depends on one.

    Yields:
        The rows, open until the context ends.

    Raises:
        UsageError: If a package is missing, if the interval does not fit, or if the source refuses
            the query.
        StorageError: If the source cannot be reached.
    """
    module_name, extra = _MODULES[config.driver]
    require_extra(extra, f"Reading from {config.driver}")
    module = importlib.import_module(module_name)
    if isinstance(source, Database):
        sql, parameters = bind(query, interval, config.driver)
        with query_result(module, source, sql, parameters) as reader:
            yield SourceRows(reader.schema, _explained(reader, source.explain))
        return
    if isinstance(source, DeltaSource):
        reader, version = source.rows(module, config.time_column, interval)
    else:
        reader, version = source.rows(config.time_column, interval)
    yield SourceRows(reader.schema, _explained(reader, source.explain), version)


def _explained(
    reader: pa.RecordBatchReader, explain: Callable[[Exception], str]
) -> Iterator[pa.RecordBatch]:
    """Batches of a reader, whose errors become ones for people."""
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except Exception as error:
            raise StorageError(
                f"The source failed while its rows were read: {explain(error)}"
            ) from None
        yield batch
