"""Cron expressions of recurring runs, as robfig/cron v1.2.0 reads them (parser.go, spec.go).

They have six fields, the first of which are seconds, and the last may be missing. So an expression
of five fields, as everybody else writes them, passes and means something else.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import NamedTuple

from tests.kubeflow.emulator.errors import NotEmulated


class _Bounds(NamedTuple):
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (  # spec.go:19-46; Sunday is 0, never 7
    _Bounds(0, 59),
    _Bounds(0, 59),
    _Bounds(0, 23),
    _Bounds(1, 31),
    _Bounds(1, 12, _MONTHS),
    _Bounds(0, 6, _DAYS),
)
_DESCRIPTORS = {  # parser.go:317
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}


class InvalidCronError(ValueError):
    """The text is no cron expression."""


@dataclass(frozen=True)
class Schedule:
    """Moments that match all fields; of the two for days one is enough if neither is a star."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool

    def next(self, moment: datetime.datetime) -> datetime.datetime:
        """The first moment of the schedule after `moment`; raises ValueError if there is none."""
        day = moment.date()
        for _ in range(5 * 366):  # spec.go:71 gives up after five years too
            if day.month in self.months and self._matches_day(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        for second in sorted(self.seconds):
                            time = datetime.time(hour, minute, second, tzinfo=moment.tzinfo)
                            found = datetime.datetime.combine(day, time)
                            if found > moment:
                                return found
            day += datetime.timedelta(days=1)
        raise ValueError("no moment within five years")

    def _matches_day(self, day: datetime.date) -> bool:
        """spec.go:149"""
        matches = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return all(matches) if self.any_day else any(matches)


def parse(expression: str) -> Schedule:
    """Reads an expression of five or six fields, or a word like @daily.

    Raises:
        InvalidCronError: It is none.
        NotEmulated: It is "@every …", which no schedule of days can express.
    """
    if not expression:
        raise InvalidCronError("Empty spec string")
    if expression.startswith("@every "):
        raise NotEmulated(expression)
    if expression.startswith("@"):
        if expression not in _DESCRIPTORS:
            raise InvalidCronError(f"Unrecognized descriptor: {expression}")
        expression = _DESCRIPTORS[expression]
    fields = expression.split()
    if len(fields) not in (5, 6):
        raise InvalidCronError(f"Expected 5 to 6 fields, found {len(fields)}: {expression}")
    fields += ["*"] * (6 - len(fields))
    found = [_field(text, bounds) for text, bounds in zip(fields, _FIELDS, strict=True)]
    any_day = any(re.search(r"(^|,)[*?]", text) for text in (fields[3], fields[5]))
    return Schedule(*found, any_day=any_day)


def _field(text: str, bounds: _Bounds) -> frozenset[int]:
    """A list of ranges (parser.go:191)."""
    return frozenset().union(*(_range(part, bounds) for part in text.split(",") if part))


def _range(text: str, bounds: _Bounds) -> range:
    """number | number-number [/number]; N/step means N-max/step (parser.go:207)."""
    span, *steps = text.split("/")
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        start, end = bounds.low, bounds.high
    else:
        start = _number(ends[0], bounds)
        if len(ends) > 2:
            raise InvalidCronError(f"Too many hyphens: {text}")
        end = _number(ends[1], bounds) if len(ends) == 2 else start
    if len(steps) > 1:
        raise InvalidCronError(f"Too many slashes: {text}")
    step = _number(steps[0], _Bounds(0, 0)) if steps else 1
    if steps and len(ends) == 1:
        end = bounds.high
    if start < bounds.low:
        raise InvalidCronError(f"Beginning of range ({start}) below minimum ({bounds.low}): {text}")
    if end > bounds.high:
        raise InvalidCronError(f"End of range ({end}) above maximum ({bounds.high}): {text}")
    if start > end:
        raise InvalidCronError(f"Beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise InvalidCronError(f"Step of range should be a positive number: {text}")
    return range(start, end + 1, step)


def _number(text: str, bounds: _Bounds) -> int:
    if text.lower() in bounds.names:
        return bounds.low + bounds.names.index(text.lower())
    if not re.fullmatch(r"\d+", text):
        raise InvalidCronError(
            f'Failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
        )
    return int(text)
