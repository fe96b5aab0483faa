"""Neighbourhoods of a customer table: whose odds of leaving differ from what their customers' columns explain.

    logit P(leave_i) = eta_i + u_area,   u ~ Normal(0, s^2)

An odds ratio exp(u) is the same in a sample in which leavers were drawn more often (Prentice and Pyke 1979), which a
ratio of rates is not. It assumes that eta, of models that did not see the row, is right up to the area's effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import interpolate, special, stats

from dashboard.models.statistics import logit, tabular
from dashboard.models.statistics.multiplicity import benjamini_hochberg, holm

Floats = npt.NDArray[np.float64]

EFFECTS: Floats = np.linspace(-6.0, 6.0, 97)
NODES: Floats = np.linspace(-5.0, 5.0, 81)
SPREADS: Floats = 1.5 * ((np.arange(40) + 0.5) / 40) ** 1.5
SPREAD_PRIOR_SCALE = 0.5
DRAWS = 2000
FALSE_FINDS = 0.10
FEWEST_CUSTOMERS = 10
ADJUSTING_PENALTY = 1.0
RANK_COLUMNS = [
    "area",
    "rank",
    "rank_low",
    "rank_high",
    "customers",
    "leavers",
    "expected_leavers",
    "odds_ratio",
    "odds_ratio_low",
    "odds_ratio_high",
    "rate",
    "rate_low",
    "rate_high",
    "is_found",
]


@dataclass(frozen=True, slots=True)
class Areas:
    """``rows`` as RANK_COLUMNS, the riskiest first; ``spread`` is the posterior mean of s with its 95% interval."""

    rows: pd.DataFrame
    spread: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class QualityEffect:
    """The odds ratio of one standard deviation more of a column, within areas or between their means.

    ``is_adjusted`` says whether all other columns were held the same. ``per`` is the standard deviation.
    """

    column: str
    kind: str
    is_adjusted: bool
    per: float
    odds_ratio: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    areas: int

    @property
    def is_found(self) -> bool:
        return bool(self.p_adjusted < 0.05)


def rank(area: pd.Series, outcome: Floats, log_odds: Floats, *, shift: float, seed: int) -> Areas:
    """Rank areas by the mean of their effect u, integrating over s (half-Cauchy prior, Gelman 2006).

    ``log_odds`` (n,) are those of the sample; less ``shift`` they are those of the true rate, at which ``rate`` is
    told. Areas of fewer than ten customers get no rank.
    """
    names, place = np.unique(area.astype(str).to_numpy(), return_inverse=True)
    likelihood = _likelihood(place, names.size, outcome, log_odds)
    posterior = _posterior(likelihood)
    true_chance = special.expit(log_odds - shift)
    size = np.bincount(place, minlength=names.size)
    told = size >= FEWEST_CUSTOMERS
    effects = posterior.draws(DRAWS, seed)
    usual = np.bincount(place, weights=true_chance, minlength=names.size) / size
    rate_draws = special.expit(special.logit(np.clip(usual, 1e-9, 1 - 1e-9)) + effects)
    rows = pd.DataFrame({"area": names, "customers": size})
    rows["leavers"] = np.bincount(place, weights=outcome, minlength=names.size).astype(int)
    rows["expected_leavers"] = np.bincount(place, weights=special.expit(log_odds), minlength=names.size)
    for name, draws in (("odds_ratio", np.exp(effects)), ("rate", rate_draws)):
        rows[name] = np.median(draws, axis=0)
        rows[f"{name}_low"], rows[f"{name}_high"] = np.quantile(draws, (0.025, 0.975), axis=0)
    p_values = ((effects <= 0).sum(axis=0) + 1) / (DRAWS + 1)
    rows["is_found"] = np.nan_to_num(benjamini_hochberg(np.where(told, p_values, np.nan)), nan=1.0) <= FALSE_FINDS
    _add_ranks(rows, effects, told)
    ordered = rows.sort_values(["rank", "area"], na_position="last", ignore_index=True)
    return Areas(ordered[RANK_COLUMNS], posterior.spread)


@dataclass(frozen=True, slots=True)
class _Posterior:
    """Weights of the spreads, and for each the distribution of z = u / s over NODES (spreads, areas, nodes)."""

    weights: Floats
    nodes: Floats

    @property
    def spread(self) -> tuple[float, float, float]:
        reached = np.cumsum(self.weights)
        low, high = (float(SPREADS[min(int(np.searchsorted(reached, q)), SPREADS.size - 1)]) for q in (0.025, 0.975))
        return float(self.weights @ SPREADS), low, high

    def draws(self, count: int, seed: int) -> Floats:
        """(count, areas) joint draws of the effects."""
        random = np.random.default_rng(seed)
        chosen = np.sort(random.choice(self.weights.size, size=count, p=self.weights))
        found = np.empty((count, self.nodes.shape[1]))
        width = NODES[1] - NODES[0]
        for spread in np.unique(chosen):
            rows = np.flatnonzero(chosen == spread)
            reached = np.cumsum(self.nodes[spread], axis=1)
            for area in range(found.shape[1]):
                node = np.searchsorted(reached[area] / reached[area, -1], random.random(rows.size))
                z = NODES[np.minimum(node, NODES.size - 1)] + width * (random.random(rows.size) - 0.5)
                found[rows, area] = SPREADS[spread] * z
        return found


def _likelihood(place: npt.NDArray[np.int64], areas: int, outcome: Floats, log_odds: Floats) -> interpolate.CubicSpline:
    """The log-likelihood (areas,) of each area's customers as a function of its effect."""
    values = np.empty((EFFECTS.size, areas))
    left = np.bincount(place, weights=outcome, minlength=areas)
    for i, effect in enumerate(EFFECTS):
        values[i] = left * effect - np.bincount(place, weights=np.logaddexp(0.0, log_odds + effect), minlength=areas)
    return interpolate.CubicSpline(EFFECTS, values - values[EFFECTS.size // 2])


def _posterior(likelihood: interpolate.CubicSpline) -> _Posterior:
    normal = stats.norm.logpdf(NODES) + np.log(NODES[1] - NODES[0])
    log_weights = np.log(np.gradient(SPREADS)) - np.log1p((SPREADS / SPREAD_PRIOR_SCALE) ** 2)
    nodes = []
    for i, spread in enumerate(SPREADS):
        joint = likelihood(np.clip(spread * NODES, EFFECTS[0], EFFECTS[-1])).T + normal
        log_weights[i] += special.logsumexp(joint, axis=1).sum()
        nodes.append(special.softmax(joint, axis=1))
    return _Posterior(special.softmax(log_weights), np.stack(nodes))


def _add_ranks(rows: pd.DataFrame, effects: Floats, told: npt.NDArray[np.bool_]) -> None:
    for name in ("rank", "rank_low", "rank_high"):
        rows[name] = pd.array([pd.NA] * len(rows), dtype="Int64")
    if not told.any():
        return
    rows.loc[told, "rank"] = stats.rankdata(-effects[:, told].mean(axis=0), method="ordinal")
    within = stats.rankdata(-effects[:, told], axis=1, method="ordinal")
    low, high = np.quantile(within, (0.025, 0.975), axis=0, method="nearest")
    rows.loc[told, "rank_low"], rows.loc[told, "rank_high"] = low.astype(int), high.astype(int)


def quality_effects(
    predictors: pd.DataFrame, area: pd.Series, outcome: Floats, quality: tuple[str, ...]
) -> tuple[QualityEffect, ...]:
    """What each quality column does within areas and between their means (Mundlak 1978), clustered by area.

    Once on its own and once with all columns but the quality ones held the same. Holm corrects over the adjusted ones.
    A row without a value, or outside every area of ten customers, is left out.
    """
    found: list[QualityEffect] = []
    for name in quality:
        for is_adjusted in (False, True):
            others = predictors.drop(columns=list(quality)) if is_adjusted else predictors[[]]
            found += _split(predictors[name], area, outcome, others)
    adjusted = [e for e in found if e.is_adjusted]
    p_values = dict(zip(map(id, adjusted), holm([e.p_value for e in adjusted]), strict=True))
    plain = [e for e in found if not e.is_adjusted]
    p_values |= dict(zip(map(id, plain), holm([e.p_value for e in plain]), strict=True))
    return tuple(replace(e, p_adjusted=float(p_values[id(e)])) for e in found)


def _split(values: pd.Series, area: pd.Series, outcome: Floats, others: pd.DataFrame) -> list[QualityEffect]:
    size = area.groupby(area).transform("size").fillna(0).to_numpy()
    kept = np.flatnonzero(values.notna().to_numpy() & area.notna().to_numpy() & (size >= FEWEST_CUSTOMERS))
    cluster = np.unique(area.iloc[kept].astype(str), return_inverse=True)[1]
    own, left = values.iloc[kept].to_numpy(dtype=float), outcome[kept]
    groups = int(cluster.max()) + 1 if kept.size else 0
    mean = np.bincount(cluster, weights=own, minlength=groups) / np.maximum(np.bincount(cluster, minlength=groups), 1)
    parts = {"within": own - mean[cluster], "between": mean[cluster]}
    per = {kind: float(part.std()) if part.size else 0.0 for kind, part in parts.items()}
    told = [kind for kind in parts if per[kind] > 1e-9]
    controls = tabular.design(others.iloc[kept])(others.iloc[kept]) if kept.size else np.zeros((0, 0))
    columns = np.column_stack(
        [np.ones(kept.size), *((parts[kind] - parts[kind].mean()) / per[kind] for kind in told), controls]
    )
    penalty = np.r_[np.zeros(1 + len(told)), np.full(controls.shape[1], ADJUSTING_PENALTY)]
    is_adjusted = bool(others.shape[1])
    nan, is_adjusted = float("nan"), bool(others.shape[1])
    found = {
        kind: QualityEffect(str(values.name), kind, is_adjusted, per[kind], nan, nan, nan, nan, nan, groups)
        for kind in parts
    }
    if not told or left.sum() in (0, left.size):
        return list(found.values())
    fitted = logit.fit(columns, left, penalty)
    covariance = logit.covariance(columns, left, fitted, cluster)
    for place, kind in enumerate(told, start=1):
        found[kind] = _effect(found[kind], fitted.coefficients[place], covariance, place)
    return list(found.values())


def _effect(empty: QualityEffect, estimate: float, covariance: Floats | None, place: int) -> QualityEffect:
    """With an interval by t(areas - 1), or without one where there are fewer than ten areas."""
    if covariance is None:
        low = high = p_value = float("nan")
    else:
        error, freedom = float(np.sqrt(covariance[place, place])), empty.areas - 1
        reach = float(stats.t.ppf(0.975, freedom)) * error
        low, high = float(np.exp(estimate - reach)), float(np.exp(estimate + reach))
        p_value = float(2 * stats.t.sf(abs(estimate) / error, freedom)) if error > 0 else float("nan")
    return replace(empty, odds_ratio=float(np.exp(estimate)), low=low, high=high, p_value=p_value)
