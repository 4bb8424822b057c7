"""Queries with the interval of a span in them, as parameters or literals of the database."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping

from tfxkit.errors import UsageError

# Comments, texts and quoted names, in which nothing is replaced; and ends and placeholders.
_PARTS = (
    r"(?P<comment>--[^\n]*|/\*.*?\*/{comment})"
    r"|(?P<quoted>'(?:''|{escape}[^'])*'|\"(?:[^\"])*\"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<end>;)"
    r"|(?P<placeholder>\{{\{{\s*(?P<name>.*?)\s*\}}\}})"
)
_BACKSLASHES = ("snowflake", "bigquery")  # where a backslash in a text escapes a quote
_NAMES = ("begin", "end")

# Literals with a time zone. PostgreSQL does not stream the result of a query with parameters.
_LITERALS = {
    "postgresql": "TIMESTAMPTZ '{}'",
    "snowflake": "TO_TIMESTAMP_TZ('{}')",
    "bigquery": "TIMESTAMP '{}'",
}

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
        The query for the driver, and its parameters in order. PostgreSQL, Snowflake and BigQuery
        get literals. SQLite has no type for times, and gets texts: a date, or a date and a time
        with a blank between, as its own functions write them.

    Raises:
        UsageError: If a placeholder is unknown or in quotes, if the interval does not fit, or if
            there are several statements.
    """
    tokens = _tokens(query, driver)
    query = _one_statement(query, tokens)
    names = [token["name"] for token in tokens if token["placeholder"]]
    for name in names:
        if name not in _NAMES:
            raise UsageError(
                f"The query has the placeholder {{{{ {name} }}}}, and only {{{{ begin }}}} and "
                "{{ end }} are known."
            )
    for token in tokens:
        if token["quoted"] and re.search(r"\{\{\s*(begin|end)\s*\}\}", token[0]):
            raise UsageError(
                f"The query has {token[0]}: write the placeholder without quotes, since its value "
                "is a time, and no part of a text."
            )
    check_interval(bool(names), interval, "the query has no {{ begin }} and no {{ end }}")
    if interval is None:
        return query, []
    moments = {"begin": interval.begin, "end": interval.end}
    if literal := _LITERALS.get(driver):
        texts = {name: literal.format(moment.isoformat(" ")) for name, moment in moments.items()}
        return _replaced(query, driver, texts), []
    dates = dict(zip(_NAMES, interval.texts(), strict=True))
    values: Mapping[str, Parameter] = dates if driver == "sqlite" else moments
    return _replaced(query, driver, dict.fromkeys(_NAMES, "?")), [values[name] for name in names]


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


def _tokens(query: str, driver: str) -> list[re.Match[str]]:
    return list(_pattern(driver).finditer(query))


def _pattern(driver: str) -> re.Pattern[str]:
    comment = r"|\#[^\n]*" if driver == "bigquery" else ""
    escape = r"\\.|" if driver in _BACKSLASHES else ""
    return re.compile(_PARTS.format(comment=comment, escape=escape), re.DOTALL)


def _one_statement(query: str, tokens: list[re.Match[str]]) -> str:
    """The query without the semicolon at its end and what follows, which may be comments only.

    Some drivers run all statements, others the first alone.
    """
    end = next((token.start() for token in tokens if token["end"]), len(query))
    after = query[end:]
    for token in reversed(tokens):
        if token.start() >= end and (token["end"] or token["comment"]):
            after = after[: token.start() - end] + after[token.end() - end :]
    if after.strip():
        raise UsageError(
            f"The query has multiple commands: after the first ; comes {after.strip()[:40]!r}. "
            "Write a single SELECT."
        )
    query = query[:end].strip()
    # A driver may put the query into brackets, which a comment on the last line would swallow.
    last = query.rpartition("\n")[2]
    return f"{query}\n" if "--" in last or "#" in last else query


def _replaced(query: str, driver: str, texts: Mapping[str, str]) -> str:
    return _pattern(driver).sub(
        lambda token: texts[token["name"]] if token["placeholder"] else token[0], query
    )


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
