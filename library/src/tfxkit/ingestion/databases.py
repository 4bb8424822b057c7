"""Results of SQL queries as Arrow record batches, by ADBC."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from tfxkit.config.ingest import IngestConfig
from tfxkit.errors import StorageError, UsageError
from tfxkit.ingestion.addresses import masked, one_line, public_address, secret_parts
from tfxkit.ingestion.queries import Parameter
from tfxkit.storage.step_secrets import read_secret

# SQLite has no types of columns: the driver derives them from the first rows of a result.
_ROWS_FOR_TYPES = 1_000_000
# A query reads, and times without a zone are UTC, whatever server and account say.
_FIRST = {
    "postgresql": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET TIME ZONE 'UTC'",
    ),
    "duckdb": ("SET TimeZone = 'UTC'",),
    "snowflake": ("ALTER SESSION SET TIMEZONE = 'UTC'",),
}
_FORMS = {
    "postgresql": ("postgresql://", "postgresql://user:password@host/database"),
    "snowflake": ("@", "user:password@account/database/schema?warehouse=NAME"),
}
_SNOWFLAKE_TIMEOUT = "60s"  # of the login, which is tried again until then; 3 minutes by default

_BIGQUERY_SECONDS = 30  # until the first answer; its driver retries without end


@dataclasses.dataclass(frozen=True)
class Database:
    """A database and the means to reach it.

    Attributes:
        driver: Of `tfxkit.config.ingest.IngestConfig`.
        address: A path, an address with user and password, or the project of BigQuery.
        key: JSON key of a service account, for BigQuery; empty for none.
    """

    driver: str
    address: str
    key: str = dataclasses.field(default="", repr=False)

    @classmethod
    def of(cls, config: IngestConfig, path: str) -> Database:
        """Reads the secrets that the configuration refers to.

        Args:
            config: The source, a database.
            path: `config.path`, absolute.

        Raises:
            UsageError: If a secret or the file of the database is missing, or an address has
                another form.
        """
        if config.driver == "bigquery":
            key = secret("credentials", config.credentials) if config.credentials else ""
            return cls(config.driver, config.project, key)
        if not config.uri:
            if not os.path.isfile(path):
                raise UsageError(f"ingest.path: there is no file {path}")
            return cls(config.driver, path)
        address = secret("uri", config.uri)
        mark, form = _FORMS[config.driver]
        if mark not in address.replace("postgres://", "postgresql://"):
            raise UsageError(f"ingest.uri: the address in {config.uri} must have the form {form}")
        return cls(config.driver, address)

    @property
    def description(self) -> str:
        """The database without user and password."""
        if self.driver == "bigquery":
            return f"bigquery://{self.address}"
        if self.driver in _FORMS:
            public = public_address(self.address)
            return public if "://" in public else f"{self.driver}://{public}"
        return self.address

    def explain(self, error: Exception) -> str:
        """Message of a driver on one line, without secrets."""
        secrets = [self.key, *_strings_of(self.key)]
        if self.driver in _FORMS:
            secrets += secret_parts(self.address)
        return masked(one_line(error), secrets)


def secret(name: str, reference: str) -> str:
    """Reads a secret of the section `ingest`.

    Raises:
        UsageError: If it is missing.
    """
    try:
        return read_secret(reference)
    except LookupError as error:
        raise UsageError(f"ingest.{name}: {error}.") from None


@contextlib.contextmanager
def query_result(
    module: Any, database: Database, sql: str, parameters: Sequence[Parameter]
) -> Iterator[pa.RecordBatchReader]:
    """Opens the result of a query, until the context ends.

    Args:
        module: The driver's DBAPI module.
        database: The database.
        sql: From `tfxkit.ingestion.queries.bind`.
        parameters: Also from there.

    Raises:
        UsageError: If the database refuses the query.
        StorageError: If it cannot be reached.
    """
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(_connected(module, database))
        cursor = stack.enter_context(connection.cursor())
        try:
            if database.driver == "sqlite":
                option = {"adbc.sqlite.query.batch_rows": _ROWS_FOR_TYPES}
                cursor.adbc_statement.set_options(**option)
            cursor.execute(sql, parameters or None)
            reader = cursor.fetch_record_batch()
        except module.Error as error:
            raise UsageError(
                f"{database.driver} refuses the query: {database.explain(error)}"
            ) from None
        yield reader


@contextlib.contextmanager
def _connected(module: Any, database: Database) -> Iterator[Any]:
    try:
        connection = _connect(module, database)
        if first := _FIRST.get(database.driver):
            with connection.cursor() as cursor:
                for statement in first:
                    cursor.execute(statement)
            if database.driver == "postgresql":
                connection.commit()
        if database.driver == "bigquery":
            _first_answer(connection)
    except module.Error as error:
        raise StorageError(
            f"Cannot connect to {database.description}: {database.explain(error)}"
        ) from None
    with connection:
        yield connection


def _connect(module: Any, database: Database) -> Any:
    if database.driver == "sqlite":  # read only; else a missing file would be created
        return module.connect(f"file:{urllib.parse.quote(database.address)}?mode=ro")
    if database.driver == "duckdb":
        return _duckdb(database.address)
    if database.driver == "snowflake":
        from adbc_driver_snowflake import DatabaseOptions

        wants = "logintimeout=" in database.address.lower()
        options = {} if wants else {DatabaseOptions.LOGIN_TIMEOUT.value: _SNOWFLAKE_TIMEOUT}
        return module.connect(database.address, db_kwargs=options, autocommit=True)
    if database.driver == "bigquery":
        return module.connect(db_kwargs=_bigquery_options(database), autocommit=True)
    return module.connect(database.address)


def _bigquery_options(database: Database) -> dict[str, str]:
    from adbc_driver_bigquery import DatabaseOptions

    options = {DatabaseOptions.PROJECT_ID.value: database.address}
    if database.key:
        kind = DatabaseOptions.AUTH_VALUE_JSON_CREDENTIAL_STRING.value
        options[DatabaseOptions.AUTH_TYPE.value] = kind
        options[DatabaseOptions.AUTH_CREDENTIALS.value] = database.key
    return options


def _first_answer(connection: Any) -> None:
    """Connects to BigQuery, which would happen with the query, within a time limit."""
    with connection.cursor() as cursor:
        limit = threading.Timer(_BIGQUERY_SECONDS, cursor.adbc_cancel)
        limit.daemon = True
        limit.start()
        try:
            cursor.execute("SELECT 1")
        finally:
            limit.cancel()


def _duckdb(path: str) -> Any:
    """Opens a database read-only, which the driver's own function cannot."""
    import adbc_driver_duckdb
    from adbc_driver_manager import dbapi

    return dbapi.connect(
        driver=adbc_driver_duckdb.driver_path(),
        entrypoint="duckdb_adbc_init",
        db_kwargs={"path": path, "access_mode": "read_only"},
    )


def _strings_of(key: str) -> list[str]:
    """Secret values of a JSON key."""
    try:
        values = json.loads(key or "{}")
    except ValueError:
        return []
    names = ("private_key", "private_key_id", "client_secret", "refresh_token")
    return (
        [str(values[name]) for name in names if name in values] if isinstance(values, dict) else []
    )
