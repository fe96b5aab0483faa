"""Intervals and tests that hold when a neighbourhood's weeks are not independent: the cluster jackknife."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from dashboard.models.statistics import poisson

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST_CLUSTERS = 10
JACKKNIFE_BELOW = 100
ONE_STEP_BELOW = 500
"""From so many clusters on errors are the sandwich's. Below, where a few carry an estimate, it makes them too short."""
SANDWICH = "clustered sandwich (CR1), t(G-1)"
ONE_STEP = "cluster jackknife (CR3, one step), t(G-1)"
JACKKNIFE = "cluster jackknife (CR3), t(G-1)"
DRAWS = 4000
SIMULATION_SEED = 20260101


@dataclass(frozen=True, slots=True)
class Reference:
    """What the statistics of this very design do where nothing is there: ratios (draws, contrasts), Wald's (draws,)."""

    ratios: Floats
    wald: Floats

    def p_values(self, ratios: Floats) -> Floats:
        """Shares of draws (contrasts,) that reach the given ratios."""
        with np.errstate(invalid="ignore"):
            reached = (self.ratios >= ratios).sum(axis=0)
        return np.asarray(np.where(np.isnan(ratios), np.nan, (reached + 1) / (len(self.ratios) + 1)))

    def wald_p_value(self, wald: float) -> float:
        return float(((self.wald >= wald).sum() + 1) / (self.wald.size + 1))


@dataclass(frozen=True, slots=True)
class Inference:
    """Estimates (contrasts,) with their covariance, how many clusters made it, and by which method.

    ``covariance`` is None below ten clusters. ``rests_on_one`` marks contrasts that cannot be estimated once some
    one cluster is left out: they have an estimate but no interval. ``reference`` says how far chance takes the
    statistics beyond Student's t and F; None where those serve as they are.
    """

    estimates: Floats
    covariance: Floats | None
    clusters: int
    method: str
    rests_on_one: Flags
    reference: Reference | None = None

    def intervals(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Both ends (contrasts,) by t(clusters - 1), nan where there is no interval."""
        reach = stats.t.ppf((1 + level) / 2, max(self.clusters - 1, 1)) * self._errors()
        return self.estimates - reach, self.estimates + reach

    def p_values(self) -> Floats:
        """Two-sided p-values (contrasts,) by t(clusters - 1), in accord with the intervals; nan where there is none."""
        return np.asarray(2 * stats.t.sf(self._ratios(), max(self.clusters - 1, 1)))

    def careful_p_values(self) -> Floats:
        """The same, or the reference's where it is larger: far out in the tails, where findings are decided, t rejects too often."""
        p_values, ratios = self.p_values(), self._ratios()
        if self.reference is not None:
            kept = ~self.rests_on_one
            p_values[kept] = np.maximum(p_values[kept], self.reference.p_values(ratios[kept]))
        return p_values

    def _ratios(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.abs(self.estimates) / self._errors())

    def _errors(self) -> Floats:
        if self.covariance is None:
            return np.full(self.estimates.shape, np.nan)
        return np.where(self.rests_on_one, np.nan, np.sqrt(np.diag(self.covariance)))


@dataclass(frozen=True, slots=True)
class JointTest:
    """Whether several contrasts are all zero. ``p_value_above`` is one-sided: above zero on the whole."""

    statistic: float
    numerator_df: int
    denominator_df: float
    p_value: float
    p_value_above: float


def infer(grid: poisson.Grid, fit: poisson.Fit, contrasts: Floats, cluster: npt.NDArray[np.int64]) -> Inference:
    """Estimates and covariance of ``contrasts`` (contrasts, columns); ``cluster`` (areas,) says who stands together.

    Below 100 clusters the covariance is the jackknife that leaves one cluster out at a time and refits (CR3; Bell
    and McCaffrey 2002; MacKinnon, Nielsen and Webb 2023), read against t(clusters - 1); tests also against the wider
    distribution that ``simulate`` finds where a few clusters carry the estimates. From 100 on one Newton step stands for
    each refit, from 500 on the sandwich for the jackknife.
    """
    told = _areas_that_tell(grid)
    grid, cluster = grid.only(told), cluster[told]
    names, position = np.unique(cluster, return_inverse=True)
    estimates = contrasts @ fit.coefficients
    nobody = np.zeros(estimates.shape, bool)
    if names.size < FEWEST_CLUSTERS:
        return Inference(estimates, None, names.size, f"no interval: fewer than {FEWEST_CLUSTERS} clusters", nobody)
    if names.size >= ONE_STEP_BELOW:
        covariance = contrasts @ _sandwich(fit, position) @ contrasts.T
        return Inference(estimates, covariance, names.size, SANDWICH, nobody)
    if names.size >= JACKKNIFE_BELOW:
        covariance, is_lost = _one_step(grid, fit, position)
        covariance, rests_on_one = contrasts @ covariance @ contrasts.T, (np.abs(contrasts) > 0) @ is_lost
        return Inference(estimates, covariance, names.size, ONE_STEP, rests_on_one)
    without, is_lost = _leave_one_out(grid, fit, cluster, names)
    rests_on_one = (np.abs(contrasts) > 0) @ is_lost.any(axis=0)
    away = (without - fit.coefficients) @ contrasts.T
    covariance = (names.size - 1) / names.size * away.T @ away
    kept_columns = (np.abs(contrasts[~rests_on_one]) > 0).any(axis=0) | ~is_lost.any(axis=0)
    reference = None
    if not rests_on_one.all():
        information = np.zeros((names.size, *fit.information.shape))
        np.add.at(information, position, fit.area_information)
        kept = information[:, kept_columns][:, :, kept_columns]
        scores = _null_scores(fit, position)[:, :, kept_columns]
        reference = simulate(scores, kept, contrasts[~rests_on_one][:, kept_columns])
    return Inference(estimates, covariance, names.size, JACKKNIFE, rests_on_one, reference)


def at_least(covariance: Floats, model: Floats, clusters: int) -> Floats:
    """``covariance`` (…, contrasts, contrasts) with no interval shorter than that of ``model`` (contrasts, contrasts).

    Where one cluster carries an estimate, leaving it out tells nothing of that cluster's own chance, and the clustered
    error may come out far too small. Events that come by themselves scatter at least as their likelihood says, so the
    larger of the two counts (Angrist and Pischke 2009, 8.1): the clustered one read against t(clusters - 1), the
    likelihood's against the normal, which is why it is scaled by their ratio.
    """
    scale = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, max(clusters - 1, 1))) ** 2
    own, least = np.einsum("...ii->...i", covariance), scale * np.diag(model)
    size = np.sqrt(np.maximum(np.divide(least, own, out=np.ones_like(own), where=own > 0), 1.0))
    return np.asarray(covariance * size[..., :, None] * size[..., None, :])


def _null_scores(fit: poisson.Fit, position: npt.NDArray[np.int64]) -> Floats:
    """Net scores (clusters, draws, columns) of Poisson counts around the fitted means, with a fixed seed.

    Few complaints a week are skewed, and so are the scores of a cluster that had one bad outage: drawn as counts they
    keep that.
    """
    random = np.random.default_rng(SIMULATION_SEED)
    scores = np.zeros((int(position.max()) + 1, DRAWS, fit.net_columns.shape[2]))
    for cluster, means, net in zip(position, fit.means, fit.net_columns, strict=True):
        scores[cluster] += (random.poisson(means, (DRAWS, means.size)) - means) @ net
    return scores


def simulate(scores: Floats, information: Floats, contrasts: Floats, *, is_floored: bool = False) -> Reference:
    """The null distribution of jackknife statistics from drawn net scores (clusters, draws, columns).

    Where outages gather in a few clusters, CR3's errors rest on those few and the tails of the statistics are heavier
    than those of t(clusters - 1) and Hotelling's F. So the estimator is linearised around the fit: from a cluster's
    score and information (clusters, columns, columns) the estimates and the leave-one-out estimates follow in closed
    form, and the ratios of estimate to error are had for every draw. ``is_floored``: with errors as of ``at_least``.
    """
    clusters = len(information)
    scale = 1.0 / np.sqrt(np.maximum(np.einsum("gii->i", information), 1e-300))
    information = information * np.outer(scale, scale)
    scores = scores * scale
    contrasts = contrasts * scale
    total = information.sum(axis=0)
    summed = scores.sum(axis=0)
    onto = linalg.pinvh(total) @ contrasts.T
    estimates = summed @ onto
    without = np.stack([linalg.pinvh(total - own) @ contrasts.T for own in information])
    away = ((summed - scores) @ without - estimates).transpose(1, 2, 0)
    covariance = (clusters - 1) / clusters * away @ away.transpose(0, 2, 1)
    if is_floored:
        covariance = at_least(covariance, contrasts @ onto, clusters)
    errors = np.sqrt(np.einsum("dii->di", covariance))
    wald = np.einsum("di,dij,dj->d", estimates, np.linalg.pinv(covariance, hermitian=True), estimates)
    return Reference(np.abs(estimates) / errors, wald)


def joint(inference: Inference) -> JointTest | None:
    """Whether all contrasts with an interval are zero; None where there is nothing to test it with.

    The covariance is itself estimated, so that the Wald statistic is read as Hotelling's T^2 with G-1 degrees of
    freedom, and where a few clusters carry the estimates against the design's own reference, whichever is the
    more careful.
    """
    if inference.covariance is None:
        return None
    kept = ~inference.rests_on_one
    terms, clusters = int(kept.sum()), inference.clusters
    covariance = inference.covariance[np.ix_(kept, kept)]
    scale = np.sqrt(np.diag(covariance))
    if terms == 0 or clusters <= terms or not (scale > 0).all():
        return None
    scaled, correlation = inference.estimates[kept] / scale, covariance / np.outer(scale, scale)
    wald = float(scaled @ linalg.pinvh(correlation) @ scaled)
    statistic = wald * (clusters - terms) / (terms * (clusters - 1))
    p_value = float(stats.f.sf(statistic, terms, clusters - terms))
    if inference.reference is not None:
        p_value = max(p_value, inference.reference.wald_p_value(wald))
    return JointTest(statistic, terms, clusters - terms, p_value, _p_value_above(scaled, correlation, clusters))


def _p_value_above(scaled: Floats, correlation: Floats, clusters: int) -> float:
    """One-sided p-value that estimates over their errors (contrasts,) lie above zero on the whole: their sum, by t.

    O'Brien 1984 (Biometrics 40). Looking for any that lies above zero would not do: of two estimates whose errors go
    together, one far below zero makes the other count as high.
    """
    error = float(np.sqrt(max(correlation.sum(), 0.0)))
    return float(stats.t.sf(scaled.sum() / error, clusters - 1)) if error > 0 else 1.0


def _areas_that_tell(grid: poisson.Grid) -> Flags:
    return np.asarray(np.where(grid.is_used, grid.counts, 0.0).sum(axis=1) > 0)


def _leave_one_out(
    grid: poisson.Grid, fit: poisson.Fit, cluster: npt.NDArray[np.int64], names: npt.NDArray[np.int64]
) -> tuple[Floats, Flags]:
    """Coefficients (clusters, columns) without each cluster, and which of them were then lost."""
    without = np.empty((names.size, fit.coefficients.size))
    is_lost = np.zeros(without.shape, bool)
    for i, name in enumerate(names):
        refit = poisson.fit(grid.only(cluster != name), start=fit.coefficients)
        without[i] = refit.coefficients
        is_lost[i] = refit.unidentified | refit.separated
    return without, is_lost


def _one_step(grid: poisson.Grid, fit: poisson.Fit, position: npt.NDArray[np.int64]) -> tuple[Floats, Flags]:
    """Covariance of the jackknife whose refits are one Newton step from the whole fit, and which columns some step loses.

    The CV3L of MacKinnon, Nielsen and Webb (2023).
    """
    grid, clusters = grid.informative(), int(position.max()) + 1
    away, is_lost = np.zeros((clusters, fit.coefficients.size)), np.zeros(fit.coefficients.size, bool)
    for cluster in range(clusters):
        away[cluster], lost = poisson.one_step(grid, fit, position != cluster)
        is_lost |= lost
    return np.asarray((clusters - 1) / clusters * away.T @ away), is_lost


def _sandwich(fit: poisson.Fit, position: npt.NDArray[np.int64]) -> Floats:
    clusters = int(position.max()) + 1
    scores = np.zeros((clusters, fit.scores.shape[1]))
    np.add.at(scores, position, fit.scores)
    bread = linalg.pinvh(fit.information)
    return np.asarray(clusters / (clusters - 1) * bread @ scores.T @ scores @ bread)
