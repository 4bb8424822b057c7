"""Rows of a database by ADBC, or of a Delta table, as Arrow record batches."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.config.ingest import IngestConfig
from tfxkit.errors import StorageError, UsageError
from tfxkit.extras import require_extra
from tfxkit.ingestion.queries import SpanInterval, bind, check_interval
from tfxkit.storage.step_secrets import read_secret

# SQLite has no types of columns: the driver derives them from the first rows of a result.
_ROWS_FOR_TYPES = 1_000_000
_MODULES = {
    "sqlite": ("adbc_driver_sqlite.dbapi", "sql"),
    "postgresql": ("adbc_driver_postgresql.dbapi", "sql"),
    "duckdb": ("adbc_driver_duckdb.dbapi", "duckdb"),
    "delta": ("deltalake", "delta"),
}
# A query reads, and times without a zone are UTC, whatever server and account say.
_FIRST = {
    "postgresql": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET TIME ZONE 'UTC'",
    ),
    "duckdb": ("SET TimeZone = 'UTC'",),
}
_MASK = "•••"


@contextlib.contextmanager
def open_rows(
    config: IngestConfig, query: str, path: str, interval: SpanInterval | None
) -> Iterator[pa.RecordBatchReader]:
    """Opens the rows of a span.

    Args:
        config: The source.
        query: The text of the query; empty for a table.
        path: `config.path`, absolute or an address.
        interval: Selects the rows, if the source depends on one.

    Yields:
        A reader of record batches, open until the context ends.

    Raises:
        UsageError: If a package or a secret is missing, if the interval does not fit, or if the
            source refuses the query.
        StorageError: If the source cannot be reached, or fails while it is read.
    """
    module_name, extra = _MODULES[config.driver]
    require_extra(extra, f"Reading from {config.driver}")
    module = importlib.import_module(module_name)
    if config.driver == "delta":
        yield _delta_rows(module, config, path, interval)
        return
    sql, parameters = bind(query, interval, config.driver)
    address = _address(config, path)
    with _explained(address), contextlib.ExitStack() as stack:
        connection = stack.enter_context(_connected(module, config.driver, address))
        cursor = stack.enter_context(connection.cursor())
        try:
            if config.driver == "sqlite":
                option = {"adbc.sqlite.query.batch_rows": _ROWS_FOR_TYPES}
                cursor.adbc_statement.set_options(**option)
            cursor.execute(sql, parameters or None)
            reader = cursor.fetch_record_batch()
        except module.Error as error:
            text = masked(_first_lines(error), address)
            raise UsageError(f"{config.driver} refuses the query: {text}") from None
        yield reader


def description(config: IngestConfig, path: str) -> str:
    """The source without user and password, for people and for the provenance."""
    return public_address(_address(config, path)) if config.uri else path


def public_address(address: str) -> str:
    """Address of a database without user, password and options."""
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def masked(text: str, address: str) -> str:
    """Text of an error without the address of the source, its user and its password."""
    parts = urllib.parse.urlsplit(address)
    secrets = [address, parts.netloc.rpartition("@")[0], parts.password, parts.query]
    for secret in secrets:
        for spelling in (secret, urllib.parse.unquote(secret)) if secret else ():
            text = text.replace(spelling, _MASK)
    return text


def _address(config: IngestConfig, path: str) -> str:
    if not config.uri:
        return path
    try:
        return read_secret(config.uri)
    except LookupError as error:
        raise UsageError(f"ingest.uri: {error}.") from None


@contextlib.contextmanager
def _connected(module: Any, driver: str, address: str) -> Iterator[Any]:
    if driver != "postgresql" and not os.path.isfile(address):
        raise UsageError(f"ingest.path: there is no file {address}")
    try:
        if driver == "sqlite":  # read only; else a missing file would be created
            connection = module.connect(f"file:{urllib.parse.quote(address)}?mode=ro")
        elif driver == "duckdb":
            connection = _duckdb(address)
        else:
            connection = module.connect(address)
        if first := _FIRST.get(driver):
            with connection.cursor() as cursor:
                for statement in first:
                    cursor.execute(statement)
            connection.commit()
    except module.Error as error:
        raise StorageError(
            f"Cannot connect to {public_address(address) if '://' in address else address}: "
            f"{masked(_first_lines(error), address)}"
        ) from None
    with connection:
        yield connection


def _duckdb(path: str) -> Any:
    """Opens a database read-only, which the driver's own function cannot."""
    import adbc_driver_duckdb
    from adbc_driver_manager import dbapi

    return dbapi.connect(
        driver=adbc_driver_duckdb.driver_path(),
        entrypoint="duckdb_adbc_init",
        db_kwargs={"path": path, "access_mode": "read_only"},
    )


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turns an error of the driver while rows are read into one for people."""
    try:
        yield
    except (UsageError, StorageError):
        raise
    except Exception as error:
        if not _is_of_driver(error):
            raise
        raise StorageError(
            f"The source failed while its rows were read: {masked(_first_lines(error), address)}"
        ) from None


def _is_of_driver(error: Exception) -> bool:
    from adbc_driver_manager import Error

    return isinstance(error, Error)


def _first_lines(error: Exception) -> str:
    """Message of a driver on one line, without its own prefixes and codes."""
    text = re.sub(r"^[A-Z_]+: |\[\w+\] ", "", str(error).strip())
    return " ".join(text.split())


def _delta_rows(
    module: Any, config: IngestConfig, path: str, interval: SpanInterval | None
) -> pa.RecordBatchReader:
    check_interval(bool(config.time_column), interval, "ingest.time_column is not set")
    try:
        dataset = module.DeltaTable(path).to_pyarrow_dataset()
    except Exception as error:
        raise StorageError(
            f"{path} cannot be read as a Delta table: {_first_lines(error)}"
        ) from None
    schema = pa.schema(dataset.schema)
    chosen = None
    if config.time_column and interval:
        if config.time_column not in schema.names:
            raise UsageError(
                f"ingest.time_column: {path} has no column {config.time_column!r}; it has: "
                f"{', '.join(schema.names)}"
            )
        kind = schema.field(config.time_column).type
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            raise UsageError(
                f"ingest.time_column: {config.time_column} is {kind}, and no date or time"
            )
        begin, end = (_as_type(moment, kind) for moment in (interval.begin, interval.end))
        column = pc.field(config.time_column)
        chosen = (column >= begin) & (column < end)
    return dataset.scanner(filter=chosen).to_reader()


def _as_type(moment: Any, kind: pa.DataType) -> pa.Scalar:
    zone = getattr(kind, "tz", None)
    return pa.scalar(moment if zone else moment.replace(tzinfo=None)).cast(kind)
