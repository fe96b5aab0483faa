"""Weekly patterns: the wall clock of a zone, through both changes of the clocks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import WEEKLY, rrule, weekday

from recurrence import WEEKDAYS, Weekly

SUNDAYS = Weekly(("SU",), "02:00", 7200, "Europe/Lisbon")


def at(text: str) -> float:
    """``2026-03-29T01:00`` in UTC as Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def occurrences(pattern: Weekly, start: str, end: str) -> list[tuple[str, float]]:
    return [
        (f"{datetime.fromtimestamp(a, UTC):%Y-%m-%dT%H:%M}", (b - a) / 3600)
        for a, b in pattern.spans(at(start), at(end))
    ]


def test_the_hour_in_utc_follows_the_wall_clock() -> None:
    assert occurrences(SUNDAYS, "2026-03-15", "2026-04-06") == [
        ("2026-03-15T02:00", 2),
        ("2026-03-22T02:00", 2),
        ("2026-03-29T01:00", 2),
        ("2026-04-05T01:00", 2),
    ]
    assert [day for day, _ in occurrences(SUNDAYS, "2026-10-18", "2026-11-02")] == [
        "2026-10-18T01:00",
        "2026-10-25T02:00",
        "2026-11-01T02:00",
    ]


def test_a_start_that_the_clocks_leave_out_is_taken_by_the_offset_before() -> None:
    """New York goes from 02:00 to 03:00 on 8 March 2026: 02:30 by the old offset is 07:30 UTC, on the wall 03:30."""
    pattern = Weekly(("SU",), "02:30", 3600, "America/New_York")
    assert occurrences(pattern, "2026-03-08", "2026-03-09") == [("2026-03-08T07:30", 1)]


def test_a_start_that_the_clocks_show_twice_is_the_first() -> None:
    """Lisbon goes from 02:00 back to 01:00 on 25 October 2026: the first 01:30 is 00:30 UTC. Hours stay hours."""
    pattern = Weekly(("SU",), "01:30", 3 * 3600, "Europe/Lisbon")
    assert occurrences(pattern, "2026-10-25", "2026-10-26") == [("2026-10-25T00:30", 3)]


def test_an_occurrence_from_the_day_before_reaches_over_midnight() -> None:
    pattern = Weekly(("MO", "TH"), "23:00", 4 * 3600, "UTC")
    assert occurrences(pattern, "2026-03-03T02:59", "2026-03-03T03:00") == [("2026-03-02T23:00", 4)]
    assert occurrences(pattern, "2026-03-03T03:00", "2026-03-05T23:00") == []


@pytest.mark.parametrize("zone", ["Europe/Lisbon", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
def test_equal_to_rrule_on_the_wall_clock(zone: str) -> None:
    """python-dateutil expands the same pattern in local time; both are then taken to UTC by the zone's first offset."""
    chance = random.Random(zone)
    for _ in range(20):
        days = tuple(sorted(chance.sample(WEEKDAYS, chance.randint(1, 7)), key=WEEKDAYS.index))
        hour, minute = chance.randrange(24), chance.randrange(60)
        pattern = Weekly(days, f"{hour:02d}:{minute:02d}", 5400, zone)
        first = datetime(2025, chance.randint(1, 12), chance.randint(1, 28))
        last = first + timedelta(days=400)
        walls = rrule(WEEKLY, first, byweekday=[weekday(WEEKDAYS.index(d)) for d in days], byhour=hour, byminute=minute)
        expected = [
            wall.replace(tzinfo=ZoneInfo(zone)).timestamp()
            for wall in walls.between(first, last, inc=True)
            if first + timedelta(days=1) <= wall < last - timedelta(days=1)
        ]
        start = (first + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).timestamp()
        end = (last - timedelta(days=1)).replace(tzinfo=ZoneInfo(zone)).timestamp()
        assert [a for a, _ in pattern.spans(start, end) if start <= a < end] == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (((), "02:00", 3600, "UTC"), "weekdays are some of MO, TU, WE, TH, FR, SA, SU, not none"),
        ((("SU", "XX"), "02:00", 3600, "UTC"), "weekdays are some of MO, TU, WE, TH, FR, SA, SU, not XX"),
        ((("SU",), "26:00", 3600, "UTC"), "a time of day is written HH:MM, not '26:00'"),
        ((("SU",), "02:00", 0, "UTC"), "it must last more than 0 and at most 24 hours, not 0"),
        ((("SU",), "02:00", 90_000, "UTC"), "it must last more than 0 and at most 24 hours, not 25"),
        ((("SU",), "02:00", 3600, "Europe/Atlantis"), "no IANA time zone is called 'Europe/Atlantis'"),
        ((("SU",), "02:00", 3600, "../etc/passwd"), "no IANA time zone is called '../etc/passwd'"),
    ],
)
def test_what_is_no_pattern_says_why(pattern: tuple[tuple[str, ...], str, int, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Weekly(*pattern)
    assert str(caught.value) == message
