"""The hazard against statsmodels, and its clustered uncertainty against refits."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from dashboard.models.statistics import clusters, hazard
from dashboard.models.statistics.splines import restricted_cubic_spline


def _rows(
    seed: int, *, groups: int = 24, size: int = 400, effect: float = 0.4, weighted: bool = False, calm: float = 1.0
) -> hazard.Rows:
    """Stretches at risk; outside the first cluster the second column varies only by the factor ``calm``."""
    random = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(groups), size)
    days = random.uniform(1, 7, groups * size)
    columns = np.column_stack(
        [np.ones(groups * size), random.normal(0, 1, groups * size), random.random(groups * size) < 0.3]
    ).astype(float)
    columns[:, 1] *= np.where(cluster == 0, 1.0, calm)
    hidden = random.normal(0, 0.3, groups)[cluster]
    mean = days * np.exp(columns @ [-4.0, effect, -0.5] + hidden)
    events = (random.random(mean.size) < -np.expm1(-mean)).astype(float)
    weight = np.where(events > 0, 1.0, 3.0) if weighted else np.ones(mean.size)
    return hazard.Rows(events, days, weight, columns, cluster, np.zeros(3, bool))


@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_are_those_of_statsmodels(weighted):
    rows = _rows(1, weighted=weighted)
    ours = hazard.fit(rows)
    theirs = sm.GLM(
        rows.events, rows.columns, family=sm.families.Poisson(), offset=np.log(rows.days), freq_weights=rows.weight
    ).fit(tol=1e-12)
    assert ours.has_converged
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.inv(ours.information), theirs.cov_params(), rtol=1e-5)


def test_from_500_clusters_on_errors_are_the_sandwich_of_statsmodels():
    rows = _rows(2, groups=500, size=40)
    ours = hazard.covariance(hazard.fit(rows))
    theirs = sm.GLM(rows.events, rows.columns, family=sm.families.Poisson(), offset=np.log(rows.days)).fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": rows.cluster, "use_correction": False}
    )
    np.testing.assert_allclose(ours, theirs.cov_params() * 500 / 499, rtol=1e-5)


def test_of_some_hundred_clusters_errors_are_the_jackknifes_and_not_shorter_than_the_sandwichs():
    rows = _rows(2, groups=120, size=100)
    fitted = hazard.fit(rows)
    theirs = sm.GLM(rows.events, rows.columns, family=sm.families.Poisson(), offset=np.log(rows.days)).fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": rows.cluster, "use_correction": False}
    )
    ratio = np.diag(hazard.covariance(fitted)) / (np.diag(theirs.cov_params()) * 120 / 119)
    assert (ratio >= 0.999).all()
    assert (ratio < 1.3).all(), "the same where no cluster carries much"
    inference = hazard.infer(rows, fitted, np.array([1]))
    assert "jackknife" in inference.method
    assert inference.reference is None


def test_below_100_clusters_errors_are_close_to_those_of_whole_refits():
    rows = _rows(3)
    fitted = hazard.fit(rows)
    refits = []
    for left_out in range(24):
        kept = rows.cluster != left_out
        model = sm.GLM(
            rows.events[kept], rows.columns[kept], family=sm.families.Poisson(), offset=np.log(rows.days[kept])
        )
        refits.append(model.fit().params)
    away = np.array(refits) - fitted.coefficients
    np.testing.assert_allclose(
        np.sqrt(np.diag(hazard.covariance(fitted))), np.sqrt(23 / 24 * (away**2).sum(axis=0)), rtol=0.03
    )


def test_fewer_than_ten_clusters_give_an_estimate_and_no_interval():
    rows = _rows(4, groups=9)
    inference = hazard.infer(rows, hazard.fit(rows), np.array([1]))
    assert np.isfinite(inference.estimates).all()
    assert np.isnan(inference.intervals()).all()
    assert "fewer than 10" in inference.method


def test_where_one_cluster_carries_an_estimate_its_interval_is_not_shorter_than_the_counts_allow():
    """What the jackknife says is then a matter of luck, and often too little."""
    luck = []
    for seed in range(12):
        fitted = hazard.fit(_rows(seed, groups=20, size=150, calm=0.15))
        model = np.sqrt(np.linalg.inv(fitted.information)[1, 1])
        clustered, careful = (np.sqrt(found(fitted)[1, 1]) for found in (hazard.covariance, hazard.careful_covariance))
        luck.append(clustered / model)
        shortest = model * stats.norm.ppf(0.975) / stats.t.ppf(0.975, 19)
        assert careful == pytest.approx(max(clustered, shortest))
    assert min(luck) < 0.7


def test_a_larger_clustered_error_stays_as_it_is():
    clustered = np.array([[4.0, 1.0], [1.0, 1.0]])
    found = clusters.at_least(clustered, np.diag([1.0, 9.0]), 1_000_000)
    np.testing.assert_allclose(found, [[4.0, 3.0], [3.0, 9.0]], rtol=1e-4)


def test_intervals_hold_no_effect():
    ratios = []
    for seed in range(150):
        rows = _rows(1000 + seed, groups=20, size=150, effect=0.0)
        fitted = hazard.fit(rows)
        ratios.append(fitted.coefficients[1] / np.sqrt(hazard.covariance(fitted)[1, 1]))
    assert 0.90 <= np.mean(np.abs(ratios) < stats.t.ppf(0.975, 19)) <= 0.99


def test_a_joint_test_reads_its_statistic_against_its_own_design():
    rows = _rows(1000, groups=20, size=150, effect=0.0)
    assert clusters.joint(hazard.infer(rows, hazard.fit(rows), np.array([1]))).p_value > 0.05
    rows = _rows(1000, groups=20, size=150, effect=0.6)
    assert clusters.joint(hazard.infer(rows, hazard.fit(rows), np.array([1]))).p_value < 0.01


def test_a_column_that_follows_from_others_is_dropped_and_the_rest_stand():
    rows = _rows(5)
    twice = hazard.Rows(
        rows.events,
        rows.days,
        rows.weight,
        np.column_stack([rows.columns, 2 * rows.columns[:, 1] - rows.columns[:, 0], np.zeros(rows.events.size)]),
        rows.cluster,
        np.zeros(5, bool),
    )
    fitted = hazard.fit(twice)
    assert fitted.dropped.tolist() == [False, False, False, True, True]
    np.testing.assert_allclose(fitted.coefficients[:3], hazard.fit(rows).coefficients, rtol=1e-8)


def test_perfect_separation_is_marked_and_a_steadied_column_stays_finite():
    rows = _rows(6)
    marked = np.zeros(rows.events.size)
    marked[np.flatnonzero(rows.events == 0)[:200]] = 1.0
    columns = np.column_stack([rows.columns, marked])
    free = hazard.fit(
        hazard.Rows(rows.events, rows.days, rows.weight, columns, rows.cluster, np.array([False, False, False, False]))
    )
    assert free.separated[3]
    steadied = hazard.fit(
        hazard.Rows(rows.events, rows.days, rows.weight, columns, rows.cluster, np.array([False, False, False, True]))
    )
    assert steadied.has_converged
    assert not steadied.separated.any()
    assert -12 < steadied.coefficients[3] < 0
    np.testing.assert_allclose(steadied.coefficients[:3], free.coefficients[:3], atol=0.02)


def test_the_spline_is_straight_outside_its_knots_and_smooth_inside():
    knots = np.array([1.0, 2.0, 4.0, 7.0])
    x = np.linspace(-2, 12, 1401)
    columns = restricted_cubic_spline(x, knots)
    assert columns.shape == (1401, 3)
    second = np.diff(columns, n=2, axis=0) / 0.01**2
    outside = (x[1:-1] < 0.98) | (x[1:-1] > 7.02)
    assert np.abs(second[outside]).max() < 1e-6
    assert np.abs(np.diff(second, axis=0)).max() < 0.05
    # Harrell, Regression Modeling Strategies (2015), formula 2.25: at the last knot, with tau = (7 - 1) squared.
    at = restricted_cubic_spline(np.array([7.0]), knots)[0, 1]
    assert at == pytest.approx((6**3 - 3**3 * 6 / 3) / 36)
