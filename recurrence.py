"""A weekly pattern on the wall clock of a time zone, such as Sundays at 02:00 for two hours, as spans of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONGEST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Weekly:
    """``weekdays`` are codes of RFC 5545 (MO to SU), ``local_start`` is HH:MM, ``time_zone`` an IANA name.

    Raises ValueError for what is none of these, for no weekday and for a duration outside 0 to 24 hours.
    """

    weekdays: tuple[str, ...]
    local_start: str
    duration_seconds: int
    time_zone: str

    def __post_init__(self) -> None:
        unknown = [day for day in self.weekdays if day not in WEEKDAYS]
        if unknown or not self.weekdays:
            raise ValueError(f"weekdays are some of {', '.join(WEEKDAYS)}, not {', '.join(unknown) or 'none'}")
        if not 0 < self.duration_seconds <= LONGEST_SECONDS:
            raise ValueError(f"it must last more than 0 and at most 24 hours, not {self.duration_seconds / 3600:g}")
        self.start_time()
        zone(self.time_zone)

    def start_time(self) -> time:
        """The time of day at which it starts. Raises ValueError."""
        try:
            return datetime.strptime(self.local_start, "%H:%M").time()
        except ValueError:
            raise ValueError(f"a time of day is written HH:MM, not {self.local_start!r}") from None

    def spans(self, start: float, end: float) -> Iterator[tuple[float, float]]:
        """Every occurrence that overlaps ``start`` to ``end`` (Unix seconds), whole and in order.

        As in RFC 5545 (3.3.5), a start that the clocks leave out is taken by the offset before the change, and one
        that they show twice is the first; the duration is real time, so that two hours of work are two hours.
        """
        place, begin = zone(self.time_zone), self.start_time()
        day = datetime.fromtimestamp(start - self.duration_seconds, place).date()
        last = datetime.fromtimestamp(end, place).date()
        while day <= last:
            if WEEKDAYS[day.weekday()] in self.weekdays:
                at = datetime.combine(day, begin, place).timestamp()
                if at < end and at + self.duration_seconds > start:
                    yield at, at + self.duration_seconds
            day += timedelta(days=1)


def zone(name: str) -> ZoneInfo:
    """The IANA time zone called ``name``. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError(f"no IANA time zone is called {name!r}") from None
