"""Held, unhappy and silent customers, returners and price gaps, counted by hand."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson

from dashboard.models.leaving import returners
from dashboard.models.leaving.fitted_hazard import Coefficient
from dashboard.models.loyalty import held_or_loyal, price_gaps

from ...sample_measures import not_taken

CUT_OFF = datetime.date(2026, 5, 3)


def customers(rows: list[dict[str, object]]) -> pd.DataFrame:
    """customers_now of ordinary customers of one technology, with what ``rows`` say otherwise."""
    usual = {
        "area": "north",
        "technology": "cable",
        "plan": "home",
        "monthly_price": 30.0,
        "price_gap": 2.0,
        "tenure_days": 800,
        "is_locked_in": False,
        "lock_in_days_left": 0,
        "complaints_before": 0,
        "quality_complaints_before": 0,
        "nps_score_before": None,
        "trailing_observed_ratio": 1.0,
        "trailing_down_hours": 0.1,
        "trailing_evening_rtt_p95_mean_seconds": 0.020,
        "trailing_loss_ratio": 0.001,
        "trailing_evening_utilization_mean_ratio": 0.5,
        **not_taken("trailing"),
    }
    whole = ("tenure_days", "lock_in_days_left", "complaints_before", "quality_complaints_before", "nps_score_before")
    frame = pd.DataFrame([{**usual, **row} for row in rows])
    return frame.astype(dict.fromkeys(whole, "Int64") | {"is_locked_in": "boolean"})


def complaints(rows: list[dict[str, object]]) -> pd.DataFrame:
    usual = {
        "area": "north",
        "opened_on": pd.Timestamp("2026-04-20"),
        "observed_ratio": 1.0,
        "down_hours": 0.0,
        "evening_rtt_p95_mean_seconds": 0.020,
        "loss_ratio": 0.001,
        "evening_utilization_mean_ratio": 0.5,
        **not_taken("column"),
    }
    return pd.DataFrame([{**usual, **row} for row in rows], columns=[*usual])


def row_of(frame: pd.DataFrame, **values: object) -> pd.Series:
    for name, value in values.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


HELD = {"is_locked_in": True, "lock_in_days_left": 45}


def test_held_free_and_unhappy_customers_are_those_counted_by_hand():
    made = held_or_loyal.loyalty(
        customers(
            [
                *[{}] * 6,
                {
                    **HELD,
                    "trailing_down_hours": 1.2,
                    "monthly_price": 50.0,
                },  # held and bad: more than an hour above 0.1
                {**HELD, "trailing_down_hours": 1.0},  # held, not bad: less than an hour above the middle
                {"trailing_evening_rtt_p95_mean_seconds": 0.031, "complaints_before": 1},  # free and bad, complained
                {**HELD, "nps_score_before": 6, "area": "south"},  # unhappy by the survey alone
                {"quality_complaints_before": 1, "complaints_before": 1},  # unhappy by the complaint alone
                {"trailing_observed_ratio": 0.4, "trailing_down_hours": 9.0},  # hardly observed: not judged
                {"is_locked_in": None, "lock_in_days_left": None},
            ]
        ),
        complaints([]),
        CUT_OFF,
    )
    provider = row_of(made.rows, area="")
    names = ["customers", "judged", "held_bad", "held_good", "free_bad", "free_good", "contract_unknown"]
    assert provider[names].tolist() == [13, 12, 1, 2, 1, 7, 1]
    assert provider[["unhappy", "unhappy_held", "silent_sufferers"]].tolist() == [4, 2, 1]
    assert provider["unhappy_monthly_revenue"] == pytest.approx(140.0)
    assert provider["silent_sufferers_monthly_revenue"] == pytest.approx(50.0)
    assert row_of(made.rows, area="south")[["customers", "unhappy", "held_good"]].tolist() == [1, 1, 1]
    second = row_of(made.cliff, area="", months_ahead=2)
    assert second[["ending", "unhappy_ending"]].tolist() == [3, 2]
    assert second["unhappy_monthly_revenue"] == pytest.approx(80.0)
    assert made.cliff.groupby("area")["ending"].sum().to_dict() == {"": 3, "north": 2, "south": 1}
    assert second["month_starts_on"] == pd.Timestamp("2026-06-04")


@pytest.mark.parametrize(
    ("more", "unhappy", "unjudged"),
    [
        ({}, 0, 0),
        ({"trailing_down_hours": 9.0}, 1, 0),
        ({"trailing_observed_ratio": 0.1}, 0, 1),
        ({"trailing_observed_ratio": None, "trailing_down_hours": 9.0}, 0, 1),
        ({"trailing_observed_ratio": 0.1, "nps_score_before": 9}, 0, 1),
        ({"trailing_observed_ratio": 0.1, "nps_score_before": 3}, 1, 0),
        ({"trailing_observed_ratio": 0.1, "quality_complaints_before": 1}, 1, 0),
    ],
)
def test_a_contract_whose_quality_was_not_judged_is_unhappy_only_by_a_sign(more, unhappy, unjudged):
    made = held_or_loyal.loyalty(customers([*[{}] * 4, {**HELD, **more}]), complaints([]), CUT_OFF)
    second = row_of(made.cliff, area="", months_ahead=2)
    assert second[["ending", "unhappy_ending", "unjudged_ending"]].tolist() == [1, unhappy, unjudged]


def test_a_month_of_the_cliff_ends_on_the_day_before_the_next_one_begins():
    """Contracts that end on 31 May, 3 June, 4 June and 4 February are free from the day after, counted from 4 May."""
    last_days = ["2026-05-31", "2026-06-03", "2026-06-04", "2027-02-04"]
    left = [(pd.Timestamp(day) - pd.Timestamp("2026-05-04")).days + 1 for day in last_days]
    made = held_or_loyal.loyalty(
        customers([{**HELD, "lock_in_days_left": days} for days in left]), complaints([]), CUT_OFF
    )
    provider = made.cliff[made.cliff["area"].eq("")].set_index("month_starts_on")["ending"]
    assert provider[provider > 0].to_dict() == {
        pd.Timestamp("2026-05-04"): 2,
        pd.Timestamp("2026-06-04"): 1,
        pd.Timestamp("2027-02-04"): 1,
    }


def test_a_bad_technology_is_not_bad_for_all_its_customers():
    slow = {"technology": "dsl", "trailing_evening_rtt_p95_mean_seconds": 0.060}
    made = held_or_loyal.standing_of(customers([{}] * 40 + [slow] * 40 + [{**slow, "trailing_loss_ratio": 0.02}]))
    assert np.flatnonzero(made.is_bad).tolist() == [80]


def test_complaints_with_a_clean_network():
    made = held_or_loyal.loyalty(
        customers([{}] * 3),
        complaints(
            [
                {},
                {"down_hours": 0.2},
                {"evening_rtt_p95_mean_seconds": 0.026},
                {"loss_ratio": np.nan},
                {"observed_ratio": np.nan, "down_hours": np.nan},
                {"opened_on": pd.Timestamp("2026-01-20")},
                {"opened_on": pd.Timestamp("2026-05-04")},
            ]
        ),
        CUT_OFF,
    )
    row = row_of(made.rows, area="north")
    names = ["quality_complaints", "quality_complaints_judged", "quality_complaints_clean"]
    assert row[names].tolist() == [5, 4, 2]
    low, high = proportion_confint(2, 4, method="wilson")
    assert (row["clean_ratio_low"], row["clean_ratio_high"]) == pytest.approx((low, high))


def test_without_complaints_on_record_nobody_is_called_silent():
    made = held_or_loyal.loyalty(
        customers([{"complaints_before": None, "trailing_down_hours": 9.0}, {}, {}]), complaints([]), CUT_OFF
    )
    made_unknown = customers(
        [{"complaints_before": None, "trailing_down_hours": 9.0}] + [{"complaints_before": None}] * 2
    )
    assert row_of(made.rows, area="")["silent_sufferers"] == 0
    unknown = held_or_loyal.loyalty(made_unknown, complaints([]), CUT_OFF)
    assert unknown.rows["silent_sufferers"].isna().all()


def test_returners_are_those_who_come_back_after_four_weeks():
    def left(customer: str, ended: str, back: str | None, area: str = "north", reason: str = "voluntary") -> dict:
        return {
            "customer_id": customer,
            "started_on": pd.Timestamp("2024-01-01"),
            "area": "north",
            "ended_on": pd.Timestamp(ended),
            "exit_reason": reason,
            "next_started_on": pd.Timestamp(back) if back else pd.NaT,
            "next_area": area if back else None,
        }

    departures = pd.DataFrame(
        [
            left("1", "2025-01-01", "2025-04-11"),  # 100 days away, back here
            left("2", "2025-01-01", "2025-02-20", area="south"),  # 50 days away, elsewhere
            left("3", "2025-01-01", "2025-01-08"),  # a change of plan
            left("4", "2025-01-01", None),
            left("5", "2025-01-01", None, reason="moved"),
            left("6", "2026-12-01", None),  # ends after what is on record
        ]
    )
    made = returners.returners(departures, datetime.date(2026, 1, 1))
    row = row_of(made, area="north", exit_reason="voluntary")
    names = ["departures", "returned", "returned_here", "gap_days_median", "gap_days_shortest", "gap_days_longest"]
    assert row[names].tolist() == [3, 2, 1, 75, 50, 100]
    years = (100 + 50 + 365) / 365.25
    assert row["gone_years"] == pytest.approx(years)
    low, high = confint_poisson(2, years / 100, method="exact-c")
    assert row["returns_per_100_gone_years_low"] == pytest.approx(low)
    assert row["returns_per_100_gone_years_high"] == pytest.approx(high)
    assert row_of(made, area="", exit_reason="all")["departures"] == 4


def test_price_gaps_say_no_more_than_was_found():
    now = customers([{"price_gap": 5.0}, {"price_gap": 3.0, "plan": "big"}, {"tenure_days": 10, "price_gap": 0.0}])
    found = price_gaps.price_gaps(now, Coefficient(0.04, 0.02, 0.06, 0.001))
    everything = row_of(found, plan="")
    assert everything[["customers", "loyal_customers", "gap_mean", "paying_more_ratio"]].tolist() == [3, 2, 4.0, 1.0]
    assert everything["rate_ratio"] == pytest.approx(np.exp(0.04))
    assert everything["is_found"]
    assert "association" in everything["note"]
    assert row_of(found, plan="home")["gap_mean"] == 5.0
    nothing = row_of(price_gaps.price_gaps(now, Coefficient(0.01, -0.02, 0.04, 0.5)), plan="")
    assert not nothing["is_found"]
    assert "no link" in nothing["note"]
    assert np.isnan(row_of(price_gaps.price_gaps(now, None), plan="")["rate_ratio"])
    assert price_gaps.price_gaps(now.assign(price_gap=np.nan), None).empty
