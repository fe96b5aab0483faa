"""customer_periods against numbers worked out by hand: time at risk, who left when, exposure that ends before."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest

from dashboard.panel import assemble as panels

# Quality from Monday 2025-01-06 to Sunday 2025-06-22: six four-week periods.
FIRST, LAST = "2025-01-06", "2025-06-23"
PERIODS = ["2025-01-06", "2025-02-03", "2025-03-03", "2025-03-31", "2025-04-28", "2025-05-26"]


@pytest.fixture
def observed(world: Any) -> Any:
    world.observe("ap", FIRST, LAST)
    return world


def at_risk(panel: Any, customer: str = "1") -> dict[str, float]:
    rows = panel.customer_periods[panel.customer_periods["customer_id"] == customer]
    return {f"{row.period:%Y-%m-%d}": row.days_at_risk for row in rows.itertuples()}


def test_a_customer_who_stays_is_at_risk_in_every_period(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    panel = observed.build()
    assert at_risk(panel) == dict.fromkeys(PERIODS, 28)
    assert (panel.entry, panel.cut_off) == (datetime.date(2025, 1, 6), datetime.date(2025, 6, 22))
    assert not panel.customer_periods[["left_voluntarily", "left_otherwise"]].to_numpy().any()


def test_the_cut_off_ends_the_last_period_early(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    # 22 June less 28 days is 25 May, the last day of the fifth period; less 40 days is 13 May, its 16th day.
    assert at_risk(observed.build(reporting_lag_days=28)) == dict.fromkeys(PERIODS[:5], 28)
    assert at_risk(observed.build(reporting_lag_days=40))["2025-04-28"] == 16


def test_entry_is_the_latest_of_start_records_and_quality(observed: Any, row_of: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    observed.customer("2", started_on="2025-03-10")
    panel = observed.build(records_complete_from="2025-02-10")
    # Wednesday to Sunday would be partial; the 10th is a Monday, so the periods are counted from it.
    assert panel.entry == datetime.date(2025, 2, 10)
    assert list(at_risk(panel)) == ["2025-02-10", "2025-03-10", "2025-04-07", "2025-05-05", "2025-06-02"]
    late = observed.build(records_complete_from="2025-02-12")
    first = row_of(late.customer_periods, customer_id="1", period="2025-02-10")
    assert (first.days_at_risk, first.tenure_days) == (26, 408)
    assert next(iter(at_risk(late, "2"))) == "2025-03-10"


def test_the_event_is_dated_by_notice_and_its_day_is_at_risk(observed: Any, row_of: Any) -> None:
    observed.customer(
        "1", started_on="2024-01-01", notice_on="2025-02-12", ended_on="2025-03-31", end_reason="voluntary"
    )
    panel = observed.build()
    assert at_risk(panel) == {"2025-01-06": 28, "2025-02-03": 10}
    assert row_of(panel.customer_periods, period="2025-02-03").left_voluntarily
    assert not row_of(panel.customer_periods, period="2025-01-06").left_voluntarily


@pytest.mark.parametrize(
    ("values", "voluntary", "otherwise"),
    [
        ({"ended_on": "2025-02-10", "end_reason": "voluntary"}, True, False),
        ({"ended_on": "2025-02-10", "end_reason": "moved"}, False, True),
        ({"ended_on": "2025-02-10", "end_reason": "nonpayment"}, False, True),
        ({"ended_on": "2025-02-10"}, False, True),
        ({"ended_on": "2025-02-10", "notice_on": "2025-02-10"}, True, False),
        ({"notice_on": "2025-02-10"}, True, False),
        ({"ended_on": "2025-07-10", "notice_on": "2025-07-01"}, False, False),
    ],
)
def test_who_left_and_why(observed: Any, row_of: Any, values: dict[str, str], voluntary: bool, otherwise: bool) -> None:
    observed.customer("1", started_on="2024-01-01", **values)
    row = row_of(observed.build().customer_periods, period="2025-02-03")
    assert (row.left_voluntarily, row.left_otherwise) == (voluntary, otherwise)


def test_events_on_the_edges_of_periods_fall_in_exactly_one(observed: Any) -> None:
    for number, day in enumerate(("2025-02-02", "2025-02-03", "2025-03-02", "2025-03-03", "2025-01-06", "2025-06-22")):
        observed.customer(str(number), started_on="2024-01-01", ended_on=day, end_reason="voluntary")
    rows = observed.build().customer_periods.query("left_voluntarily")
    found = {row.customer_id: (f"{row.period:%m-%d}", row.days_at_risk) for row in rows.itertuples()}
    assert found == {
        "0": ("01-06", 28),
        "1": ("02-03", 1),
        "2": ("02-03", 28),
        "3": ("03-03", 1),
        "4": ("01-06", 1),
        "5": ("05-26", 28),
    }


def test_a_returner_has_two_spells_at_risk_and_none_between(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01", ended_on="2025-02-10", end_reason="voluntary")
    observed.customer("1", started_on="2025-05-01", device_id="ap")
    panel = observed.build()
    assert at_risk(panel) == {"2025-01-06": 28, "2025-02-03": 8, "2025-04-28": 25, "2025-05-26": 28}
    rows = panel.customer_periods
    assert rows["left_voluntarily"].sum() == 1
    assert rows.loc[rows["period"] == "2025-05-26", "tenure_days"].tolist() == [25]
    # 1 to 25 May were the only days behind the device before 26 May in that spell.
    assert rows["started_on"].nunique() == 2


def test_what_is_known_at_the_periods_start_is_what_counts(observed: Any, row_of: Any) -> None:
    before = {"area": "north", "plan": "home", "monthly_price": 20.0, "contract_until": "2025-04-30"}
    after = {"area": "south", "plan": "plus", "monthly_price": 40.0, "contract_until": "2027-04-30"}
    observed.customer("0", started_on="2024-01-01")
    observed.customer("1", started_on="2025-01-15", technology="dsl", **before)
    observed.customer("1", started_on="2025-01-15", technology="fibre", valid_from="2025-03-04", **after)
    observed.rows["prices"] = [
        {"plan": "home", "valid_from": "2020-01-01", "new_customer_price": 15.0},
        {"plan": "home", "valid_from": "2025-03-04", "new_customer_price": 1.0},
    ]
    rows = observed.build().customer_periods
    joined, known, changed = (
        row_of(rows, customer_id="1", period=day) for day in ("2025-01-06", "2025-03-03", "2025-03-31")
    )
    assert (joined.tenure_days, joined.days_at_risk) == (0, 19)
    assert (known.area, known.plan, known.monthly_price, known.technology) == ("north", "home", 20, "dsl")
    assert known.price_gap == 5
    # 3 March to 30 April.
    assert (known.is_locked_in, known.lock_in_days_left, known.tenure_days) == (True, 58, 47)
    assert (changed.area, changed.plan, changed.technology) == ("south", "plus", "fibre")
    assert pd.isna(changed.price_gap)


def test_lock_in_is_unknown_where_no_contract_is_on_record_and_nil_where_others_have_one(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    assert observed.build().customer_periods["is_locked_in"].isna().all()
    observed.customer("2", started_on="2024-01-01", contract_until="2025-02-03")
    rows = observed.build().customer_periods.set_index(["customer_id", "period"])
    assert rows.loc["1", "is_locked_in"].tolist() == [False] * 6
    assert rows.loc["2", "is_locked_in"].tolist() == [True, False, False, False, False, False]
    assert rows.loc["2", "lock_in_days_left"].tolist() == [28, 0, 0, 0, 0, 0]


def test_complaints_of_the_eight_weeks_before_count(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    observed.complaint("2024-11-01", customer_id="0")
    for at in ("2025-02-02T23:59", "2025-02-03T00:00", "2025-03-31T12:00"):
        observed.complaint(at, customer_id="1")
    rows = observed.build().customer_periods
    assert rows["complaints_before"].tolist() == [0, 1, 2, 1, 1, 1]


def test_complaints_before_are_unknown_where_the_records_do_not_reach_back(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    observed.complaint("2025-01-10", customer_id="1")
    rows = observed.build().customer_periods
    # Records begin on 10 January: eight whole weeks before are first known at 31 March.
    assert rows["complaints_before"].isna().tolist() == [True, True, True, False, False, False]
    assert observed.build().customer_periods["complaints_before"].dtype == "Int64"


# --- exposure ---


def test_exposure_is_of_the_eight_weeks_before_the_period(observed: Any) -> None:
    observed.customer("1", started_on="2024-01-01")
    # Two hours down on the first day of quality, none else.
    observed.observe("ap", "2025-01-06T00:00", "2025-01-06T02:00", down_seconds=3600.0)
    hours = observed.build().customer_periods["trailing_down_hours"].tolist()
    # Before the first period nothing was observed; then 2 h in 4 weeks, 2 h in 8 weeks, and out of the window.
    assert pd.isna(hours[0])
    assert hours[1:] == pytest.approx([0.5, 0.25, 0, 0, 0])


def test_exposure_follows_the_customer_from_device_to_device(observed: Any, row_of: Any) -> None:
    observed.observe("B", FIRST, LAST, down_seconds=360.0, rtt_p95_seconds=0.05)
    observed.observe("ap", FIRST, LAST, rtt_p95_seconds=0.01)
    observed.customer("1", started_on="2024-01-01", device_id="ap")
    observed.customer("1", started_on="2024-01-01", device_id="B", area="south", valid_from="2025-02-17")
    row = row_of(observed.build().customer_periods, period="2025-03-03")
    # Of the eight weeks six were behind ap and two behind B, where a tenth of the time was down.
    assert row.trailing_down_hours == pytest.approx(2 / 8 * 16.8)
    assert row.trailing_evening_rtt_p95_mean_seconds == pytest.approx((6 * 0.01 + 2 * 0.05) / 8)
    assert row.device_id == "B"


def test_customers_of_today_tell_from_how_many_echoes_their_loss_was_counted(world: Any, row_of: Any) -> None:
    world.observe("ap", FIRST, LAST, pings_sent=50, pings_lost=1)
    world.customer("long", started_on="2024-01-01")
    panel = world.build(reporting_lag_days=7)
    world.customer("new", started_on=str(panel.cut_off - pd.Timedelta(days=1)))
    now = world.build(reporting_lag_days=7).customers_now
    assert row_of(now, customer_id="long").trailing_echoes_sent == 56 * 24 * 50
    assert row_of(now, customer_id="new").trailing_echoes_sent == 2 * 24 * 50
    assert row_of(now, customer_id="long").trailing_loss_ratio == pytest.approx(0.02)
    assert "trailing_echoes_sent" not in panel.customer_periods


def test_who_goes_without_notice_and_who_stays_are_judged_by_the_same_weeks(observed: Any, row_of: Any) -> None:
    # The device is down from 10 February on. A window that ended earlier for leavers would set their good weeks
    # against the bad ones of those who stay.
    observed.observe("ap", "2025-02-10", LAST, down_seconds=3600.0)
    common = {"started_on": "2024-01-01", "end_reason": "voluntary"}
    observed.customer("silent", ended_on="2025-03-10", **common)
    observed.customer("noticed", notice_on="2025-03-10", ended_on="2025-03-10", **common)
    observed.customer("stays", started_on="2024-01-01")
    rows = observed.build().customer_periods
    for name in ("silent", "noticed", "stays"):
        assert row_of(rows, customer_id=name, period="2025-03-03").trailing_down_hours == pytest.approx(3 / 8 * 168)


def test_who_unplugs_weeks_before_leaving_has_no_worse_quality_for_it(world: Any, row_of: Any) -> None:
    world.observe("ap", FIRST, LAST)
    world.device("cpe", "ap")
    world.observe("cpe", FIRST, "2025-02-10")
    world.observe("cpe", "2025-02-10", LAST, silent_seconds=3600.0, pings_sent=0, pings_lost=0)
    world.customer("1", device_id="cpe", started_on="2024-01-01", ended_on="2025-03-10", end_reason="voluntary")
    row = row_of(world.build().customer_periods, period="2025-03-03")
    assert row.left_voluntarily
    assert row.trailing_down_hours == 0
    assert row.trailing_observed_ratio == pytest.approx(5 / 8)


def test_outages_while_a_modem_is_unplugged_are_nobodys(world: Any, row_of: Any) -> None:
    # Two hours down a day, half an hour of it beside silence: who is plugged in has 14 hours a week of them. Of the
    # unplugged one only bad hours could be seen, so that by those alone it would be down for most of its weeks.
    world.device("cpe", "ap")
    world.observe("cpe", FIRST, "2025-02-10")
    world.observe("cpe", "2025-02-10", LAST, silent_seconds=3600.0, pings_sent=0, pings_lost=0)
    world.observe("ap", FIRST, LAST)
    for day in pd.date_range(FIRST, LAST, inclusive="left"):
        at = f"{day:%Y-%m-%d}"
        silent = 1800.0 if day >= pd.Timestamp("2025-02-10") else 0.0
        for device, edge in (("ap", 0.0), ("cpe", silent)):
            world.observe(device, f"{at}T10:00", f"{at}T11:00", down_seconds=1800.0, silent_seconds=edge)
            world.observe(device, f"{at}T11:00", f"{at}T12:00", down_seconds=3600.0, silent_seconds=0.0)
            world.observe(device, f"{at}T12:00", f"{at}T13:00", down_seconds=1800.0, silent_seconds=edge)
    world.customer("unplugs", device_id="cpe", started_on="2024-01-01", ended_on="2025-03-10", end_reason="voluntary")
    world.customer("stays", started_on="2024-01-01")
    rows = world.build().customer_periods
    for name, observed in (("stays", 1), ("unplugs", 5 / 8)):
        row = row_of(rows, customer_id=name, period="2025-03-03")
        assert row.trailing_down_hours == pytest.approx(14)
        assert row.trailing_observed_ratio == pytest.approx(observed)


def test_an_end_after_the_cut_off_moves_no_exposure(observed: Any, row_of: Any) -> None:
    observed.observe("ap", "2025-05-20", LAST, down_seconds=3600.0)
    observed.customer("leaves", started_on="2024-01-01", ended_on="2025-06-21", end_reason="voluntary")
    observed.customer("stays", started_on="2024-01-01")
    rows = observed.build(reporting_lag_days=7).customer_periods
    leaves, stays = (row_of(rows, customer_id=name, period="2025-05-26") for name in ("leaves", "stays"))
    assert not leaves.left_voluntarily
    assert leaves.trailing_down_hours == stays.trailing_down_hours > 0


def test_nothing_after_a_periods_start_reaches_its_row(world: Any) -> None:
    """Everything from 31 March on is changed beyond recognition: earlier periods and that one's covariates stay."""
    change = "2025-03-31"

    def build(is_changed: bool) -> pd.DataFrame:
        world.rows = {kind: [] for kind in world.rows}
        world.hours.clear()
        world.devices.clear()
        world.device("ap", "hub", until=change if is_changed else None)
        world.device("hub", "core")
        world.device("core", None)
        if is_changed:
            world.device("ap", "awful", since=change)
            world.device("awful", "core", since=change)
        quiet = {
            "down_seconds": 1.0,
            "rtt_p95_seconds": 0.01,
            "utilization_p95_ratio": 0.1,
            "pings_sent": 100,
            "pings_lost": 1,
        }
        awful = {
            "down_seconds": 3600.0,
            "rtt_p95_seconds": 9.0,
            "utilization_p95_ratio": 1.0,
            "pings_sent": 100,
            "pings_lost": 99,
        }
        for device in ("ap", "hub", "awful"):
            world.observe(device, FIRST, change, **quiet)
            world.observe(device, change, LAST, **(awful if is_changed else quiet))
        contract = {"plan": "home", "monthly_price": 20.0, "technology": "dsl", "contract_until": "2025-05-01"}
        world.customer("1", started_on="2024-01-01", **contract)
        world.customer("2", started_on="2025-02-12", **contract)
        world.rows["prices"] = [{"plan": "home", "valid_from": "2020-01-01", "new_customer_price": 15.0}]
        world.complaint("2024-10-01", customer_id="1")
        world.complaint("2025-03-01", customer_id="1")
        if is_changed:
            later = {"area": "south", "device_id": "awful", "plan": "plus", "monthly_price": 99.0}
            for customer, started_on in (("1", "2024-01-01"), ("2", "2025-02-12")):
                world.customer(
                    customer, started_on=started_on, valid_from="2025-04-01", ended_on="2025-04-20",
                    end_reason="voluntary", notice_on="2025-04-02", **later,
                )  # fmt: skip
            world.rows["prices"].append({"plan": "home", "valid_from": "2025-04-01", "new_customer_price": 1.0})
            world.complaint(f"{change}T00:00", customer_id="1")
        return world.build().customer_periods

    plain, changed = build(False), build(True)
    earlier = [frame[frame["period"] < change].reset_index(drop=True) for frame in (plain, changed)]
    pd.testing.assert_frame_equal(*earlier)
    assert len(earlier[0]) == 5
    asked = [
        frame[frame["period"] == change].drop(columns=["days_at_risk", "left_voluntarily"]).reset_index(drop=True)
        for frame in (plain, changed)
    ]
    pd.testing.assert_frame_equal(*asked)
    assert changed.loc[changed["period"] == change, "left_voluntarily"].all()


def test_knowledge_begins_with_the_first_row_and_is_never_filled_backwards(observed: Any, row_of: Any) -> None:
    observed.customer("known", started_on="2023-01-01")
    observed.customer("1", started_on="2024-01-01", valid_from="2025-03-12")
    observed.customer(
        "gone", started_on="2024-01-01", ended_on="2025-02-01", end_reason="voluntary", valid_from="2025-03-12"
    )
    panel = observed.build()
    # From Wednesday 12 March on: 19 days of the period from 3 March.
    assert at_risk(panel)["2025-03-03"] == 19
    assert next(iter(at_risk(panel))) == "2025-03-03"
    assert at_risk(panel, "gone") == {}
    spells = panel.counts[panel.counts["table"] == "spells"].set_index("code")["rows"].to_dict()
    assert spells == {"left_before_first_known": 1, "used": 2}
    weeks = panel.area_weeks.set_index("week")["customer_days"]
    assert (weeks["2025-03-03"], weeks["2025-03-10"], weeks["2025-03-17"]) == (7, 12, 14)


def test_weeks_hold_every_departure_and_weights_make_up_for_the_weeks_left_out(world: Any) -> None:
    world.observe("ap", FIRST, LAST)
    for number in range(300):
        end = {
            "ended_on": f"2025-0{1 + number % 5}-{10 + number % 7}",
            "end_reason": ("voluntary", "moved")[number % 2],
        }
        world.customer(str(number), started_on="2024-01-01", **(end if number < 40 else {}))
    whole = world.build()
    assert (whole.customer_weeks["weight"] == 1).all()
    assert whole.customer_weeks["days_at_risk"].sum() == whole.customer_periods["days_at_risk"].sum()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panels, "FEWEST_STAYS", 0)
        drawn = world.build().customer_weeks
    leaves = drawn["left_voluntarily"] | drawn["left_otherwise"]
    assert leaves.sum() == 40
    assert (drawn.loc[leaves, "weight"] == 1).all()
    stays = (~leaves).sum()
    assert stays == pytest.approx(10 * drawn["left_voluntarily"].sum(), rel=0.2)
    made_up = (drawn["weight"] * drawn["days_at_risk"]).sum()
    assert made_up == pytest.approx(whole.customer_weeks["days_at_risk"].sum(), rel=0.2)
    assert drawn.groupby("week").size().min() > 0


def test_a_week_in_which_somebody_leaves_ends_with_that_day(observed: Any, row_of: Any) -> None:
    observed.customer("1", started_on="2024-01-01", ended_on="2025-02-12", end_reason="voluntary")
    weeks = observed.build().customer_weeks.set_index("week")
    assert weeks["days_at_risk"].tolist() == [7] * 5 + [3]
    assert weeks["left_voluntarily"].tolist() == [False] * 5 + [True]


def test_what_came_before_a_moment_is_told_and_nothing_else(observed: Any, row_of: Any) -> None:
    common = {"started_on": "2024-01-01", "termination_fee": 50.0, "contract_until": "2025-02-20"}
    observed.customer("0", started_on="2024-01-01")
    observed.customer("1", monthly_price=20.0, **common)
    observed.customer("1", monthly_price=23.0, valid_from="2025-02-01", **common)
    observed.complaint("2024-11-01T00:00", customer_id="0")
    answered = datetime.datetime(2025, 2, 20, 6, tzinfo=datetime.UTC)
    observed.complaint("2025-02-20T00:00", customer_id="1", first_answer_at=answered)
    late = datetime.datetime(2025, 3, 3, 0, 30, tzinfo=datetime.UTC)
    observed.complaint("2025-02-25T00:00", "billing", customer_id="1", first_answer_at=late)
    for day, score in (("2025-02-10", 9), ("2025-02-20", 2), ("2025-03-03", 10)):
        observed.rows["nps"].append({"response_id": day, "customer_id": "1", "answered_on": day, "score": score})
    row = row_of(observed.build().customer_periods, customer_id="1", period="2025-03-03")
    assert (row.complaints_before, row.quality_complaints_before, row.answer_hours_before) == (2, 1, 6)
    assert row.nps_score_before == 2
    assert (row.free_days, row.termination_fee, row.is_locked_in) == (11, 50, False)
    assert (row.price_change, row.price_held_days) == (3, 30)


def test_customers_now_are_those_who_are_still_there_after_the_cut_off(observed: Any) -> None:
    observed.customer("stays", started_on="2024-01-01")
    observed.customer("goes", started_on="2024-01-01", ended_on="2025-03-10", end_reason="moved")
    observed.customer("goes later", started_on="2024-01-01", ended_on="2025-06-20", end_reason="moved")
    panel = observed.build(reporting_lag_days=7)
    assert panel.customers_now["customer_id"].tolist() == ["goes later", "stays"]
    assert (
        panel.customers_now["tenure_days"] == (pd.Timestamp(panel.cut_off) - pd.Timestamp("2024-01-01")).days + 1
    ).all()
