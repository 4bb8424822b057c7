"""Subcommand that makes a span from a database or a table: `ingest`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxkit.commands import Subcommand, add_config_options, config_selection
from tfxkit.errors import UsageError

if TYPE_CHECKING:
    from tfxkit.config.ingest import IngestConfig
    from tfxkit.config.loading import Config
    from tfxkit.ingestion.sources import Source
    from tfxkit.ingestion.spans import SpanPlace, Written
    from tfxkit.values.reading import Reading

# Of a connection string within a query, as DuckDB's postgres_scan takes it.
_PASSWORD = re.compile(r"'[^']*\b(password|passwd|pwd)\s*=\s*[^'\s][^']*'", re.IGNORECASE)
_INGEST = """\
Make a span from a query of a database, or from a Delta or Iceberg table.

The source is in section `ingest` of the configuration. The rows get the types of
configs/schema.pbtxt, and are written as the next span, or not at all. With --again the interval of
an existing span is read once more, as a new version of it.
"""


def _add_ingest_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--begin", metavar="TIME", help="first moment of the span, in ISO format, UTC by default"
    )
    parser.add_argument("--end", metavar="TIME", help="end of the span, which is not part of it")
    parser.add_argument(
        "--again", type=int, metavar="SPAN", help="make this span once more, as its next version"
    )
    parser.add_argument(
        "--no-schema", action="store_true", help="keep the types of the source: before `init`"
    )
    add_config_options(parser)


def ingest_span(args: argparse.Namespace) -> int:
    """Writes a span; returns 0."""
    from tfxkit.ingestion.queries import SpanInterval

    if (args.begin is None) != (args.end is None):
        raise UsageError("Give both --begin and --end.")
    if args.again is not None and args.begin is not None:
        raise UsageError("--again takes the interval of that span: leave out --begin and --end.")
    interval = SpanInterval.parse(args.begin, args.end) if args.begin is not None else None
    selection = config_selection(args)
    config = selection.load()
    section, base = _checked(config, selection.folder())
    query = _query(section, selection.folder())
    from tfxkit.runs.outputs import Outputs
    from tfxkit.runs.run_log import captured

    outputs = Outputs.of(selection, config)
    with captured(outputs.root / "ingest.log") as terminal:
        from tfxkit.ingestion.sources import open_rows
        from tfxkit.ingestion.spans import next_place, place_again, write_span

        changed, rows_before = False, None
        if args.again is None:
            place = next_place(base)
        else:
            place, before = place_again(base, args.again)
            changed, rows_before = before["query"] != query, before["rows"]
            if before["interval"]:
                interval = SpanInterval.parse(*before["interval"])
        source = _source(section, selection.folder())
        reading = None if args.no_schema else _reading(config, selection.folder())
        with open_rows(section, source, query, interval) as rows:
            facts = _provenance(section, query, source.description, interval, reading)
            if rows.table_version is not None:
                facts["table_version"] = rows.table_version
            written = write_span(rows, reading, place, facts)
        terminal.write(_report(place, written, source.description, interval))
        if rows_before not in (None, written.rows):
            terminal.write(f"Version {place.version - 1} has {rows_before:,} rows.\n")
        if changed:
            terminal.write(f"The query is another one than that of version {place.version - 1}.\n")
        terminal.write(f"Next: {outputs.command('run')}\n")
    return 0


def _checked(config: Config, config_dir: Path) -> tuple[IngestConfig, str]:
    from tfxkit.config.loading import data_path

    if config.ingest is None:
        raise UsageError(
            "The configuration has no section `ingest`. Add one to configs/base.yaml, such as:\n"
            "ingest:\n  driver: postgresql\n  uri: WAREHOUSE_URI # an environment variable\n"
            "  query: SELECT * FROM trips WHERE started >= {{ begin }} AND started < {{ end }}"
        )
    if config.data.reader is not None:
        raise UsageError("data.reader reads other sources than spans: `ingest` has no effect.")
    return config.ingest, data_path(config, config_dir).rstrip("/")


def _query(section: IngestConfig, config_dir: Path) -> str:
    from tfxkit.config.loading import project_path
    from tfxkit.config.secrets import refuse_secrets

    query = section.query
    if section.query_file:
        path = project_path(section.query_file, config_dir)
        try:
            query = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"ingest.query_file: {path} cannot be read: {error}") from None
    try:  # the span and the report hold the query
        refuse_secrets({"ingest.query": query})
    except ValueError as error:
        raise UsageError(str(error)) from None
    if _PASSWORD.search(query):
        raise UsageError(
            "ingest.query has a password in a text, which the span and the report would hold. Give "
            "it to the database in another way, such as a secret that the database stores."
        )
    return query


def _source(section: IngestConfig, config_dir: Path) -> Source:
    from tfxkit.config.loading import project_path
    from tfxkit.ingestion.sources import source_of

    path = project_path(section.path, config_dir) if section.path else ""
    return source_of(section, path, str(config_dir.parent))


def _reading(config: Config, config_dir: Path) -> Reading:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from tfxkit.config.loading import SCHEMA_FILE
    from tfxkit.values.reading import Reading

    path = config_dir / SCHEMA_FILE
    try:
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError:
        raise UsageError(
            f"There is no {path}. To keep the types of the source, add --no-schema."
        ) from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no schema: {error}") from None
    return Reading.of(schema, config.data.csv, config.data.columns)


def _provenance(
    section: IngestConfig, query: str, source: str, interval: Any, reading: Reading | None
) -> dict[str, Any]:
    import datetime

    return {
        "driver": section.driver,
        "source": source,
        "query": query,
        "time_column": section.time_column,
        "interval": list(interval.texts()) if interval else None,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "types": {name: how.type for name, how in reading.columns.items()} if reading else {},
    }


def _report(place: SpanPlace, written: Written, source: str, interval: Any) -> str:
    lines = [
        f"{place.span}, version {place.version}: {written.rows:,} rows from {source}"
        + (f", {interval} (UTC)" if interval else ""),
        f"Written to {place.file}",
    ]
    for name, reason in written.left_out.items():
        lines.append(f"Left out: {name} is {reason}.")
    if written.new:
        lines.append(f"Not in the schema: {', '.join(written.new)}.")
    if written.absent:
        lines.append(f"In the schema, and not in the source: {', '.join(written.absent)}.")
    return "\n".join(lines) + "\n"


SUBCOMMANDS = (Subcommand("ingest", _INGEST, _add_ingest_arguments, ingest_span),)
