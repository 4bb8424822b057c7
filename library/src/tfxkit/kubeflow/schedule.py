"""Schedules of recurring runs: five fields, as in Unix, checked before they are sent.

Both backends silently accept schedules that they interpret differently, so only those with one
meaning for both (and for every cron) pass.
"""

from __future__ import annotations

import dataclasses
import re
import zoneinfo

from tfxkit.errors import UsageError

_HINT = "write five fields, such as '30 6 * * 1-5': minute hour day-of-month month day-of-week"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclasses.dataclass(frozen=True)
class _CronField:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()  # aliases of the numbers from `first` on

    def number(self, text: str) -> int:
        if text.lower() in self.names:
            return self.first + self.names.index(text.lower())
        if not re.fullmatch(r"\d{1,2}", text) or not self.first <= int(text) <= self.last:
            raise ValueError(f"{self.name}: {text!r} is not one of {self.first} to {self.last}")
        return int(text)


_FIELDS = (
    _CronField("minute", 0, 59),
    _CronField("hour", 0, 23),
    _CronField("day of month", 1, 31),
    _CronField("month", 1, 12, _MONTHS),
    # Not 7 for Sunday: the cron of Kubeflow Pipelines refuses it (robfig/cron 1.2).
    _CronField("day of week", 0, 6, _DAYS),
)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A recurring start.

    Attributes:
        cron: Five fields.
        timezone: A name of the IANA database, for Vertex; None for the backend's own, UTC.
    """

    cron: str
    timezone: str | None = None

    def for_kubeflow(self) -> str:
        """The fields behind one for seconds, with which Kubeflow's cron begins."""
        return f"0 {self.cron}"

    def for_vertex(self) -> str:
        """The fields behind the time zone."""
        return f"TZ={self.timezone} {self.cron}" if self.timezone else self.cron


def parse_schedule(cron: str, timezone: str | None, target: str) -> Schedule:
    """Parses a schedule.

    Args:
        cron: Five fields with numbers or English names, `*`, lists, ranges and steps.
        timezone: A name of the IANA database, or None.
        target: `kubeflow` or `vertex`.

    Raises:
        UsageError: If the fields or the time zone are invalid, or the target has no time zones.
    """
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise UsageError(f"--schedule {cron!r} has {len(fields)} fields: {_HINT}")
    for text, field in zip(fields, _FIELDS, strict=True):
        try:
            for item in text.split(","):
                _check(item, field)
        except ValueError as error:
            raise UsageError(f"--schedule {cron!r}: {error}; {_HINT}") from None
    if timezone is not None and target == "kubeflow":
        raise UsageError(
            "--timezone is for Vertex: open-source Kubeflow Pipelines has one time zone for all "
            "schedules (CRON_SCHEDULE_TIMEZONE of ml-pipeline-scheduledworkflow, UTC by default)"
        )
    if timezone is not None and timezone not in zoneinfo.available_timezones():
        raise UsageError(f"--timezone {timezone!r} is not known: write it as Europe/Berlin")
    return Schedule(" ".join(fields), timezone)


def _check(item: str, field: _CronField) -> None:
    """Checks one item of a list: `*`, a number, or a range, with or without a step."""
    span, slash, step = item.partition("/")
    if slash and (not re.fullmatch(r"\d{1,2}", step) or int(step) == 0):
        raise ValueError(f"{field.name}: {step!r} is no step")
    if span == "*":
        return
    first, dash, last = span.partition("-")
    start = field.number(first)
    if dash and field.number(last) < start:
        raise ValueError(f"{field.name}: {span} runs backwards")
    if slash and not dash:
        raise ValueError(f"{field.name}: write {item} as {first}-{field.last}/{step}")
