"""Weeks that the records lack are gaps; weeks that are quiet by nature are not."""

from __future__ import annotations

import datetime
import random

import pytest

from dashboard.tables.gaps_in_time import gaps, gaps_of_waves, said

FIRST = datetime.date(2025, 12, 1)
LAST = datetime.date(2026, 11, 1)
DAYS = [FIRST + datetime.timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def record(a_week: float, *lost: tuple[str, str], seed: int = 1, workdays: bool = False) -> dict[datetime.date, int]:
    """Complaints by day at random, none in the days ``lost``."""
    rng = random.Random(seed)
    spans = [(datetime.date.fromisoformat(one), datetime.date.fromisoformat(other)) for one, other in lost]
    days = [day for day in DAYS if day.weekday() < 5 or not workdays]
    counts = {day: sum(rng.random() < a_week * len(DAYS) / 7 / len(days) / 50 for _ in range(50)) for day in days}
    return {
        day: count for day, count in counts.items() if count and not any(first <= day <= last for first, last in spans)
    }


def found(per_day: dict[datetime.date, int]) -> list[str]:
    return [str(gap) for gap in gaps(per_day, FIRST, LAST)]


def test_a_late_beginning_and_lost_months_are_gaps_with_their_dates() -> None:
    per_day = record(59, ("2025-12-01", "2026-02-01"), ("2026-05-04", "2026-07-05"))
    assert found(per_day) == ["2025-12-01 to 2026-02-01", "2026-05-04 to 2026-07-05"]
    told = gaps(per_day, FIRST, LAST)
    assert [len(gap.mondays) for gap in told] == [9, 9]
    assert said(told).startswith(
        "no or hardly any complaints are on record from 2025-12-01 to 2026-02-01 and from 2026-05-04 to 2026-07-05, where about"
    )


def test_weeks_that_a_gap_reaches_into_belong_to_it() -> None:
    (gap,) = gaps(record(60, ("2026-04-30", "2026-06-03")), FIRST, LAST)
    assert str(gap) == "2026-04-30 to 2026-06-03"
    assert (gap.mondays[0], gap.mondays[-1]) == (datetime.date(2026, 4, 27), datetime.date(2026, 6, 1))


def test_strays_of_another_export_do_not_fill_a_gap() -> None:
    per_day = record(60, ("2026-05-04", "2026-07-05")) | {datetime.date(2026, 5, 20): 2, datetime.date(2026, 6, 20): 1}
    assert found(per_day) == ["2026-05-04 to 2026-07-05"]


@pytest.mark.parametrize("a_week", [0.1, 0.5, 1.0, 2.0, 4.0, 10.0, 30.0, 100.0])
@pytest.mark.parametrize("workdays", [True, False])
def test_quiet_weeks_of_a_whole_record_are_no_gaps(a_week: float, workdays: bool) -> None:
    assert [found(record(a_week, seed=seed, workdays=workdays)) for seed in range(10)] == [[]] * 10


def test_a_small_provider_that_is_quiet_for_weeks_or_had_one_storm_has_no_gap() -> None:
    assert found(record(1, ("2026-05-04", "2026-07-05"))) == []
    assert found(record(0.5) | {datetime.date(2026, 9, 2): 80}) == []
    assert found({FIRST: 1, LAST: 1}) == found({FIRST: 1, LAST: 60}) == []
    assert found(dict.fromkeys(DAYS[-56::14], 1)) == []


def test_a_small_provider_may_have_lost_half_a_year() -> None:
    assert len(found(record(3, ("2026-03-02", "2026-08-02")))) == 1


def test_a_provider_that_grows_has_no_gap_at_its_beginning() -> None:
    rng = random.Random(5)
    per_day = {day: rng.randint(0, 1 + place // 12) for place, day in enumerate(DAYS)}
    assert found({day: count for day, count in per_day.items() if count}) == []


def test_nothing_on_record_is_no_gap() -> None:
    assert gaps({}, FIRST, LAST) == ()
    assert gaps({FIRST: 3}, FIRST, FIRST) == ()


@pytest.mark.parametrize("every", [7, 14, 28, 30, 61, 91])
@pytest.mark.parametrize("lasts", [1, 3, 7])
def test_surveys_that_come_in_waves_have_no_gap(every: int, lasts: int) -> None:
    per_day = {day: 40 for place, day in enumerate(DAYS) if place % every < lasts}
    assert gaps_of_waves(per_day, FIRST, LAST) == ()


@pytest.mark.parametrize("every", [1, 7, 14])
def test_a_pause_far_longer_than_between_waves_is_a_gap(every: int) -> None:
    lost = (datetime.date(2026, 4, 6), datetime.date(2026, 7, 5))
    per_day = {day: 40 for place, day in enumerate(DAYS) if place % every == 0 and not lost[0] <= day <= lost[1]}
    (gap,) = gaps_of_waves(per_day, FIRST, LAST)
    assert (gap.last - gap.first).days > 80


def test_the_same_weeks_are_asked_more_of_one_of_many() -> None:
    per_day = record(10, ("2026-05-04", "2026-05-24"))
    assert len(gaps(per_day, FIRST, LAST)) == 1
    assert gaps(per_day, FIRST, LAST, chance=1e-8) == ()
