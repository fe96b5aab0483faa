"""What quality does to complaints: a Poisson model of areas and weeks, its placebo and its negative control."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN, PLANNED
from dashboard.models.complaints.effect_model import (
    EFFECT,
    Effect,
    EffectModel,
    said_of_all,
    said_of_unchecked,
    tested,
    unchecked,
    without_estimate,
)
from dashboard.models.complaints.measure_lags import (
    EVERY_TERM,
    TERMS,
    AreaWeeks,
    Term,
    area_weeks_as_grids,
    lag_block,
)
from dashboard.models.statistics import clusters, poisson
from dashboard.models.statistics.multiplicity import said_p
from dashboard.tables.schema import CONTROL_CATEGORIES, QUALITY_CATEGORIES

Floats = npt.NDArray[np.float64]

LAST_LAG = 8
LAST_LEAD = 4
LAG_BLOCKS: tuple[tuple[int, int], ...] = ((0, 0), (1, 1), (2, 4), (5, LAST_LAG))
SPREAD_BLOCKS: tuple[tuple[int, int], ...] = ((0, 0), (1, 4))
LEAST_KNOWN = 0.5
LEAST_VARIATION = 1e-10
LEAST_APART = 1e-6
ALL_OF_CONTROL = (
    "complaints_control: complaints do not name their customers, so those about bills also count of customers who had"
    " just complained of the network: that alone can make this check find something"
)


@dataclass(frozen=True, slots=True)
class Complaints:
    """The effect model, its placebo (quality of weeks to come) and its negative control (billing and price)."""

    main: EffectModel
    placebo: EffectModel
    control: EffectModel
    notes: tuple[str, ...]

    @property
    def models(self) -> tuple[EffectModel, ...]:
        return self.main, self.placebo, self.control

    @property
    def wording(self) -> str:
        """``effect`` where the placebo and the control saw what is claimed and found nothing, else ``association``."""
        checks = (self.placebo, self.control)
        passed = all(one.joint is not None and not unchecked(self.main, one) for one in checks)
        return (
            "effect" if passed and not (self.placebo.finds_something or self.control.finds_something) else "association"
        )


def fit(area_weeks: pd.DataFrame, cluster_of_area: dict[str, str] | None = None) -> Complaints:
    """Fit the three models to complete weeks; ``cluster_of_area`` names who stands together, else each area alone.

    A step's rate ratio is cumulative: one unit more in a week, over that week and the eight after it (the same as
    one unit more in all nine weeks). The lags enter as the current week, the one before, the mean of the three before
    these and the mean of the four before those, which nine free lags of four correlated measures would not survive.

    The mean of exp(b x) over an area's customers is exp(b mean + b^2 variance / 2 + ...): where an outage takes a part
    of them, the mean of x alone would make b too large (ecological bias; Richardson, Stuecker and Hemon 1987). So the
    variance of the hours without service between them stands beside the measures: this week's, and the mean of the
    four before. Where there is planned work it is a term of its own, tested with the others.

    Who has complained complains again, of anything. The effects are of quality on all complaints, those included that
    a first one brings. Quality does not cause complaints about bills: the control counts them only of customers who
    had complained of nothing in the eight weeks before. Where complaints name no customer it counts all of them.
    """
    panel = area_weeks_as_grids(area_weeks).counted
    cluster = _cluster_codes(panel.areas, cluster_of_area or {})
    quality, quiet = _summed(panel, QUALITY_CATEGORIES), panel.quiet or panel
    main = _model("complaints", EFFECT, panel, quality, cluster)
    claimed = frozenset(effect.term.name for effect in main.effects if effect.is_found)
    placebo = _model("complaints_placebo", "placebo", panel, quality, cluster, claimed=claimed)
    control = _summed(quiet, CONTROL_CATEGORIES)
    other = _model("complaints_control", "negative_control", quiet, control, cluster)
    if panel.quiet is None and other.finds_something:
        other = replace(other, notes=(*other.notes, ALL_OF_CONTROL))
    return Complaints(main, placebo, other, _verdict(main, placebo, other))


def _summed(panel: AreaWeeks, categories: tuple[str, ...]) -> Floats:
    return sum((panel.counts[c] for c in categories), np.zeros_like(panel.exposure))


def not_estimated() -> tuple[Effect, ...]:
    """The terms without an effect, for where complaints are not known."""
    blank = dict.fromkeys(("rate_ratio", "low", "high", "p_value", "p_adjusted"), float("nan"))
    return tuple(
        Effect("complaints", term, "effect", clusters=0, method="complaints are not known", **blank) for term in TERMS
    )


def _cluster_codes(areas: tuple[str, ...], cluster_of_area: dict[str, str]) -> npt.NDArray[np.int64]:
    return np.unique([cluster_of_area.get(a, a) for a in areas], return_inverse=True)[1] if areas else np.zeros(0, int)


def _model(
    model: str,
    kind: str,
    panel: AreaWeeks,
    counts: Floats,
    cluster: npt.NDArray[np.int64],
    *,
    claimed: frozenset[str] = frozenset(),
) -> EffectModel:
    blocks = [lag_block(panel.quality, *block) for block in LAG_BLOCKS]
    if kind == "placebo":
        blocks = [lag_block(panel.quality, -LAST_LEAD, -1), *blocks]
    spread = np.concatenate([lag_block(panel.spread[:, :, None], *block) for block in SPREAD_BLOCKS], axis=-1)
    reasons = _unknown_terms(panel, blocks)
    while terms := [t for t in panel.terms if t.name not in reasons]:
        grid, is_told = _grid(panel, counts, blocks, terms)
        lost = _not_told_apart(grid, terms, len(blocks))
        if not lost:
            grid, fitted = _fit_beside(grid, spread[is_told] if DOWN in terms else None)
            lost = _without_estimate(fitted, terms, len(blocks))
        if not lost:
            contrasts = _contrasts(len(terms), len(blocks), named=1 if kind == "placebo" else len(blocks))
            contrasts = np.pad(contrasts, ((0, 0), (0, fitted.coefficients.size - contrasts.shape[1])))
            inference = clusters.infer(grid, fitted, contrasts, cluster[is_told])
            return _fitted(_Rows(model, kind, reasons, panel.terms, claimed), terms, inference)
        reasons |= lost
    nothing = _Rows(model, kind, reasons, panel.terms).in_order({})
    return EffectModel(model, nothing, None, _said(model, reasons), float("nan"))


def _contrasts(terms: int, blocks: int, *, named: int) -> Floats:
    """The sum over the first ``named`` blocks of each term (terms, terms * blocks)."""
    return np.kron(np.eye(terms), (np.arange(blocks) < named).astype(float)[None, :])


def _unknown_terms(panel: AreaWeeks, blocks: list[Floats]) -> dict[str, str]:
    """Terms known in less than half of the area-weeks that the best known one covers."""
    present = (panel.exposure > 0)[:, :, None]
    chosen = [EVERY_TERM.index(t) for t in panel.terms]
    known = np.logical_and.reduce([~np.isnan(b) for b in blocks] + [np.broadcast_to(present, blocks[0].shape)])
    known = known[:, :, chosen]
    cells = known.sum(axis=(0, 1))
    if cells.max(initial=0) == 0:
        weeks = sum(last - first + 1 for first, last in LAG_BLOCKS)
        return {
            t.name: f"no estimate: no neighbourhood has {weeks} weeks in a row with known quality" for t in panel.terms
        }
    return {
        t.name: "no estimate: not measured in most weeks"
        for t, count in zip(panel.terms, cells, strict=True)
        if count < LEAST_KNOWN * cells.max()
    }


def _grid(
    panel: AreaWeeks, counts: Floats, blocks: list[Floats], terms: list[Term]
) -> tuple[poisson.Grid, npt.NDArray[np.bool_]]:
    """The grid of areas with any complaint, columns by term and then block, and which areas those are."""
    chosen = [EVERY_TERM.index(t) for t in terms]
    columns = np.stack([b[:, :, i] for i in chosen for b in blocks], axis=-1)
    is_used = (panel.exposure > 0) & ~np.isnan(columns).any(axis=-1)
    is_told = np.where(is_used, counts, 0.0).sum(axis=1) > 0
    log_exposure = np.log(np.where(panel.exposure > 0, panel.exposure, 1.0))
    grid = poisson.Grid(counts, log_exposure, np.where(is_used[:, :, None], columns, 0.0), is_used)
    return grid.only(is_told), is_told


def _not_told_apart(grid: poisson.Grid, terms: list[Term], blocks: int) -> dict[str, str]:
    """The first term whose columns do not vary beyond area and week, or follow from the terms before it."""
    if grid.counts.size == 0:
        return {t.name: "no estimate: no complaints of this kind in the weeks that can be used" for t in terms}
    information = poisson.net_information(grid)
    varies = _varies(grid, information)
    for i, term in enumerate(terms):
        so_far, own = slice((i + 1) * blocks), slice(i * blocks, (i + 1) * blocks)
        if not varies[own].all():
            return {term.name: "no estimate: it does not vary beyond neighbourhood and week"}
        if _least_apart(information[so_far, so_far]) < LEAST_APART:
            return {term.name: "no estimate: it cannot be told apart from the other measures (collinear)"}
    return {}


def _fit_beside(grid: poisson.Grid, spread: Floats | None) -> tuple[poisson.Grid, poisson.Fit]:
    """The fit with the columns of ``spread`` (areas, weeks, columns) behind the others where they allow one, else without."""
    if spread is None:
        return grid, poisson.fit(grid)
    beside = np.where(grid.is_used[:, :, None], np.nan_to_num(spread), 0.0)
    wider = poisson.Grid(grid.counts, grid.log_exposure, np.concatenate([grid.columns, beside], axis=-1), grid.is_used)
    if _are_apart(wider):
        fitted = poisson.fit(wider)
        if fitted.has_converged and not fitted.unidentified.any():
            return wider, fitted
    return grid, poisson.fit(grid)


def _are_apart(grid: poisson.Grid) -> bool:
    """Whether every column varies beyond area and week, and none follows from the others."""
    information = poisson.net_information(grid)
    return bool(_varies(grid, information).all()) and _least_apart(information) >= LEAST_APART


def _varies(grid: poisson.Grid, information: Floats) -> npt.NDArray[np.bool_]:
    size, events = np.abs(grid.columns).max(axis=(0, 1)), grid.counts[grid.is_used].sum()
    return np.asarray(np.diag(information) > LEAST_VARIATION * events * size**2)


def _least_apart(information: Floats) -> float:
    """The smallest eigenvalue of the columns' correlation: 0 where one of them follows from the others."""
    scale = 1.0 / np.sqrt(np.diag(information))
    return float(np.linalg.eigvalsh(information * np.outer(scale, scale))[0])


def _without_estimate(fitted: poisson.Fit, terms: list[Term], blocks: int) -> dict[str, str]:
    separated = np.asarray(fitted.separated[: len(terms) * blocks].reshape(-1, blocks).any(axis=1))
    if separated.any():
        why = "no estimate: all complaints lie on one side of it (separation)"
        return {t.name: why for t, s in zip(terms, separated, strict=True) if s}
    if not fitted.has_converged or fitted.unidentified.any():
        if PLANNED in terms:  # works are few: without them the others may still be told
            return {PLANNED.name: "no estimate: the fit did not converge with it"}
        return {t.name: "no estimate: the fit did not converge" for t in terms}
    return {}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes the effects of one model, with words for the terms that have none; ``claimed`` are those that it checks."""

    model: str
    kind: str
    reasons: dict[str, str]
    terms: tuple[Term, ...]
    claimed: frozenset[str] = frozenset()

    def in_order(self, fitted: dict[str, Effect]) -> tuple[Effect, ...]:
        return tuple(fitted.get(t.name) or self._missing(t) for t in self.terms)

    def _missing(self, term: Term) -> Effect:
        nan = float("nan")
        return Effect(self.model, term, self.kind, nan, nan, nan, nan, nan, 0, self.reasons[term.name])


def _fitted(rows: _Rows, terms: list[Term], inference: clusters.Inference) -> EffectModel:
    claimed = np.array([term.name in rows.claimed for term in terms])
    p_values, (adjusted, whole) = inference.p_values(), tested(inference, rows.kind, claimed)
    with np.errstate(over="ignore"):
        ratios = np.exp(np.column_stack([inference.estimates, *inference.intervals()]))
    reasons = dict(rows.reasons)
    effects = {}
    for i, (term, why) in enumerate(zip(terms, without_estimate(inference), strict=True)):
        if why is not None:
            reasons[term.name] = why
            continue
        ratio, low, high = (float(v) for v in ratios[i])
        p_value, p_adjusted = float(p_values[i]), float(adjusted[i])
        effects[term.name] = Effect(
            rows.model, term, rows.kind, ratio, low, high, p_value, p_adjusted, inference.clusters, inference.method
        )
    rows = replace(rows, reasons=reasons)
    joint, said = clusters.joint(inference), _said(rows.model, rows.reasons)
    return EffectModel(rows.model, rows.in_order(effects), joint, said, whole)


def _said(model: str, reasons: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{model}: {name}: {why}" for name, why in reasons.items())


def _verdict(main: EffectModel, placebo: EffectModel, control: EffectModel) -> tuple[str, ...]:
    """What the three models together allow to be said."""
    notes = [*main.notes, *placebo.notes, *control.notes]
    notes += said_of_all(main, "complaints")
    for model, what in (
        (placebo, "the placebo: quality in later weeks seems to explain earlier complaints"),
        (control, "the negative control: quality seems to explain billing and price complaints"),
    ):
        if model.joint is None:
            notes.append(f"{model.model}: could not be tested, so results are called an association, not an effect.")
        elif model.finds_something:
            notes.append(
                f"{what} ({said_p(model.p_value)}), which it cannot, so results are called an association, not an effect."
            )
        else:
            notes += said_of_unchecked(main, model)
    return tuple(notes)
