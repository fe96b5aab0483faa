"""A maintenance window out of what people write: times of day, days of the week, hours; for commands and pages alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from dashboard.operations.audit import EntryError
from dashboard.operations.plan_maintenance import Entry
from recurrence import Weekly, zone

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def entry(
    target_kind: str,
    target: str,
    *,
    start: str | None,
    end: str | None,
    weekly: str | None,
    hours: float | None,
    time_zone: str,
    reason: str,
    now: datetime,
) -> Entry:
    """The window that these words mean; without ``start`` it begins ``now``. Raises EntryError."""
    try:
        zone(time_zone)
        begins = now if start is None else moment(start, time_zone)
        ends = None if end is None else moment(end, time_zone)
        pattern = None
        if weekly is not None:
            if hours is None:
                raise EntryError("give the length of each window: --hours")
            days, time_of_day = weekly_words(weekly)
            pattern = Weekly(days, time_of_day, round(hours * 3600), time_zone)
        elif hours is not None:
            if ends is not None:
                raise EntryError("--to and --hours both say when it ends; give one of them")
            ends = begins + timedelta(hours=hours)
    except OverflowError:
        raise EntryError(f"--hours {hours:g} is too long") from None
    except ValueError as error:
        raise EntryError(str(error)) from None
    return Entry(target_kind, target, begins, ends, time_zone, reason, pattern)


def moment(text: str, time_zone: str) -> datetime:
    """A date, or date and time, of ``time_zone`` unless it has an offset of its own.

    Raises ValueError, also for a time that the clocks leave out; one that they show twice is the first.
    """
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a time is written YYYY-MM-DD HH:MM, not {text!r}") from None
    if written.tzinfo is not None:
        return written.astimezone(UTC)
    place = zone(time_zone)
    found = written.replace(tzinfo=place).astimezone(UTC)
    if found.astimezone(place).replace(tzinfo=None) != written:
        raise ValueError(f"the clocks of {time_zone} leave out {text}; take another time, or write it with its offset")
    return found


def weekly_words(text: str) -> tuple[tuple[str, ...], str]:
    """``Mon,Thu 23:30`` or ``Mon-Fri 03:00`` as weekdays (MO to SU) and HH:MM. Raises ValueError."""
    match = re.fullmatch(r"\s*([A-Za-z ,-]+?)\s+(\d{1,2}):(\d\d)\s*", text)
    if match is None:
        raise ValueError(f'a weekly time is written like "Sun 02:00" or "Mon,Thu 23:30", not {text!r}')
    chosen: set[int] = set()
    for part in match[1].split(","):
        first, _, last = part.partition("-")
        begin, end = _day(first), _day(last or first)
        chosen |= {day % 7 for day in range(begin, end + 1 + (7 if end < begin else 0))}
    return tuple(DAYS[day] for day in sorted(chosen)), f"{int(match[2]):02d}:{match[3]}"


def _day(word: str) -> int:
    code = word.strip()[:2].upper()
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    if code not in DAYS or not full[DAYS.index(code)].startswith(word.strip().lower()):
        raise ValueError(f"{word.strip()!r} is no day of the week: Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    return DAYS.index(code)
