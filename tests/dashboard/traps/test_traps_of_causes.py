"""Something else moves quality and customers together: what a plain comparison says, and what is said instead."""

import numpy as np
import pandas as pd
import pytest

from dashboard.models.complaints import complaint_model
from dashboard.models.leaving import churn
from dashboard.models.leaving.covariates import TRAILING

pytestmark = pytest.mark.slow


def effect(model, term):
    return next(e for e in model.effects if e.term.name == term)


def rate_ratio(weeks, is_worse):
    """The naive comparison: departures a day where it was worse over departures a day elsewhere."""
    days = weeks["days_at_risk"] * weeks["weight"]
    rates = [weeks.loc[w, "left_voluntarily"].sum() / days[w].sum() for w in (is_worse, ~is_worse)]
    return rates[0] / rates[1]


def test_technology_with_more_loss_and_fewer_leavers_is_not_taken_for_an_effect_of_loss(calm, thin):
    rows = calm.records["customers"]
    cable = rows["technology"] == "cable"
    areas = sorted(rows.loc[cable, "area"].unique())
    lossy = calm.hours_of(areas, 0, 400) & calm.hours["pings_sent"].notna()
    calm.hours.loc[lossy, "pings_lost"] += np.rint(0.02 * calm.hours.loc[lossy, "pings_sent"]).astype(int)
    calm.let_stay(cable & (rows["end_reason"] == "voluntary") & (np.arange(len(rows)) % 10 < 7))
    weeks = thin(calm.panel().customer_weeks)
    loss = weeks[TRAILING["loss"]].fillna(0.0)
    assert rate_ratio(weeks, loss > loss.median()) < 0.7, "naively, loss keeps customers"
    fitted = churn.fit(weeks)
    found = effect(fitted.main, "loss")
    assert found.low < 1 < found.high
    assert not found.is_found


def test_a_price_rise_in_the_weeks_of_an_outage_is_told_apart_by_who_was_raised(calm, thin):
    random = np.random.default_rng(1)
    areas = sorted(calm.records["areas"]["area"])[::2]
    first = 30 * 7
    struck = calm.hours_of(areas, first, first + 14) & (random.random(len(calm.hours)) < 0.06)
    calm.hours.loc[struck, ["down_seconds", "silent_seconds"]] = [3600.0, 0.0]
    # Who leaves later is raised like everybody else: else those not raised would be the ones who leave.
    there = calm.there_on(calm.day(first))
    is_free = there["contract_until"].isna() | (there["contract_until"] < calm.day(first))
    raised = there[there["area"].isin(areas) & is_free & (there["started_on"] < calm.day(first - 60))]
    risen = raised.assign(valid_from=calm.day(first), monthly_price=raised["monthly_price"] + 6.0)
    kept = calm.records["customers"]
    assert not ((kept["valid_from"] >= calm.day(first)) & (kept["started_on"] < calm.day(first))).any()
    calm.records["customers"] = pd.concat([kept, risen], ignore_index=True).sort_values(
        ["customer_id", "started_on", "valid_from"], ignore_index=True
    )
    stay = raised[raised["ended_on"].isna() & raised["notice_on"].isna()]
    gone = stay.sample(frac=0.10, random_state=1)
    calm.let_leave(gone, first + 7 + random.integers(0, 49, len(gone)))
    weeks = thin(calm.panel().customer_weeks)
    down = weeks[TRAILING["down_hours"]].fillna(0.0)
    assert rate_ratio(weeks, down > 0.5) > 1.5, "naively, outages drive customers away"
    found = effect(churn.fit(weeks).main, "down_hours")
    assert found.low < 1 < found.high
    assert not found.is_found
    blind = effect(churn.fit(weeks.assign(price_change=0.0, price_gap=0.0, monthly_price=40.0)).main, "down_hours")
    assert blind.rate_ratio > found.rate_ratio * 1.1, "what the price columns take up"


def test_complaints_that_trigger_repairs_withdraw_the_word_effect(make_provider):
    calm = make_provider(areas=24)
    complained = calm.records["complaints"]
    about = complained[complained["category"].isin(["connection", "slow"])]
    area = about["customer_id"].map(
        calm.records["customers"].drop_duplicates("customer_id").set_index("customer_id")["area"]
    )
    week = (about["opened_at"].dt.tz_localize(None) - calm.day(0)).dt.days // 7
    counts = pd.crosstab(area, week).reindex(columns=range(53), fill_value=0)
    unusual = counts.sub(counts.mean(axis=1), axis=0).div(np.sqrt(counts.mean(axis=1)), axis=0)
    # A visit after a bad week takes milliseconds off the latency for the three weeks that follow.
    mended = sum(unusual.shift(lag, axis=1, fill_value=0.0) for lag in (1, 2, 3)).stack()
    at = pd.MultiIndex.from_arrays([calm.area_of_hours(), calm.day_of_hours() // 7])
    calm.hours["rtt_p95_seconds"] -= 0.002 * np.nan_to_num(mended.reindex(at).to_numpy())
    calm.hours["rtt_p95_seconds"] = calm.hours["rtt_p95_seconds"].clip(lower=0.001)
    fitted = complaint_model.fit(calm.panel().area_weeks)
    assert effect(fitted.placebo, "evening_latency").rate_ratio < 0.95, "complaints seem to follow quality to come"
    assert fitted.placebo.finds_something
    assert fitted.wording == "association"
    assert any("placebo" in note and "called an association" in note for note in fitted.notes)


def test_saturation_of_the_whole_provider_is_left_to_the_calendar(calm, thin):
    random = np.random.default_rng(2)
    first, end = 26 * 7, 38 * 7
    everywhere = calm.hours_of(sorted(calm.records["areas"]["area"]), first, end)
    busy = calm.hours.loc[everywhere, "utilization_p95_ratio"]
    calm.hours.loc[everywhere, "utilization_p95_ratio"] = (busy + 0.25).clip(upper=1.0)
    stay = calm.staying()
    gone = stay[stay["started_on"] < calm.day(first)].sample(frac=0.05, random_state=2)
    calm.let_leave(gone, random.integers(first + 28, end + 28, len(gone)))
    weeks = thin(calm.panel().customer_weeks)
    full = weeks[TRAILING["evening_utilization"]]
    assert rate_ratio(weeks, full > full.quantile(0.6)) > 1.2, "naively, full links drive customers away"
    found = effect(churn.fit(weeks).main, "evening_utilization")
    assert found.low < 1 < found.high
    assert not found.is_found
