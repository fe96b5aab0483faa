"""Planned work in the models: a measure of its own where there is any, and nothing else where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.truth import planned_work
from dashboard.measures import PLANNED
from dashboard.models.complaints import complaint_model, effect_model
from dashboard.models.complaints.measure_lags import EVERY_TERM, TERMS, area_weeks_as_grids
from dashboard.models.fixes import avoidable
from dashboard.models.leaving import challenger, churn, dose_rows
from dashboard.models.leaving.covariates import TRAILING, quality_of
from dashboard.models.loyalty import held_or_loyal
from dashboard.models.outages import matched_study, outage_list

from ...sample_measures import PLANTED, not_taken
from ..leaving.test_churn import make_weeks
from ..outages.test_matched_study import world as provider_with_outages


def nights_of(weeks: pd.DataFrame, seed: int, share: float = 0.2) -> np.ndarray:
    """Two hours of planned work in a share of the weeks of every neighbourhood."""
    return np.where(np.random.default_rng(seed).random(len(weeks)) < share, 2.0, 0.0)


def told(model: effect_model.EffectModel) -> list[tuple[object, ...]]:
    return [(e.term.name, e.rate_ratio, e.low, e.high, e.p_value, e.p_adjusted) for e in model.effects]


def test_where_nothing_is_planned_complaints_are_told_as_if_there_were_no_such_measure(make_area_weeks):
    weeks = make_area_weeks(3, (0.15, 0.1, 0.1, 0.05))
    plain = complaint_model.fit(weeks)
    for hours in (0.0, np.nan):
        beside = complaint_model.fit(weeks.assign(planned_hours_per_customer=hours))
        for one, other in zip(plain.models, beside.models, strict=True):
            np.testing.assert_equal(told(one), told(other))
            assert one.joint == other.joint
        assert plain.notes == beside.notes


def test_planned_work_is_a_term_of_complaints_with_its_own_effect(make_area_weeks):
    held = []
    for seed in range(4):
        weeks = make_area_weeks(seed, (0.25, 0.0, 0.0, 0.0))
        weeks["planned_hours_per_customer"] = nights_of(weeks, seed)
        fitted = complaint_model.fit(weeks)
        assert [e.term for e in fitted.main.effects] == list(EVERY_TERM)
        assert fitted.main.joint.numerator_df == len((*PLANTED, PLANNED))
        by_term = {e.term.name: e for e in fitted.main.effects}
        held += [by_term["planned_hours"].low <= 1 <= by_term["planned_hours"].high]
        assert by_term["down_hours"].rate_ratio > 1.1
        assert {e.term.name for e in fitted.placebo.effects} == {t.name for t in EVERY_TERM}, "the same checks"
    assert sum(held) >= 3


def test_planned_work_that_harms_is_told_to(make_area_weeks):
    found = []
    for seed in range(3):
        weeks = make_area_weeks(seed)
        hours = nights_of(weeks, seed)
        more = np.random.default_rng(seed).poisson(weeks["customer_days"] * 0.0014 * np.expm1(0.4 * hours))
        weeks = weeks.assign(planned_hours_per_customer=hours)
        weeks["complaints_connection"] += more
        by_term = {e.term.name: e for e in complaint_model.fit(weeks).main.effects}
        found.append(by_term["planned_hours"].is_found and by_term["planned_hours"].rate_ratio > 1)
        assert not by_term["down_hours"].is_found
    assert sum(found) >= 2


def test_it_is_no_term_where_most_hours_do_not_tell_it(make_area_weeks):
    weeks = make_area_weeks(1)
    hours = np.where(weeks["week"] < weeks["week"].quantile(0.6), np.nan, nights_of(weeks, 1))
    assert area_weeks_as_grids(weeks.assign(planned_hours_per_customer=hours)).terms == TERMS
    hours = np.where(weeks["week"] < weeks["week"].quantile(0.4), np.nan, nights_of(weeks, 1))
    grids = area_weeks_as_grids(weeks.assign(planned_hours_per_customer=hours))
    assert grids.terms == EVERY_TERM
    assert not np.isnan(grids.quality[:, :, EVERY_TERM.index(PLANNED)]).any(), "what is not told counts as down"


def test_where_nothing_is_planned_leaving_is_told_as_if_there_were_no_such_measure():
    weeks = make_weeks(2, (0.4, 0.2, 0.2, 0.1))
    plain = churn.fit(weeks)
    for hours in (0.0, np.nan):
        beside = churn.fit(weeks.assign(trailing_planned_hours=hours))
        for one, other in zip(plain.models, beside.models, strict=True):
            np.testing.assert_equal(told(one), told(other))
        np.testing.assert_array_equal(plain.predicting.coefficients, beside.predicting.coefficients)
        assert plain.notes == beside.notes


def test_rows_whose_planned_work_is_not_told_are_kept():
    weeks = make_weeks(2).assign(trailing_planned_hours=0.0)
    random = np.random.default_rng(1)
    weeks["trailing_planned_hours"] = np.where(random.random(len(weeks)) < 0.3, np.nan, random.random(len(weeks)))
    quality = quality_of(weeks)
    assert quality.terms == (*PLANTED, PLANNED)
    assert not np.isnan(quality.steps(weeks)).any()


def test_trees_do_not_see_a_measure_that_never_was():
    weeks = make_weeks(2, areas=10, customers=50)
    plain = challenger.fit(weeks, seed=1)
    beside = challenger.fit(weeks.assign(**{TRAILING[PLANNED.name]: 0.0}), seed=1)
    np.testing.assert_array_equal(plain.daily_hazard(weeks), beside.daily_hazard(weeks))


def test_works_are_compared_apart_though_no_incident_is_on_record():
    weeks = pd.DataFrame(
        {
            "area": "a",
            "week": pd.date_range("2025-01-06", periods=3, freq="7D"),
            "customer_days": 700.0,
            "down_hours_per_customer": [0.0, 1.0, np.nan],
            "planned_hours_per_customer": [2.0, 0.1, np.nan],
        }
    )
    made = outage_list.of_weeks(weeks)
    assert made[["kind", "customer_minutes"]].to_numpy().tolist() == [["outage", 6000.0], ["planned", 12000.0]]
    assert len(outage_list.of_weeks(weeks.assign(down_hours_per_customer=0.0, planned_hours_per_customer=0.0))) == 0


def test_a_complaint_in_a_night_of_works_did_not_come_from_a_clean_network():
    complained = {
        "area": "a",
        "opened_on": pd.Timestamp("2025-06-01"),
        "observed_ratio": 1.0,
        "down_hours": 0.0,
        "evening_rtt_p95_mean_seconds": 0.02,
        "loss_ratio": 0.0,
        "evening_utilization_mean_ratio": 0.2,
        **not_taken("column"),
    }
    frame = pd.DataFrame([complained | {"planned_hours": hours} for hours in (0.0, 2.0, None)])
    now = pd.DataFrame(
        {column: [complained.get(column.removeprefix("trailing_"), 0.0)] for column in TRAILING.values()}
    )
    marks = held_or_loyal._complaints(now, frame, pd.Timestamp("2025-06-10").date())
    assert marks["quality_complaints_clean"].tolist() == [True, False, True]


@pytest.fixture(scope="module")
def world() -> planned_work.World:
    return planned_work.simulate(3)


def test_whom_fewer_outages_would_keep_does_not_grow_with_planned_work(world, monkeypatch):
    """A world that is not the demo's: where there are eight planned hours, twice the truth was told before."""
    monkeypatch.setattr(planned_work, "simulate", lambda *_, **__: world)
    row = planned_work.measure(3)
    ratios = np.array(row["told"]) / np.array(row["true"])
    assert np.abs(ratios - 1).max() < 0.35, ratios
    assert ratios.max() - ratios.min() < 0.35, "planned work makes no difference"
    assert sum(row["held"]) > 0.85 * sum(row["areas"])
    ratio, low, high = row["effects"]["leaving"]["planned_hours"]
    assert low < 1 < high, ratio


def test_nothing_is_promised_for_less_planned_work(world):
    predictor_terms = (*PLANTED, PLANNED)
    weeks = make_weeks(1).assign(trailing_planned_hours=lambda f: nights_of(f, 1))
    leaving = churn.fit(weeks)
    assert leaving.predicting.design.quality.terms == predictor_terms
    now = weeks.head(100)
    assert avoidable.promised(leaving.predicting) == [0, 1, 2, 3]
    assert avoidable.targets(leaving.predicting, now).steps.shape == (4,)
    assert [e.term for e in leaving.main.effects] == list(EVERY_TERM), "its effect is told"
    checks = dose_rows.checks(leaving.predicting).set_index("measure")
    assert checks.loc[PLANNED.name, "bins"] > 0, "departures along it are compared like those of the others"
    assert set(dose_rows.bins(leaving.predicting)["measure"]) == {term.name for term in predictor_terms}
    refuted = replace(leaving.predicting.doses.checks[-1], p_value=0.001)
    doses = replace(leaving.predicting.doses, checks=(*leaving.predicting.doses.checks[:-1], refuted))
    assert avoidable.refuted(replace(leaving.predicting, doses=doses)) == set(), "nothing rests on it, so nothing goes"


def test_weeks_of_planned_work_are_neither_before_nor_match():
    weeks, now = provider_with_outages(1, effect=0.5)
    quiet = weeks.assign(planned_hours_per_customer=0.0)
    busy = weeks.assign(planned_hours_per_customer=1.0)
    assert len(matched_study.matched(outage_list.of_weeks(weeks), quiet, now, seed=1).query("not is_pooled"))
    made = matched_study.matched(outage_list.of_weeks(weeks), busy, now, seed=1)
    assert made.query("not is_pooled").empty, "no outage has eight undisturbed weeks before it"
