"""Intervals and tests that hold when a neighbourhood's weeks are not independent: the cluster jackknife."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from dashboard.models import poisson

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST_CLUSTERS = 10
JACKKNIFE_BELOW = 100


@dataclass(frozen=True, slots=True)
class Inference:
    """Estimates (contrasts,) with their covariance, how many clusters made it, and by which method.

    ``covariance`` is None below ten clusters. ``rests_on_one`` marks contrasts that cannot be estimated once some
    one cluster is left out: they have an estimate but no interval. ``parts`` (clusters, contrasts, contrasts) is
    what each cluster would add to the covariance if counts were no more than Poisson: it tells how many clusters
    really carry the estimates.
    """

    estimates: Floats
    covariance: Floats | None
    clusters: int
    method: str
    rests_on_one: Flags
    parts: Floats

    def intervals(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Both ends (contrasts,), nan where there is no interval."""
        reach = stats.t.ppf((1 + level) / 2, max(self.clusters - 1, 1)) * self._errors()
        return self.estimates - reach, self.estimates + reach

    def p_values(self) -> Floats:
        """Two-sided p-values (contrasts,) against t(clusters - 1), nan where there is no interval."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(self.estimates) / self._errors()
        return np.asarray(2 * stats.t.sf(ratio, max(self.clusters - 1, 1)))

    def _errors(self) -> Floats:
        if self.covariance is None:
            return np.full(self.estimates.shape, np.nan)
        return np.where(self.rests_on_one, np.nan, np.sqrt(np.diag(self.covariance)))


@dataclass(frozen=True, slots=True)
class JointTest:
    """Whether several contrasts are all zero."""

    statistic: float
    numerator_df: int
    denominator_df: float
    p_value: float


def infer(grid: poisson.Grid, fit: poisson.Fit, contrasts: Floats, cluster: npt.NDArray[np.int64]) -> Inference:
    """Estimates and covariance of ``contrasts`` (contrasts, columns); ``cluster`` (areas,) says who stands together.

    Below 100 clusters the covariance is the jackknife that leaves one cluster out at a time and refits (CR3; Bell
    and McCaffrey 2002; MacKinnon, Nielsen and Webb 2023), read against t(clusters - 1): with few clusters and
    outages concentrated in some of them, the ordinary sandwich covers far less than it claims.
    """
    told = _areas_that_tell(grid)
    grid, cluster = grid.only(told), cluster[told]
    names = np.unique(cluster)
    estimates = contrasts @ fit.coefficients
    nobody = np.zeros(estimates.shape, bool)
    parts = _parts(fit, contrasts, cluster, names)
    if names.size < FEWEST_CLUSTERS:
        return Inference(
            estimates, None, names.size, f"no interval: fewer than {FEWEST_CLUSTERS} clusters", nobody, parts
        )
    if names.size >= JACKKNIFE_BELOW:
        covariance = contrasts @ _sandwich(fit, cluster, names) @ contrasts.T
        return Inference(estimates, covariance, names.size, "clustered sandwich (CR1), t(G-1)", nobody, parts)
    without, is_lost = _leave_one_out(grid, fit, cluster, names)
    rests_on_one = (np.abs(contrasts) > 0) @ is_lost.any(axis=0)
    away = (without - fit.coefficients) @ contrasts.T
    covariance = (names.size - 1) / names.size * away.T @ away
    return Inference(estimates, covariance, names.size, "cluster jackknife (CR3), t(G-1)", rests_on_one, parts)


def joint(inference: Inference) -> JointTest | None:
    """Whether all contrasts with an interval are zero; None where there is nothing to test it with.

    The covariance is itself estimated, from clusters that carry unequal shares of it. The Wald statistic is read
    as Hotelling's T^2 with the degrees of freedom d of Pustejovsky and Tipton (2018, AHT) under Poisson counts,
    less one for the centre: (d-q+1)/(q d) of it follows F(q, d-q+1); clusters of equal weight give d = G-1.
    """
    if inference.covariance is None:
        return None
    kept = ~inference.rests_on_one
    terms = int(kept.sum())
    if terms == 0:
        return None
    covariance = inference.covariance[np.ix_(kept, kept)]
    degrees = _degrees(inference.parts[:, kept][:, :, kept]) - 1
    scale = np.sqrt(np.diag(covariance))
    if degrees <= terms or not (scale > 0).all():
        return None
    scaled = inference.estimates[kept] / scale
    wald = float(scaled @ linalg.pinvh(covariance / np.outer(scale, scale)) @ scaled)
    denominator = degrees - terms + 1
    statistic = wald * denominator / (terms * degrees)
    return JointTest(statistic, terms, denominator, float(stats.f.sf(statistic, terms, denominator)))


def _parts(fit: poisson.Fit, contrasts: Floats, cluster: npt.NDArray[np.int64], names: npt.NDArray[np.int64]) -> Floats:
    bread = contrasts @ linalg.pinvh(fit.information)
    parts = np.zeros((names.size, len(contrasts), len(contrasts)))
    np.add.at(parts, np.searchsorted(names, cluster), bread @ fit.area_information @ bread.T)
    return parts


def _degrees(parts: Floats) -> float:
    """q(q+1) over the summed variances of the covariance's cells, scaled so that its expectation is the identity."""
    total = parts.sum(axis=0)
    values, vectors = linalg.eigh(total)
    if values[0] <= 0:
        return 0.0
    root = vectors / np.sqrt(values)
    shares = root.T @ parts @ root
    traces = np.trace(shares, axis1=1, axis2=2)
    terms = total.shape[0]
    return float(terms * (terms + 1) / np.sum(traces**2 + np.sum(shares**2, axis=(1, 2))))


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


def _sandwich(fit: poisson.Fit, cluster: npt.NDArray[np.int64], names: npt.NDArray[np.int64]) -> Floats:
    scores = np.zeros((names.size, fit.scores.shape[1]))
    np.add.at(scores, np.searchsorted(names, cluster), fit.scores)
    bread = linalg.pinvh(fit.information)
    return np.asarray(names.size / (names.size - 1) * bread @ scores.T @ scores @ bread)
