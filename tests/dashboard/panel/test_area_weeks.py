"""area_weeks against numbers worked out by hand: weights, evenings, weeks of 167 and 169 hours, gaps, moves."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dashboard.panel import withholding

# Monday 2025-01-06 to Sunday 2025-01-12.
WEEK = ("2025-01-06", "2025-01-13")
MONDAY = "2025-01-06"


def test_quality_is_weighted_by_customers_and_observed_time(world: Any, row_of: Any) -> None:
    # Two customers behind A, observed in full; one behind B, of which half of every hour was observed.
    for customer, device in (("1", "A"), ("2", "A"), ("3", "B")):
        world.customer(customer, started_on="2024-01-01", device_id=device)
    world.observe("A", *WEEK, pings_sent=100, pings_lost=1, rtt_p95_seconds=0.9)
    world.observe("B", *WEEK, pings_sent=50, pings_lost=2, rtt_p95_seconds=0.9, observed_seconds=1800.0)
    for day in range(6, 13):
        world.observe("A", f"2025-01-{day:02}T18:00", f"2025-01-{day:02}T23:01", rtt_p95_seconds=0.010)
        world.observe("B", f"2025-01-{day:02}T18:00", f"2025-01-{day:02}T23:01", rtt_p95_seconds=0.040)
    world.observe("A", "2025-01-07T03:00", "2025-01-07T04:00", down_seconds=1800.0)
    world.observe("B", "2025-01-07T03:00", "2025-01-07T05:00", down_seconds=900.0)
    week = row_of(world.build().area_weeks, week=MONDAY)
    # observed: 2 x 168 h x 3600 s + 168 h x 1800 s = 1,512,000 s of 3 x 168 h = 1,814,400 s
    assert week.observed_ratio == pytest.approx(1_512_000 / 1_814_400)
    # down: 2 x 1800 s + 2 x 900 s = 5,400 s of 1,512,000 s, times the 168 hours of a week = 0.6 h
    assert week.down_hours_per_customer == pytest.approx(0.6)
    # evenings: (2 x 3600 s x 10 ms + 1800 s x 40 ms) / (2 x 3600 s + 1800 s) = 16 ms
    assert week.evening_rtt_p95_mean_seconds == pytest.approx(0.016)
    # lost: 2 x 168 x 1 + 168 x 2 of 2 x 168 x 100 + 168 x 50 sent
    assert week.loss_ratio == pytest.approx((2 * 168 + 336) / (2 * 16_800 + 8_400))
    assert week.customer_days == 21
    assert week.is_complete


def test_customers_whose_hours_differ_have_a_variance_of_them(world: Any, row_of: Any) -> None:
    for customer, device in (("1", "A"), ("2", "A"), ("3", "A"), ("4", "B"), ("5", "unheard of")):
        world.customer(customer, started_on="2024-01-01", device_id=device)
    for device in ("A", "B"):
        world.observe(device, "2025-01-06", "2025-01-27")
    world.observe("B", "2025-01-14T00:00", "2025-01-14T12:00", down_seconds=3600.0)
    for device in ("A", "B"):
        world.observe(device, "2025-01-21T00:00", "2025-01-21T12:00", down_seconds=3600.0)
    weeks = world.build().area_weeks
    apart = row_of(weeks, week="2025-01-13")
    assert apart.down_hours_per_customer == pytest.approx(12 / 4)
    assert apart.down_hours_variance == pytest.approx(12**2 * 3 / 4 * 1 / 4)
    assert (apart.down_ratio, apart.long_down_ratio, apart.long_down_hours_per_customer) == (1 / 4, 1 / 4, 12 / 4)
    together = row_of(weeks, week="2025-01-20")
    assert (together.down_hours_per_customer, together.down_hours_variance) == (12, 0)


def test_who_had_more_than_four_hours_without_service_counts_apart(world: Any, row_of: Any) -> None:
    for customer, device in (("1", "A"), ("2", "B"), ("3", "B"), ("4", "C"), ("5", "unheard of")):
        world.customer(customer, started_on="2024-01-01", device_id=device)
    for device in ("A", "B", "C"):
        world.observe(device, "2025-01-06", "2025-01-20")
    world.observe("A", "2025-01-14T00:00", "2025-01-14T04:00", down_seconds=3600.0)
    world.observe("B", "2025-01-15T00:00", "2025-01-15T05:00", down_seconds=3600.0)
    week = row_of(world.build().area_weeks, week="2025-01-13")
    assert (week.down_ratio, week.long_down_ratio) == (3 / 4, 2 / 4)
    assert week.long_down_hours_per_customer == pytest.approx(2 * 5 / 4)
    assert week.down_hours_per_customer == pytest.approx((4 + 2 * 5) / 4)


def test_a_lone_devices_silence_is_neither_down_nor_loss(world: Any, row_of: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    world.observe("ap", *WEEK, pings_sent=100, pings_lost=1, silent_seconds=0.0)
    world.observe("ap", "2025-01-08", "2025-01-09", pings_sent=0, pings_lost=0, silent_seconds=3600.0)
    world.observe("ap", "2025-01-09", "2025-01-10", pings_sent=None, pings_lost=None)
    week = row_of(world.build().area_weeks, week=MONDAY)
    assert week.down_hours_per_customer == 0
    assert week.observed_ratio == 1
    assert week.loss_ratio == pytest.approx(0.01)


def test_utilization_is_that_of_the_fullest_link_below_the_core(world: Any, row_of: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    for device, parent in (("ap", "hub"), ("hub", "core"), ("core", None)):
        world.device(device, parent)
    world.observe("ap", *WEEK, utilization_p95_ratio=0.3)
    world.observe("hub", *WEEK, utilization_p95_ratio=0.1)
    world.observe("hub", "2025-01-10T18:00", "2025-01-11T00:00", utilization_p95_ratio=0.8)
    world.observe("core", *WEEK, utilization_p95_ratio=0.99)
    week = row_of(world.build().area_weeks, week=MONDAY)
    # Six evenings at 0.3 and one at the hub's 0.8; the core's uplink is everybody's.
    assert week.evening_utilization_mean_ratio == pytest.approx((6 * 0.3 + 0.8) / 7)


def test_a_device_that_moves_to_another_parent_takes_that_ones_load_from_then_on(world: Any, row_of: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    world.device("ap", "old", until="2025-01-09")
    world.device("ap", "new", since="2025-01-09")
    world.device("old", "core")
    world.device("new", "core")
    world.observe("ap", *WEEK)
    world.observe("old", *WEEK, utilization_p95_ratio=0.2)
    world.observe("new", *WEEK, utilization_p95_ratio=0.9)
    week = row_of(world.build().area_weeks, week=MONDAY)
    assert week.evening_utilization_mean_ratio == pytest.approx((3 * 0.2 + 4 * 0.9) / 7)


def test_unobserved_time_is_left_out_and_never_filled(world: Any, row_of: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    world.observe("ap", *WEEK)
    world.observe("ap", "2025-01-06T00:00", "2025-01-07T00:00", down_seconds=360.0)
    world.observe("ap", "2025-01-07T00:00", "2025-01-12T12:00", observed_seconds=0.0, down_seconds=None)
    world.observe("ap", "2025-01-27", "2025-01-28")
    weeks = world.build().area_weeks
    first = row_of(weeks, week=MONDAY)
    # 24 + 12 hours of 168 were observed; 24 x 360 s down in 36 observed hours is 6.67% of the time: 11.2 h a week.
    assert first.observed_ratio == pytest.approx(36 / 168)
    assert first.down_hours_per_customer == pytest.approx(24 * 360 / (36 * 3600) * 168)
    second = row_of(weeks, week="2025-01-13")
    assert second.observed_ratio == 0
    assert pd.isna(second.down_hours_per_customer)
    assert pd.isna(second.evening_rtt_p95_mean_seconds)
    assert pd.isna(second.loss_ratio)
    assert second.customer_days == 7


@pytest.mark.parametrize(
    ("monday", "next_monday", "first_hour", "next_hour", "hours"),
    [
        # Clocks go forward on Sunday 30 March 2025 at 01:00 UTC: the week ends an hour early in UTC.
        ("2025-03-24", "2025-03-31", "2025-03-24T00:00", "2025-03-30T23:00", 167),
        # Clocks go back on Sunday 26 October 2025 at 01:00 UTC: the week began an hour early in UTC.
        ("2025-10-20", "2025-10-27", "2025-10-19T23:00", "2025-10-27T00:00", 169),
    ],
)
def test_weeks_in_which_the_clock_changes(
    world: Any, row_of: Any, monday: str, next_monday: str, first_hour: str, next_hour: str, hours: int
) -> None:
    world.customer("1", started_on="2024-01-01")
    before = pd.Timestamp(monday) - pd.Timedelta(days=7)
    after = pd.Timestamp(monday) + pd.Timedelta(days=15)
    world.observe("ap", f"{before:%Y-%m-%dT%H:%M}", f"{after:%Y-%m-%dT%H:%M}")
    step = pd.Timedelta(hours=1)
    for start, down in ((first_hour, 100.0), (next_hour, 500.0)):
        for at, seconds in ((pd.Timestamp(start) - step, down + 50), (pd.Timestamp(start), down)):
            world.observe("ap", f"{at:%Y-%m-%dT%H:%M}", f"{at + step:%Y-%m-%dT%H:%M}", down_seconds=seconds)
    weeks = world.build("Europe/Lisbon").area_weeks
    week = row_of(weeks, week=monday)
    # The week holds its own first hour (100 s) and the hour before the next week's first (550 s), and is observed whole.
    assert week.observed_ratio == 1
    assert week.down_hours_per_customer == pytest.approx((100 + 550) / (hours * 3600) * 168)
    assert row_of(weeks, week=next_monday).down_hours_per_customer == pytest.approx(500 / (168 * 3600) * 168)


def test_an_area_keeps_its_own_time(world: Any, row_of: Any) -> None:
    # 18:00 to 24:00 in Sao Paulo (UTC-3) is 21:00 to 03:00 UTC; in Kolkata (UTC+5:30) 12:30 to 18:30, by mid-hour
    # the hours from 12:00 (its middle is 18:00 there) to 17:00 UTC.
    world.rows["areas"] = [
        {"area": "south", "name": "South", "timezone": "America/Sao_Paulo"},
        {"area": "east", "name": "East", "timezone": "Asia/Kolkata"},
        {"area": "north", "name": "North"},
    ]
    for number, area in enumerate(("north", "south", "east")):
        world.customer(str(number), area, started_on="2024-01-01")
    world.observe("ap", "2025-01-05T00:00", "2025-01-15T00:00")
    for day in range(6, 14):
        for hour in range(24):
            world.observe(
                "ap", f"2025-01-{day:02}T{hour:02}:00", f"2025-01-{day:02}T{hour:02}:01", rtt_p95_seconds=hour / 1000
            )
    weeks = world.build().area_weeks
    expected = {
        "north": sum(range(18, 24)) / 6,
        "south": (21 + 22 + 23 + 0 + 1 + 2) / 6,
        "east": sum(range(12, 18)) / 6,
    }
    for area, milliseconds in expected.items():
        found = row_of(weeks, area=area, week=MONDAY)
        assert found.evening_rtt_p95_mean_seconds == pytest.approx(milliseconds / 1000), area
        assert found.observed_ratio == 1


def test_a_customer_who_moves_within_the_week_takes_the_quality_of_both_places(world: Any, row_of: Any) -> None:
    # From Monday to Wednesday in north behind A, from Thursday in south behind B.
    world.customer("1", "north", started_on="2024-01-01", device_id="A")
    world.customer("1", "south", started_on="2024-01-01", device_id="B", valid_from="2025-01-09")
    world.observe("A", *WEEK, down_seconds=36.0)
    world.observe("B", *WEEK, down_seconds=360.0)
    weeks = world.build().area_weeks
    north, south = (row_of(weeks, area=area, week=MONDAY) for area in ("north", "south"))
    assert (north.customer_days, south.customer_days) == (3, 4)
    assert north.down_hours_per_customer == pytest.approx(0.01 * 168)
    assert south.down_hours_per_customer == pytest.approx(0.1 * 168)


def test_events_count_where_the_customer_lived_on_that_day(world: Any, row_of: Any) -> None:
    world.customer("1", "north", started_on="2025-01-07", device_id="A")
    world.customer(
        "1", "south", started_on="2025-01-07", device_id="B", valid_from="2025-01-09", ended_on="2025-01-20",
        end_reason="voluntary", notice_on="2025-01-11",
    )  # fmt: skip
    world.customer("2", "south", started_on="2024-01-01", ended_on="2025-01-08", end_reason="moved")
    world.customer("3", "south", started_on="2024-01-01", ended_on="2025-01-08")
    world.observe("A", "2025-01-06", "2025-01-27")
    world.complaint("2025-01-08T23:59", "billing", customer_id="1", area="elsewhere")
    world.complaint("2025-01-09T00:00", "connection", customer_id="1")
    world.complaint("2025-01-10T00:00", "price", area="north")
    world.rows["nps"] = [
        {"response_id": str(score), "customer_id": "1", "answered_on": "2025-01-10", "score": score}
        for score in (10, 9, 8, 7, 6, 0)
    ]
    weeks = world.build().area_weeks
    north, south = (row_of(weeks, area=area, week=MONDAY) for area in ("north", "south"))
    assert (north.joiners, south.joiners) == (1, 0)
    assert (north.leavers_voluntary, south.leavers_voluntary) == (0, 1)
    # The last two end with neither notice nor a voluntary reason.
    assert south.leavers_other == 2
    assert (north.complaints_billing, south.complaints_billing) == (1, 0)
    assert (north.complaints_connection, south.complaints_connection) == (0, 1)
    assert (north.complaints_price, south.complaints_price) == (1, 0)
    assert (south.nps_answers, south.nps_promoters, south.nps_detractors) == (6, 2, 2)
    # The last day of a spell is a day with the provider: north 7-8 January; south 9-12 and twice 6-8.
    assert (north.customer_days, south.customer_days) == (2, 10)


def test_reviews_count_in_the_neighbourhood_that_they_name_and_their_stars_are_a_mean(world: Any, row_of: Any) -> None:
    world.customer("1", "north", started_on="2024-01-01")
    world.customer("2", "south", started_on="2024-01-01")
    world.observe("ap", "2025-01-06", "2025-01-20")
    given = (
        ("2025-01-06", 1, "north"),
        ("2025-01-12", 4, "north"),
        ("2025-01-13", 5, "north"),
        ("2025-01-08", 2, None),
    )
    given = (*given, ("2025-01-08", 2, "nowhere"), ("2024-12-01", 3, "south"))
    world.rows["reviews"] = [
        {"posted_on": day, "rating": rating, "area": area, "source": "shop", "number": 1} for day, rating, area in given
    ]
    panel = world.build()
    first = row_of(panel.area_weeks, area="north", week=MONDAY)
    assert (first.reviews, first.review_rating_mean) == (2, 2.5)
    second = row_of(panel.area_weeks, area="north", week="2025-01-13")
    assert (second.reviews, second.review_rating_mean) == (1, 5.0)
    none = row_of(panel.area_weeks, area="south", week=MONDAY)
    assert none.reviews == 0
    assert pd.isna(none.review_rating_mean)
    counts = panel.counts[panel.counts["table"] == "reviews"].set_index("code")["rows"].to_dict()
    assert counts == {"used": 3, "area_not_given": 1, "area_without_customers": 1, "outside_weeks": 1}


def test_the_price_gap_is_against_a_new_customer_of_the_same_plan_in_the_same_place(world: Any, row_of: Any) -> None:
    world.customer("1", "north", started_on="2024-01-01", plan="home", monthly_price=30.0)
    world.customer("2", "south", started_on="2024-01-01", plan="home", monthly_price=30.0)
    world.customer("3", "south", started_on="2024-01-01", plan="rare", monthly_price=99.0)
    world.observe("ap", *WEEK)
    world.rows["prices"] = [
        {"plan": "home", "valid_from": "2020-01-01", "new_customer_price": 25.0},
        {"plan": "home", "valid_from": "2025-01-09", "new_customer_price": 20.0},
        {"plan": "home", "area": "south", "valid_from": "2025-01-08", "new_customer_price": 28.0},
    ]
    weeks = world.build().area_weeks
    # north: three days at 5, four at 10; south: two days at 5 and, from its own list, five at 2.
    assert row_of(weeks, area="north", week=MONDAY).price_gap_mean == pytest.approx((3 * 5 + 4 * 10) / 7)
    assert row_of(weeks, area="south", week=MONDAY).price_gap_mean == pytest.approx((2 * 5 + 5 * 2) / 7)


def test_a_week_is_complete_between_entry_and_cut_off(world: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    world.customer("2", started_on="2025-02-09")
    world.is_dated_by_content = True
    world.observe("ap", "2025-01-07", "2025-02-12")
    weeks = world.build(reporting_lag_days=7).area_weeks.set_index("week")["is_complete"]
    # Quality begins on a Tuesday; records end on 9 February, less 7 days is Sunday 2 February.
    assert {f"{week:%m-%d}": bool(is_complete) for week, is_complete in weeks.items()} == {
        "01-06": False,
        "01-13": True,
        "01-20": True,
        "01-27": True,
        "02-03": False,
        "02-10": False,
    }


def test_who_has_just_complained_does_not_count_as_quiet_nor_does_who_complains_of_more_that_day(
    world: Any, row_of: Any
) -> None:
    for customer in ("1", "2", "3", "4"):
        world.customer(customer, started_on="2024-01-01", **({"ended_on": "2025-02-04"} if customer == "4" else {}))
    world.observe("ap", "2025-01-06", "2025-03-31")
    world.complaint("2025-01-29T10:00", "slow", customer_id="1")
    world.complaint("2025-02-26T10:00", "billing", customer_id="1")  # 28 days after
    world.complaint("2025-02-05T10:00", "billing", customer_id="2")
    world.complaint("2025-02-05T11:00", "price", customer_id="2")
    world.complaint("2025-02-06T10:00", "billing", customer_id="3")
    world.complaint("2025-02-06T11:00", "connection", customer_id="3")
    world.complaint("2025-02-03T10:00", "other", customer_id="4")
    world.complaint("2025-02-07T10:00", "billing", area="north")
    weeks = world.build().area_weeks
    week = row_of(weeks, week="2025-02-03")
    assert (week.complaints_billing, week.complaints_price) == (3, 1)
    assert (week.quiet_complaints_billing, week.quiet_complaints_price) == (1, 1)
    # Customer 1 is not quiet in all of it, 2 from Thursday, 3 from Friday, 4 on Tuesday, the last day there.
    assert week.customer_days == 3 * 7 + 2
    assert week.quiet_customer_days == week.customer_days - 7 - 4 - 3 - 1
    assert row_of(weeks, week="2025-02-24").quiet_complaints_billing == 0
    assert row_of(weeks, week="2025-01-06").quiet_customer_days == 28


def test_complaints_that_name_no_customer_leave_it_unknown_who_was_quiet(world: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    world.observe("ap", *WEEK)
    world.complaint("2025-01-07T10:00", "billing", area="north")
    weeks = withholding.withheld(world.build()).area_weeks
    assert weeks["complaints_billing"].sum() == 1
    assert weeks[["quiet_customer_days", "quiet_complaints_billing", "quiet_complaints_price"]].isna().all(axis=None)


def test_area_days_tell_what_was_seen_of_the_devices_from_their_first_day_to_their_last(
    world: Any, row_of: Any
) -> None:
    for customer, device in (("1", "A"), ("2", "A"), ("3", "B"), ("4", None)):
        world.customer(customer, started_on="2024-01-01", device_id=device)
    world.observe("A", "2025-01-06", "2025-01-13")
    world.observe("A", "2025-01-07T03:00", "2025-01-07T05:00", down_seconds=1800.0)
    world.observe("A", "2025-01-08T00:00", "2025-01-08T12:00", observed_seconds=0.0)
    world.observe("B", "2025-01-07", "2025-01-08", observed_seconds=1800.0)
    world.observe("B", "2025-01-10", "2025-01-11")
    days = world.build().area_days
    tuesday = row_of(days, day="2025-01-07")
    assert (tuesday.device_hours, tuesday.unseen_hours, tuesday.judged_hours, tuesday.down_hours) == (48, 12, 36, 1)
    wednesday = row_of(days, day="2025-01-08")
    assert (wednesday.device_hours, wednesday.unseen_hours) == (48, 12 + 24)
    assert row_of(days, day="2025-01-06").device_hours == row_of(days, day="2025-01-12").device_hours == 24
    assert days["down_hours"].sum() == 1


def test_what_nobody_observed_of_the_eight_weeks_before_is_told_of_each_customer(world: Any, row_of: Any) -> None:
    world.customer("old", started_on="2024-01-01", device_id="A")
    world.customer("new", started_on="2025-02-17", device_id="A")
    world.observe("A", "2025-01-06", "2025-03-10")
    world.observe("A", "2025-02-24", "2025-02-25T12:00", observed_seconds=0.0)
    weeks = world.build().customer_weeks
    assert row_of(weeks, customer_id="old", week="2025-03-03").trailing_unseen_ratio == pytest.approx(1.5 / 56)
    assert row_of(weeks, customer_id="new", week="2025-03-03").trailing_unseen_ratio == pytest.approx(1.5 / 14)
    assert row_of(weeks, customer_id="old", week="2025-02-17").trailing_unseen_ratio == 0
