"""Rows of Delta and Iceberg tables as Arrow record batches."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.config.ingest import IngestConfig
from tfxkit.errors import StorageError, UsageError
from tfxkit.ingestion.addresses import masked, one_line, public_address, secret_parts
from tfxkit.ingestion.databases import secret
from tfxkit.ingestion.queries import SpanInterval, check_interval

_SQLITE = "sqlite:///"
Bounds = tuple[datetime.datetime | datetime.date, datetime.datetime | datetime.date]


@dataclasses.dataclass(frozen=True)
class DeltaSource:
    """A Delta table on a disk or in a store."""

    path: str

    @property
    def description(self) -> str:
        """Folder or address of the table."""
        return self.path

    def explain(self, error: Exception) -> str:
        """Message of an error on one line."""
        return one_line(error)

    def rows(
        self, module: Any, time_column: str | None, interval: SpanInterval | None
    ) -> tuple[pa.RecordBatchReader, str]:
        """The rows of an interval, and the version of the table.

        Raises:
            UsageError: If the interval does not fit the table.
            StorageError: If the table cannot be read.
        """
        try:
            table = module.DeltaTable(self.path)
            dataset = table.to_pyarrow_dataset()
        except Exception as error:
            raise StorageError(
                f"{self.path} cannot be read as a Delta table: {self.explain(error)}"
            ) from None
        chosen = None
        schema = pa.schema(dataset.schema)
        if bounds := time_bounds(schema, time_column, interval, self.path):
            kind = schema.field(time_column).type
            begin, end = (pa.scalar(bound).cast(kind) for bound in bounds)
            chosen = (pc.field(time_column) >= begin) & (pc.field(time_column) < end)
        return dataset.scanner(filter=chosen).to_reader(), str(table.version())


@dataclasses.dataclass(frozen=True)
class IcebergSource:
    """A table of an Iceberg catalog.

    Attributes:
        table: Its name, with the namespace.
        catalog: Properties of the catalog without secrets.
        secrets: Properties that are secrets.
    """

    table: str
    catalog: Mapping[str, str]
    secrets: Mapping[str, str] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, config: IngestConfig, config_dir: str) -> IcebergSource:
        """Reads the secrets that the configuration refers to.

        Args:
            config: The source.
            config_dir: Folder that relative paths of SQLite catalogs and warehouses begin at.

        Raises:
            UsageError: If a secret, or the file of an SQLite catalog, is missing.
        """
        secrets = {
            name: secret(f"catalog_secrets.{name}", reference)
            for name, reference in config.catalog_secrets.items()
        }
        uri = config.catalog.get("uri", "")
        if uri.startswith(_SQLITE):  # SQLAlchemy creates a file that is missing
            path = os.path.join(config_dir, uri.removeprefix(_SQLITE))
            if not os.path.isfile(path):
                raise UsageError(f"ingest.catalog.uri: there is no file {path}")
            return cls(config.table, {**config.catalog, "uri": _SQLITE + path}, secrets)
        return cls(config.table, config.catalog, secrets)

    @property
    def description(self) -> str:
        """Name of the table, and the address of the catalog without user and password."""
        uri = self.secrets.get("uri") or self.catalog.get("uri", "")
        return f"{self.table} in {public_address(uri)}" if uri else self.table

    def explain(self, error: Exception) -> str:
        """Message of an error on one line, without secrets."""
        secrets = [
            part
            for value in self.secrets.values()
            for part in (value, *value.split(":"), *(secret_parts(value) if "@" in value else ()))
        ]
        text = one_line(error).partition(" (Background on this error")[0]
        return masked(text, secrets)

    def rows(
        self, time_column: str | None, interval: SpanInterval | None
    ) -> tuple[pa.RecordBatchReader, str]:
        """The rows of an interval, and the snapshot of the table.

        Raises:
            UsageError: If the interval does not fit the table.
            StorageError: If the table cannot be read.
        """
        from pyiceberg.catalog import load_catalog
        from pyiceberg.expressions import AlwaysTrue, And, GreaterThanOrEqual, LessThan

        properties = {"init_catalog_tables": "false", **self.catalog, **self.secrets}
        try:
            table = load_catalog("ingest", **properties).load_table(self.table)
            schema = table.schema().as_arrow()
        except Exception as error:
            raise StorageError(
                f"{self.description} cannot be read as an Iceberg table: {self.explain(error)}"
            ) from None
        bounds = time_bounds(schema, time_column, interval, self.description)
        chosen = AlwaysTrue()
        if bounds:
            begin, end = (bound.isoformat() for bound in bounds)
            chosen = And(GreaterThanOrEqual(time_column, begin), LessThan(time_column, end))
        try:
            snapshot = table.current_snapshot()
            reader = table.scan(row_filter=chosen).to_arrow_batch_reader()
        except Exception as error:
            raise StorageError(
                f"{self.description} cannot be read: {self.explain(error)}"
            ) from None
        return reader, str(snapshot.snapshot_id) if snapshot else ""


def time_bounds(
    schema: pa.Schema, time_column: str | None, interval: SpanInterval | None, source: str
) -> Bounds | None:
    """Both ends of an interval as values of the column that selects it; None for all rows.

    A date stands for its first moment in UTC, as in SQL.

    Raises:
        UsageError: If the interval or the column does not fit.
    """
    check_interval(bool(time_column), interval, "ingest.time_column is not set")
    if time_column is None or interval is None:
        return None
    if time_column not in schema.names:
        raise UsageError(
            f"ingest.time_column: {source} has no column {time_column!r}; it has: "
            f"{', '.join(schema.names)}"
        )
    kind = schema.field(time_column).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise UsageError(f"ingest.time_column: {time_column} is {kind}, and no date or time")
    begin, end = interval.begin, interval.end
    if pa.types.is_date(kind):
        return _first_day_from(begin), _first_day_from(end)
    if kind.tz is None:
        return begin.replace(tzinfo=None), end.replace(tzinfo=None)
    return begin, end


def _first_day_from(moment: datetime.datetime) -> datetime.date:
    last = moment - datetime.timedelta(microseconds=1)
    return last.date() + datetime.timedelta(days=1)
