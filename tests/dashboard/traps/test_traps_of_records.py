"""Records that say less than they seem to: few people, contracts, lost leavers, late entries, silent customers."""

import datetime

import numpy as np
import pandas as pd
import pytest

from dashboard.models.areas import area_rates, rank_areas
from dashboard.models.leaving import standardise
from dashboard.models.loyalty.survey_scores import area_nps

pytestmark = pytest.mark.slow

MINIMUM = 2.0


def ranked(panel):
    rows = rank_areas.rank(
        panel.customer_periods, panel.area_weeks, panel.cut_off, minimum_expected=MINIMUM, seed=1
    ).rows
    return rows.set_index("area")


def churn_rates(panel):
    """The naive figure: departures by customer-day."""
    sums = panel.customer_periods.groupby("area")[["left_voluntarily", "days_at_risk"]].sum().astype(float)
    return sums["left_voluntarily"] / sums["days_at_risk"]


def test_two_leavers_of_four_neighbours_are_no_finding(calm):
    rows = calm.records["customers"]
    few = calm.staying().groupby("area").head(1).head(4)
    rows.loc[rows["customer_id"].isin(few["customer_id"]), "area"] = "hamlet"
    calm.let_leave(few.head(2), np.array([200, 300]))
    panel = calm.panel()
    assert churn_rates(panel).idxmax() == "hamlet", "naively the worst of all"
    told = ranked(panel).loc["hamlet"]
    assert told["verdict"] == "too_little_data"
    assert pd.isna(told["rank"])
    assert pd.isna(told["excess_leavers_90d"])
    assert "at least 2 are needed" in told["note"]


def test_where_nobody_complains_the_rate_is_not_taken_for_zero(calm):
    rows = calm.records["customers"]
    quiet = sorted(rows["area"].unique())[0]
    complaints = calm.records["complaints"]
    ever_there = rows.loc[rows["area"] == quiet, "customer_id"]
    calm.records["complaints"] = complaints[~complaints["customer_id"].isin(ever_there)]
    panel = calm.panel()
    now = standardise.current_customers(panel.customer_periods, panel.cut_off)
    rates = area_rates.area_rates(panel.customer_periods, panel.area_weeks, now)
    told = rates[(rates["area"] == quiet) & (rates["outcome"] == "complaints_quality")].iloc[0]
    assert told["events"] == 0, "naively nobody is unhappy"
    assert 0 < told["shrunk_rate_90d"] < rates.loc[rates["outcome"] == "complaints_quality", "shrunk_rate_90d"].median()
    assert told["shrunk_rate_90d_high"] > told["shrunk_rate_90d_low"] > 0
    assert ranked(panel).loc[quiet, "verdict"] != "too_little_data", "leaving is judged without complaints"


def test_contracts_that_hold_the_unhappy_do_not_make_a_place_look_happy(calm, calm_panel):
    """All of one area are held; of its few who could go, and of the held, more leave than elsewhere of their kind."""
    rows = calm.records["customers"]
    area = rows["area"].value_counts().index[0]
    here = rows["area"] == area
    rows.loc[here, "contract_until"] = calm.day(2000)
    calm.let_stay(here & (rows["end_reason"] == "voluntary"))
    stay = calm.staying()
    others = churn_rates(calm_panel).drop(area)
    # Half of what free customers elsewhere do, and twice what held ones do.
    people = stay[stay["area"] == area]
    gone = people.sample(frac=0.5 * others.mean() * 330, random_state=1)
    calm.let_leave(gone, np.random.default_rng(1).integers(30, 330, len(gone)))
    panel = calm.panel()
    naive = churn_rates(panel)
    assert (naive > naive[area]).mean() > 0.6, "naively one of the best"
    told = ranked(panel)
    assert told.loc[area, "rank"] <= 4
    assert told.loc[area, "excess_leavers_90d"] > 0


def test_an_export_of_todays_customers_alone_has_lost_its_leavers(calm, calm_panel):
    """Whoever left before day 200 is not in the export: the first months look as if nobody ever left."""
    rows = calm.records["customers"]
    full = churn_rates(calm_panel).mean()
    calm.records["customers"] = rows[~(rows["ended_on"] < calm.day(200))].reset_index(drop=True)
    survivors = calm.panel()
    assert churn_rates(survivors).mean() < 0.7 * full, "naively half of the leavers"
    assert any(note.code == "records_complete_from_assumed" for note in survivors.notes), (
        "and it is said what is assumed"
    )
    since = calm.day(200).date()
    told = calm.panel(records_complete_from=since.isoformat())
    assert told.entry == since
    calm.records["customers"] = rows
    pd.testing.assert_series_equal(
        churn_rates(told), churn_rates(calm.panel(records_complete_from=since.isoformat())), rtol=1e-12
    )
    assert "left_before_entry" not in set(told.counts["code"]) or told.counts["rows"].min() >= 0


def test_exits_entered_late_do_not_make_the_last_weeks_look_calm(calm, calm_panel):
    rows = calm.records["customers"]
    whole = calm_panel
    recent = rows["ended_on"].where(rows["notice_on"].isna(), rows["notice_on"]) > calm.day(52 * 7 - 25)
    assert recent.sum() > 10
    calm.let_stay(recent)
    late = calm.panel()
    assert late.cut_off <= whole.cut_off
    assert late.cut_off <= (calm.day(52 * 7) - datetime.timedelta(days=28)).date()
    until = late.customer_periods["period"] < late.customer_periods["period"].max()
    before = whole.customer_periods["period"] < late.customer_periods["period"].max()
    assert (
        late.customer_periods.loc[until, "left_voluntarily"].sum()
        == whole.customer_periods.loc[before, "left_voluntarily"].sum()
    )
    hasty = calm.panel(reporting_lag_days=0)
    last = hasty.customer_periods["period"].max()
    by_period = hasty.customer_periods.groupby("period")["left_voluntarily"].sum()
    assert by_period[last] < 0.5 * by_period.drop(last).median(), "naively, nobody leaves any more"


def test_a_survey_that_newcomers_answer_more_is_weighted_and_moods_are_not_correctable(calm_panel):
    """Old customers score 9, new ones 4; new ones answer four times as often. Then only the happy answer."""
    panel = calm_panel
    random = np.random.default_rng(1)
    now = panel.customers_now
    is_new = now["tenure_days"].to_numpy() < 365
    answers = random.random(len(now)) < np.where(is_new, 0.4, 0.1)
    score = np.where(is_new, 4, 9)
    true = 100 * ((score >= 9).mean() - (score <= 6).mean())
    surveyed = pd.DataFrame(
        {
            "area": now["area"],
            "answered_on": pd.Timestamp(panel.cut_off),
            "score": score,
            "technology": now["technology"],
            "tenure_days": now["tenure_days"],
            "complaints_before": now["complaints_before"],
        }
    )
    provider = area_nps(surveyed[answers], now).iloc[0]
    assert provider["nps"] < true - 15, "naively the provider is disliked"
    assert provider["weighted_nps_low"] < true < provider["weighted_nps_high"]
    score = np.where(random.random(len(now)) < 0.6, 9, 4)
    true = 100 * ((score >= 9).mean() - (score <= 6).mean())
    happy = random.random(len(now)) < np.where(score >= 9, 0.4, 0.1)
    moody = area_nps(surveyed.assign(score=score)[happy], now).iloc[0]
    assert moody["weighted_nps_low"] > true + 15, "no weight knows of a mood"
    assert "not correctable" in moody["not_correctable"]
