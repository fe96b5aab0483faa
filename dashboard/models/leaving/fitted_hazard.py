"""The hazard of leaving fitted to one outcome: from customers' weeks to effects, and to the predictor of who leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN, PLANNED
from dashboard.models.complaints.effect_model import Effect, EffectModel, tested, without_estimate
from dashboard.models.complaints.measure_lags import EVERY_TERM, TERMS, Term
from dashboard.models.leaving import shared_device
from dashboard.models.leaving.covariates import PERIOD, WITHIN, Design, design_of
from dashboard.models.leaving.doses import dose, dose_fit
from dashboard.models.leaving.doses.felt_hours import EIGHT
from dashboard.models.statistics import clusters, hazard

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

FEWEST_EVENTS = 50


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A log rate ratio with its 95% interval and two-sided p-value, nan where clusters are too few."""

    estimate: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Predictor:
    """The fitted hazard: ``design`` makes columns of customers; ``information`` (columns, columns) is of the coefficients.

    ``calendar`` (columns,) is added to the columns of who is looked at today: the level of the calendar to go on with.
    ``effect_covariance`` (terms, terms) and ``effects`` (terms,) are those of the within-area quality of the model
    without what quality acts through: what an improvement changes. Terms without an estimate (``is_estimated`` False)
    have 0 in both. ``doses`` are the forms in which that quality may act, the first of them with these effects; ``areas`` are the
    neighbourhoods that they were fitted to, by which their own slopes go.
    """

    design: Design
    coefficients: Floats
    information: Floats
    calendar: Floats
    effects: Floats
    effect_covariance: Floats | None
    is_estimated: npt.NDArray[np.bool_]
    clusters: int
    doses: dose.Doses
    areas: tuple[str, ...]

    def draws(self, count: int, seed: int, areas: Sequence[str]) -> dose.Draws:
        """Draws of the doses in these ``areas``, with their own slopes where they differ."""
        places = np.asarray(pd.Index(self.areas).get_indexer(pd.Index(areas)), dtype=np.int64)
        return self.doses.draws(count, seed, places)

    def daily_hazard(self, frame: pd.DataFrame) -> Floats:
        """(n,) voluntary departures a day of the rows in ``frame``; without a week, at the level to go on with."""
        return np.asarray(np.exp(self.columns(frame) @ self.coefficients))

    def columns(self, frame: pd.DataFrame) -> Floats:
        """(n, columns) of the rows in ``frame``, in their own week where they have one."""
        columns = self.design.columns(frame)
        return columns if "week" in frame else columns + self.calendar


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The share of the customers' time of which too little was observed in the eight weeks before.

    ``first_weeks`` and ``newcomers`` are shares of that time: in the first eight weeks of all, and later in the first eight of a
    customer.
    """

    share: float
    first_weeks: float
    newcomers: float

    @classmethod
    def of(cls, weeks: pd.DataFrame, is_known: npt.NDArray[np.bool_]) -> LeftOut:
        time = (weeks["days_at_risk"] * weeks["weight"]).to_numpy(dtype=float)
        lost, tenure = np.where(is_known, 0.0, time), weeks["tenure_days"].to_numpy(dtype=float, na_value=np.nan)
        is_first = ((weeks["week"] - weeks["week"].min()).dt.days < 7 * EIGHT).to_numpy(dtype=bool)
        is_new = ~is_first & (tenure < 7 * EIGHT)
        total, gone = max(float(time.sum()), 1e-300), max(float(lost.sum()), 1e-300)
        return cls(float(lost.sum()) / total, float(lost[is_first].sum()) / gone, float(lost[is_new].sum()) / gone)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of known quality, neighbourhood by neighbourhood, with their columns: the same for every outcome."""

    design: Design
    known: pd.DataFrame
    columns: Floats
    left_out: LeftOut
    first_of: dict[str, str]

    @classmethod
    def of(cls, weeks: pd.DataFrame, *, with_service: bool) -> Prepared:
        design = design_of(weeks, with_service=with_service)
        is_known = np.asarray(~np.isnan(design.quality.steps(weeks)).any(axis=1))
        places = np.flatnonzero(is_known)
        cluster = pd.factorize(weeks["area"].astype(str).to_numpy()[places], sort=True)[0]
        known = weeks.iloc[places[np.argsort(cluster, kind="stable")]]
        return cls(design, known, design.columns(known), LeftOut.of(weeks, is_known), shared_device.one_of(known))

    def fitted(self, outcome: str) -> Fitted | None:
        """The fit to one outcome; None where too few had it, or no quality was measured."""
        known = self.known
        if known[outcome].sum() < FEWEST_EVENTS or not self.design.quality.terms:
            return None
        rows = hazard.Rows(
            known[outcome].to_numpy(dtype=float),
            known["days_at_risk"].to_numpy(dtype=float),
            known["weight"].to_numpy(dtype=float),
            self.columns,
            np.asarray(pd.factorize(known["area"].astype(str), sort=True)[0], dtype=np.int64),
            self.design.is_steadied,
        )
        areas = tuple(sorted(set(known["area"].astype(str))))
        group = shared_device.codes(areas, self.first_of)
        return Fitted(self.design, rows, hazard.fit(rows), self.left_out, areas, group)

    def doses(self, rates: Fitted) -> dose.Doses:
        """The forms in which quality may move leaving; writes over the columns, which are read no more."""
        return dose_fit.fit(
            rates.rows,
            rates.fit,
            self.design.places(WITHIN),
            steps=self.design.quality.steps(self.known),
            places=self._places(rates),
            is_estimated=rates.is_estimated,
            remembered=self._remembered(),
        )

    def straight_dose(self, rates: Fitted) -> dose.Doses:
        """The exponential form alone."""
        return dose_fit.straight_alone(
            rates.rows,
            rates.fit,
            self.design.places(WITHIN),
            steps=self.design.quality.steps(self.known),
            places=self._places(rates),
            is_estimated=rates.is_estimated,
        )

    def _places(self, rates: Fitted) -> dose_fit.Places:
        return dose_fit.Places(
            rates.rows.cluster,
            np.asarray(pd.factorize(self.known["week"], sort=True)[0], dtype=np.int64),
            (self.known["days_at_risk"] * self.known["weight"]).to_numpy(dtype=float),
        )

    def _remembered(self) -> dose_fit.Remembered | None:
        """Hours without service over other weeks and by the length of outages, where they are known and a term."""
        quality = self.design.quality
        weeks, lengths = quality.other_weeks(self.known), quality.lengths(self.known)
        if not weeks and not lengths:
            return None
        place = quality.terms.index(DOWN)
        return dose_fit.Remembered(place, weeks, lengths, lambda felt: quality.steps(self.known, felt)[:, place])


@dataclass(frozen=True, slots=True)
class Fitted:
    """One fit to one outcome. ``group`` (areas,) says which areas the same device serves: tests take them as one."""

    design: Design
    rows: hazard.Rows
    fit: hazard.Fit
    left_out: LeftOut
    areas: tuple[str, ...]
    group: Codes

    @property
    def fails_with_planned(self) -> bool:
        return not self.fit.has_converged and PLANNED in self.design.quality.terms

    def without_columns(self) -> Fitted:
        """The fit once its effects are told: the columns, half a gigabyte for a million customers, are read no more."""
        return replace(self, rows=replace(self.rows, columns=np.zeros((0, 0))))

    def effect_model(self, model: str, kind: str) -> EffectModel:
        """The within-area quality terms as effects with their joint test."""
        in_design, places = self.design.quality.terms, self.design.places(WITHIN)
        told = tuple(t for t in EVERY_TERM if t in TERMS or t in in_design)
        reasons = {t.name: "no estimate: not measured in most weeks" for t in told if t not in in_design}
        for term, place in zip(in_design, places, strict=True):
            why = self._without_estimate(int(place))
            if why is not None:
                reasons[term.name] = why
        kept = [term.name not in reasons for term in in_design]
        terms = [term for term in in_design if term.name not in reasons]
        if not terms:
            return _missing_model(model, kind, reasons, told)
        inference = hazard.infer(*shared_device.together(self.rows, self.fit, self.group), places[kept])
        return self._told(_Told(model, kind, reasons, told), terms, inference)

    def _without_estimate(self, place: int) -> str | None:
        if not self.fit.has_converged:
            return "no estimate: the fit did not converge"
        if self.fit.separated[place]:
            return "no estimate: all departures lie on one side of it (separation)"
        if self.fit.dropped[place]:
            return "no estimate: it does not vary beyond area and calendar, or follows from the other measures"
        return None

    def _told(self, told: _Told, terms: list[Term], inference: clusters.Inference) -> EffectModel:
        p_values, joint = inference.p_values(), clusters.joint(inference)
        adjusted, whole = tested(inference, told.kind, np.zeros(len(terms), dtype=bool))
        with np.errstate(over="ignore"):
            ratios = np.exp(np.column_stack([inference.estimates, *inference.intervals()]))
        found = {
            term.name: Effect(
                told.model,
                term,
                told.kind,
                float(ratios[i, 0]),
                float(ratios[i, 1]),
                float(ratios[i, 2]),
                float(p_values[i]),
                float(adjusted[i]),
                inference.clusters,
                inference.method,
            )
            for i, term in enumerate(terms)
        }
        whys = zip(terms, without_estimate(inference), strict=True)
        reasons = told.reasons | {term.name: why for term, why in whys if why is not None}
        effects = tuple(
            _missing(told.model, told.kind, t, reasons) if t.name in reasons else found[t.name] for t in told.terms
        )
        return EffectModel(told.model, effects, joint, _notes(told.model, reasons), whole)

    def coefficient(self, name: str) -> Coefficient | None:
        """One column's coefficient, None where it is not in the design or has no estimate."""
        if name not in self.design.names:
            return None
        place = self.design.names.index(name)
        if self._without_estimate(place) is not None:
            return None
        whole = hazard.careful_covariance(self.fit)
        own = None if whole is None else whole[[place]][:, [place]]
        inference = clusters.Inference(
            self.fit.coefficients[[place]], own, self.rows.clusters, "", np.zeros(1, dtype=bool)
        )
        (low,), (high,) = inference.intervals()
        return Coefficient(float(inference.estimates[0]), float(low), float(high), float(inference.p_values()[0]))

    @property
    def is_estimated(self) -> npt.NDArray[np.bool_]:
        """Which of the quality terms (terms,) have an estimate within areas."""
        places = self.design.places(WITHIN)
        return np.array([self._without_estimate(int(place)) is None for place in places], dtype=bool)

    def predictor(self, rates: Fitted, doses: dose.Doses, *, calendar: Floats | None = None) -> Predictor:
        places, estimated = rates.design.places(WITHIN), rates.is_estimated
        whole = hazard.careful_covariance(rates.fit)
        return Predictor(
            self.design,
            self.fit.coefficients,
            self.fit.information,
            self._calendar() if calendar is None else calendar,
            np.where(estimated, rates.fit.coefficients[places], 0.0),
            None if whole is None else np.where(np.outer(estimated, estimated), whole[np.ix_(places, places)], 0.0),
            estimated,
            self.rows.clusters,
            doses,
            rates.areas,
        )

    def _calendar(self) -> Floats:
        """What to put into the period columns (columns,) of today's customers: how far to go back to the usual level.

        Four weeks of departures say little of the level to come, so the last level is drawn towards the mean of all by
        how much levels differ beyond chance (the moment estimator of DerSimonian and Laird 1986, unweighted).
        """
        calendar = np.zeros(len(self.design.names))
        places, events = self.design.places(PERIOD), self.rows.weight * self.rows.events
        latest = events @ (self.rows.columns[:, places].sum(axis=1) == 0)
        places = places[events @ self.rows.columns[:, places] > 0]
        if places.size < 2 or latest == 0:
            return calendar
        counts = np.append(events @ self.rows.columns[:, places], latest)
        levels = np.append(self.fit.coefficients[places], 0.0)
        between = max(0.0, levels.var(ddof=1) - (1 / counts).mean())
        kept = between / (between + 1 / counts[-1])
        calendar[places] = (1 - kept) * (counts / counts.sum())[:-1]
        return calendar


@dataclass(frozen=True, slots=True)
class _Told:
    """What every effect of a model says of it."""

    model: str
    kind: str
    reasons: dict[str, str]
    terms: tuple[Term, ...]


def _missing(model: str, kind: str, term: Term, reasons: dict[str, str]) -> Effect:
    nan = float("nan")
    return Effect(model, term, kind, nan, nan, nan, nan, nan, 0, reasons.get(term.name, "no estimate"))


def nothing(model: str, kind: str, why: str) -> EffectModel:
    return _missing_model(model, kind, {t.name: why for t in TERMS}, TERMS)


def _missing_model(model: str, kind: str, reasons: dict[str, str], terms: tuple[Term, ...]) -> EffectModel:
    effects = tuple(_missing(model, kind, t, reasons) for t in terms)
    return EffectModel(model, effects, None, _notes(model, reasons), float("nan"))


def _notes(model: str, reasons: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{model}: {name}: {why}" for name, why in reasons.items())
