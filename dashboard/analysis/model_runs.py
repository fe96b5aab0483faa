"""The panel becomes fits: every model of a build is run once, and one that fails costs the others nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from dashboard.analysis import bounded_help
from dashboard.config import DashboardSettings
from dashboard.models.areas import area_rates, drivers, local_changes, rank_areas, shared_nodes
from dashboard.models.complaints import complaint_model, effect_model
from dashboard.models.fixes import avoidable
from dashboard.models.leaving import churn, churn_notes, dose_rows, outage_lengths, returners, shared_device
from dashboard.models.leaving.fitted_hazard import Coefficient, Predictor
from dashboard.models.leaving.forecast import coming_quality, expected_leavers, like_customers, spread_of_hours
from dashboard.models.loyalty import held_or_loyal, price_gaps, survey_scores
from dashboard.models.outages import outage_list, unseen_hours
from dashboard.models.outages import outage_study as incidents
from dashboard.panel import assemble as panels
from dashboard.panel import join_coverage, withholding
from dashboard.tables import ranking_tables

Floats = npt.NDArray[np.float64]
T = TypeVar("T")
Progress = Callable[[str], None]

MODEL_FAILED = "model_failed"
WHY_UNRANKED = "it is not known of enough departures whether customers left of their own will"


@dataclass
class _Notes:
    """What has to be said of a build, in order; a failed model is one of them."""

    said: list[dict[str, str]] = field(default_factory=list)

    def add(self, code: str, text: str) -> None:
        """Nothing where the text is blank."""
        if not text:
            return
        self.said.append({"code": code, "text": text})


def not_known(join: str) -> str:
    return f"{join}not_known"


@threadpool_limits.wrap(limits=1, user_api="blas")
def fit(
    panel: panels.Panel, areas: pa.Table, settings: DashboardSettings, progress: Progress
) -> tuple[dict[str, pd.DataFrame], list[dict[str, str]], dict[str, str]]:
    """Result tables, notes, and by outcome whether the page may say ``effect`` or only ``association``.

    On one thread of linear algebra: matrices are narrow, and more threads cost several times what they gain.
    """
    panel = withholding.withheld(panel)
    notes = _Notes([asdict(note) for note in panel.notes])
    for join in panel.joins:
        if join.is_warning:
            notes.add(not_known(join.name), f"{_capital(join.as_note)}.")
            progress(f"WARNING: {join.with_areas}")
    weeks, periods = panel.area_weeks, panel.customer_periods
    customers_now = panel.customers_now
    attempt = _Attempts(progress, notes)
    tables = {"areas": areas.to_pandas(), "area_weeks": weeks}
    rates = attempt.fit("area rates", lambda: area_rates.area_rates(periods, weeks, customers_now))
    if rates is not None:
        tables["area_rates"] = rates
    rests = panel.knows(join_coverage.COMPLAINTS) and panel.knows(join_coverage.DEVICES)
    effects = None
    if rests:
        served = shared_device.one_of(panel.customer_weeks)
        effects = attempt.fit("the effect of quality on complaints", lambda: complaint_model.fit(weeks, served))
    leaving = None
    if panel.knows(join_coverage.REASONS):
        leaving = attempt.fit("the hazard of leaving", lambda: churn.fit(panel.customer_weeks))
    seen = None
    if panel.knows(join_coverage.DEVICES):
        seen = attempt.fit("unseen hours", lambda: unseen_hours.unseen(panel.area_days, weeks))
    tables |= _ranked(panel, leaving.predicting if leaving is not None else None, seen, settings, attempt)
    tables |= _loyal(panel, leaving.price_gap if leaving is not None else None, seen, settings, attempt)
    told = (effects, leaving) if panel.knows(join_coverage.DEVICES) else ()
    if leaving is not None and leaving.predicting is not None and panel.knows(join_coverage.DEVICES):
        tables["dose_checks"], tables["dose_bins"] = (
            dose_rows.checks(leaving.predicting),
            dose_rows.bins(leaving.predicting),
        )
    fitted = [model for outcome in told if outcome is not None for model in outcome.models]
    tables["effects"], tables["joint_tests"] = effect_rows(fitted), joint_rows(fitted)
    if effects is not None or not rests:
        terms = effects.main.effects if effects is not None else complaint_model.not_estimated()
        on_leaving = leaving.main.effects if leaving is not None and panel.knows(join_coverage.DEVICES) else ()
        driven = attempt.fit("drivers", lambda: drivers.area_drivers(weeks, customers_now, terms, on_leaving))
        if driven is not None:
            tables["area_drivers"] = driven
    for code, outcome in (("complaints_model", effects), ("leaving_model", leaving)):
        for text in outcome.notes if outcome is not None else ():
            notes.add(code, text)
    wording = {
        name: outcome.wording if outcome is not None else "association"
        for name, outcome in (("complaints", effects), ("leaving", leaving))
    }
    return tables, notes.said, wording


def _ranked(
    panel: panels.Panel,
    predictor: Predictor | None,
    seen: unseen_hours.Unseen | None,
    settings: DashboardSettings,
    attempt: _Attempts,
) -> dict[str, pd.DataFrame]:
    """The ranking, and what better quality would save, where the hazard of leaving could be fitted."""
    weeks, periods, seed = panel.area_weeks, panel.customer_periods, settings.analysis.seed
    areas = sorted(set(periods["area"]) | set(weeks["area"]))
    if not panel.knows(join_coverage.REASONS):
        return {"ranking": rank_areas.unranked(panel.customers_now, weeks, areas, WHY_UNRANKED)}
    ahead = coming = growth = None
    if predictor is not None:
        ahead = attempt.fit(
            "the expected leavers",
            lambda: expected_leavers.expect(predictor, periods, panel.customers_now, areas, area_weeks=weeks),
        )
    if ahead is not None and predictor is not None:
        start = pd.Timestamp(panel.cut_off) + pd.Timedelta(days=1)
        terms, unlike = predictor.design.quality.terms, spread_of_hours.spreads(predictor, panel.customer_weeks)
        coming = attempt.fit("the quality to come", lambda: coming_quality.foresee(weeks, areas, terms, start, unlike))
    if ahead is not None and predictor is not None and coming is not None:
        growth = like_customers.growth(ahead, predictor, panel.customers_now, coming, seed=seed, count=rank_areas.DRAWS)
        attempt.notes.add("quality_to_come", coming.note())
        attempt.notes.add("outage_lengths", outage_lengths.said(predictor))
        attempt.notes.add("dose_shapes", churn_notes.undecided(predictor.doses))
    minimum = settings.analysis.minimum_expected_leavers
    ranked = attempt.fit(
        "the ranking",
        lambda: rank_areas.rank(
            periods,
            weeks,
            panel.cut_off,
            minimum_expected=minimum,
            seed=seed,
            ahead=ahead,
            customers=panel.customers_now,
            growth=growth,
        ),
    )
    if ranked is None:
        return {}
    tables = {"ranking": ranked.rows}
    if ahead is not None:
        counts, usual = local_changes.by_week(weeks, ahead.past, sorted(periods["period"].unique()), areas)
        changed = attempt.fit("local changes", lambda: local_changes.local_changes(counts, usual, seed=seed))
        if changed is not None:
            tables["local_changes"] = changed
        tables |= _behind_devices(panel, ahead, minimum, seed, attempt)
    if ahead is not None and predictor is not None and panel.knows(join_coverage.DEVICES):
        saved = _helped(panel, _Ahead(ahead, predictor, coming, ranked.expected), seen, settings, attempt)
        if saved is not None:
            tables["avoidable"] = avoidable.withheld(saved, avoidable.refuted(predictor))
    return tables


@dataclass(frozen=True)
class _Ahead:
    """What the next 90 days hold: the customers, who predicts them, the quality to come, and draws of the leavers."""

    leavers: expected_leavers.ExpectedLeavers
    predictor: Predictor
    coming: coming_quality.Coming | None
    expected: Floats


def _helped(
    panel: panels.Panel,
    ahead: _Ahead,
    seen: unseen_hours.Unseen | None,
    settings: DashboardSettings,
    attempt: _Attempts,
) -> pd.DataFrame | None:
    """What better quality would save, with intervals that allow for what unseen hours may hide."""
    seed, now = settings.analysis.seed, panel.customers_now
    goal = avoidable.targets(ahead.predictor, now, settings.target_of_measure)

    def drawn(
        whose: expected_leavers.ExpectedLeavers,
        by: Predictor,
        customers: pd.DataFrame,
        later: coming_quality.Coming | None,
    ) -> pd.DataFrame:
        return avoidable.avoidable(whose, by, customers, ahead.expected, goal, seed=seed, coming=later)

    rows = attempt.fit("what would help", lambda: drawn(ahead.leavers, ahead.predictor, now, ahead.coming))
    if rows is None or seen is None:
        return rows
    told = attempt.fit(
        "the bounds of unseen hours", lambda: bounded_help.bounded(rows, panel, ahead.leavers, drawn, seen)
    )
    saved, code, why = told or bounded_help.unbounded(rows, seen)
    if why:
        attempt.notes.add(code, why)
    return saved


def _behind_devices(
    panel: panels.Panel, ahead: expected_leavers.ExpectedLeavers, minimum: float, seed: int, attempt: _Attempts
) -> dict[str, pd.DataFrame]:
    """Whether more left behind a device of the network, where it is known who hangs on which."""
    if not panel.knows(join_coverage.DEVICES):
        return {}
    shared = attempt.fit(
        "neighbourhoods behind the same device",
        lambda: shared_nodes.look(panel.area_nodes, ahead, minimum_expected=minimum, seed=seed),
    )
    if shared is None:
        return {}
    attempt.notes.add("shared_nodes", shared.note)
    return {"shared_nodes": shared.rows}


def _loyal(
    panel: panels.Panel,
    gap: Coefficient | None,
    seen: unseen_hours.Unseen | None,
    settings: DashboardSettings,
    attempt: _Attempts,
) -> dict[str, pd.DataFrame]:
    """Who is held, what surveys say, who came back and what outages did; a model that failed leaves its tables out."""
    now, weeks, seed = panel.customers_now, panel.area_weeks, settings.analysis.seed
    until = panel.last_complete["customers"]
    known = outage_list.known(weeks, panel.outages)
    attempt.notes.add("outages_known_from", outage_list.note(known, panel.cut_off))
    held = struck = None
    if panel.knows(join_coverage.DEVICES):
        whose, outcomes = panel.knows(join_coverage.COMPLAINERS), incidents.OUTCOMES
        unknown = {
            outcome
            for outcome, join in (("complaints", join_coverage.COMPLAINTS), ("leaving", join_coverage.REASONS))
            if not panel.knows(join)
        }
        outcomes = tuple(name for name in outcomes if name.partition("_")[0] not in unknown)
        held = attempt.fit(
            "loyalty",
            lambda: held_or_loyal.loyalty(now, panel.quality_complaints, panel.cut_off, knows_complaints=whose),
        )
        struck = attempt.fit(
            "incidents",
            lambda: incidents.incidents(known, weeks, now, seed=seed, outcomes=outcomes, unseen=seen),
        )
    made = {
        "loyalty": held.rows if held is not None else None,
        "contract_cliff": held.cliff if held is not None else None,
        "price_gaps": attempt.fit("price gaps", lambda: price_gaps.price_gaps(now, gap)),
        "area_nps": attempt.fit("surveys", lambda: survey_scores.area_nps(panel.survey_answers, now))
        if panel.knows(join_coverage.ANSWERS) or not panel.rows_of(join_coverage.ANSWERS)
        else None,
        "returners": attempt.fit("returners", lambda: returners.returners(panel.departures, until)),
        "incident_effects": struck.effects if struck is not None else None,
        "incident_weeks": struck.weeks if struck is not None else None,
    }
    return {name: table for name, table in made.items() if table is not None}


@dataclass(frozen=True)
class _Attempts:
    """Fits one model after the other; one that raises becomes a note and None."""

    progress: Progress
    notes: _Notes

    def fit(self, name: str, model: Callable[[], T]) -> T | None:
        self.progress(f"fitting {name}")
        try:
            return model()
        except Exception as error:  # whatever breaks one model must stay visible and cost the others nothing
            text = f"{name} failed and is missing from these results: {type(error).__name__}: {error}"
            self.notes.add(MODEL_FAILED, text)
            self.progress(f"WARNING: {text}")
            return None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def effect_rows(fitted: Sequence[effect_model.EffectModel]) -> pd.DataFrame:
    """Rows of the effects result table."""
    return pd.DataFrame(
        [
            {
                "model": e.model,
                "term": e.term.name,
                "kind": e.kind,
                "per": e.term.per,
                "unit": e.term.unit,
                "rate_ratio": e.rate_ratio,
                "low": e.low,
                "high": e.high,
                "p_value": e.p_value,
                "p_adjusted": e.p_adjusted,
                "is_found": e.is_found,
                "clusters": e.clusters,
                "method": e.method,
            }
            for model in fitted
            for e in model.effects
        ],
        columns=ranking_tables.EFFECTS.column_names,
    )


def joint_rows(fitted: Sequence[effect_model.EffectModel]) -> pd.DataFrame:
    """Rows of the joint_tests result table; a test that could not be made is a row of nulls."""
    return pd.DataFrame(
        [
            {
                "model": m.model,
                "statistic": m.joint.statistic if m.joint else np.nan,
                "numerator_df": m.joint.numerator_df if m.joint else None,
                "denominator_df": m.joint.denominator_df if m.joint else np.nan,
                "p_value": m.p_value,
                "p_value_above": m.joint.p_value_above if m.joint else np.nan,
                "is_found": m.finds_jointly,
            }
            for m in fitted
        ],
        columns=ranking_tables.JOINT_TESTS.column_names,
    ).astype({"numerator_df": "Int64"})
