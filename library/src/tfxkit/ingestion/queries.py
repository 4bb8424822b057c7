"""Queries with the interval of a span in them, as parameters or literals of the database."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping

from tfxkit.errors import UsageError

_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_QUOTED = re.compile(r"'\s*\{\{[^']*\}\}\s*'")
_NAMES = ("begin", "end")

Parameter = datetime.datetime | str


@dataclasses.dataclass(frozen=True)
class SpanInterval:
    """Times of a span: from `begin` on, up to and without `end`. Both have the time zone UTC."""

    begin: datetime.datetime
    end: datetime.datetime

    @classmethod
    def parse(cls, begin: str, end: str) -> SpanInterval:
        """Parses ISO dates or times; without a time zone they are UTC.

        Raises:
            UsageError: If a text is neither, or the end is not after the beginning.
        """
        interval = cls(_parse("--begin", begin), _parse("--end", end))
        if interval.begin >= interval.end:
            raise UsageError(f"--end {end} is not after --begin {begin}.")
        return interval

    def texts(self) -> tuple[str, str]:
        """Both ends in ISO format, without a time at midnight."""
        return _text(self.begin), _text(self.end)

    def __str__(self) -> str:
        """Both ends, for people."""
        return " to ".join(self.texts())


def bind(query: str, interval: SpanInterval | None, driver: str) -> tuple[str, list[Parameter]]:
    """Replaces the placeholders of a query by parameters or literals of the driver.

    Args:
        query: With `{{ begin }}` and `{{ end }}`, or without.
        interval: Values of both; None for a query without placeholders.
        driver: Of `tfxkit.config.ingest.IngestConfig`.

    Returns:
        The query for the driver, and its parameters in order. PostgreSQL gets literals. SQLite has
        no type for times, and gets texts: a date, or a date and a time with a blank between, as its
        own functions write them.

    Raises:
        UsageError: If a placeholder is unknown or in quotes, or if the interval does not fit.
    """
    query = query.strip().rstrip(";").rstrip()
    names = _PLACEHOLDER.findall(query)
    for name in names:
        if name not in _NAMES:
            raise UsageError(
                f"The query has the placeholder {{{{ {name} }}}}, and only {{{{ begin }}}} and "
                "{{ end }} are known."
            )
    if quoted := _QUOTED.search(query):
        raise UsageError(
            f"The query has {quoted[0]}: write the placeholder without quotes, since its value is "
            "a time, and no part of a text."
        )
    check_interval(bool(names), interval, "the query has no {{ begin }} and no {{ end }}")
    if interval is None:
        return query, []
    moments = {"begin": interval.begin, "end": interval.end}
    if driver == "postgresql":  # a query with parameters is not streamed: it is read into memory
        return _PLACEHOLDER.sub(lambda match: _literal(moments[match[1]]), query), []
    texts = dict(zip(_NAMES, interval.texts(), strict=True))
    values: Mapping[str, Parameter] = texts if driver == "sqlite" else moments
    return _PLACEHOLDER.sub("?", query), [values[name] for name in names]


def check_interval(wanted: bool, interval: SpanInterval | None, reason: str) -> None:
    """Refuses an interval that has no effect, and the lack of one.

    Args:
        wanted: True if the source selects rows by it.
        interval: Of the command line, or of the span that is made again.
        reason: The reason why it would have no effect.

    Raises:
        UsageError: With the options to set or to leave out.
    """
    if wanted and interval is None:
        raise UsageError(
            "The rows depend on an interval: give --begin and --end, such as --begin 2026-01-01 "
            "--end 2026-02-01. The end is not part of it."
        )
    if not wanted and interval is not None:
        raise UsageError(f"--begin and --end would have no effect: {reason}.")


def _literal(moment: datetime.datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat(' ')}'"


def _parse(option: str, text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no date or time: write it like 2026-01-31 or "
            "2026-01-31T12:30:00+01:00."
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return aware.astimezone(datetime.UTC)


def _text(moment: datetime.datetime) -> str:
    text = moment.replace(tzinfo=None).isoformat(" ")
    return text.removesuffix(" 00:00:00")
