from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from dashboard.models.statistics import clusters, poisson


def _grid(seed: int, *, areas: int = 12, weeks: int = 20, columns: int = 2, effect: float = 0.3) -> poisson.Grid:
    random = np.random.default_rng(seed)
    values = random.normal(0, 1, (areas, weeks, columns))
    log_exposure = np.log(random.uniform(500, 2000, (areas, weeks)))
    mean = np.exp(log_exposure - 5 + random.normal(0, 0.5, (areas, 1)) + effect * values.sum(axis=2))
    return poisson.Grid(random.poisson(mean).astype(float), log_exposure, values, random.random((areas, weeks)) < 0.9)


def _with_dummies(grid: poisson.Grid, keep: np.ndarray | None = None):
    """The same model in statsmodels, every area and week a dummy."""
    used = grid.is_used if keep is None else grid.is_used & keep[:, None]
    area, week = np.nonzero(used)
    areas, weeks = np.unique(area), np.unique(week)
    design = np.column_stack(
        [grid.columns[used], *(area == a for a in areas), *(week == w for w in weeks[1:])],
    ).astype(float)
    model = sm.GLM(grid.counts[used], design, family=sm.families.Poisson(), offset=grid.log_exposure[used])
    return model, model.fit(tol=1e-12), area


def test_estimates_and_information_equal_the_poisson_model_with_all_its_dummies():
    grid = _grid(1)
    fitted = poisson.fit(grid)
    _, oracle, _ = _with_dummies(grid)
    np.testing.assert_allclose(fitted.coefficients, oracle.params[:2], atol=1e-8)
    np.testing.assert_allclose(np.linalg.inv(fitted.information), oracle.cov_params()[:2, :2], rtol=1e-6)
    np.testing.assert_allclose(fitted.area_information.sum(axis=0), fitted.information, rtol=1e-8)
    assert fitted.has_converged
    np.testing.assert_allclose(fitted.scores.sum(axis=0), 0, atol=1e-5)


def test_areas_and_weeks_without_events_change_nothing():
    grid = _grid(2)
    grid.counts[3] = 0
    grid.counts[:, 5] = 0
    fitted = poisson.fit(grid)
    areas, weeks = np.arange(12) != 3, np.arange(20) != 5
    cut = np.ix_(areas, weeks)
    less = poisson.fit(poisson.Grid(grid.counts[cut], grid.log_exposure[cut], grid.columns[cut], grid.is_used[cut]))
    np.testing.assert_allclose(fitted.coefficients, less.coefficients, atol=1e-9)


def test_a_column_that_area_and_week_explain_is_unidentified_and_costs_the_other_nothing():
    grid = _grid(3)
    grid.columns[:, :, 1] = np.arange(12)[:, None] + np.arange(20)[None, :]
    fitted = poisson.fit(grid)
    assert list(fitted.unidentified) == [False, True]
    alone = poisson.fit(grid.with_columns(np.array([True, False])))
    assert fitted.coefficients[0] == pytest.approx(alone.coefficients[0], abs=1e-6)


def test_separation_is_seen():
    grid = _grid(4, effect=0.0)
    switch = np.random.default_rng(5).random((12, 20)) < 0.1
    grid.columns[:, :, 1] = switch
    grid.counts[switch] = 0
    fitted = poisson.fit(grid)
    assert list(fitted.separated) == [False, True]
    assert not fitted.has_converged


@pytest.mark.parametrize("shape", [(0, 0), (3, 1), (0, 5), (4, 4)])
def test_nothing_to_fit(shape):
    empty = poisson.Grid(np.zeros(shape), np.zeros(shape), np.zeros((*shape, 2)), np.ones(shape, bool))
    fitted = poisson.fit(empty)
    assert fitted.unidentified.all()
    assert not fitted.has_converged


def test_jackknife_covariance_equals_refits_in_statsmodels_one_area_left_out_at_a_time():
    grid = _grid(6)
    fitted = poisson.fit(grid)
    inference = clusters.infer(grid, fitted, np.eye(2), np.arange(12))
    without = np.array([_with_dummies(grid, np.arange(12) != a)[1].params[:2] for a in range(12)])
    away = without - fitted.coefficients
    np.testing.assert_allclose(inference.covariance, 11 / 12 * away.T @ away, rtol=1e-5)
    low, high = inference.intervals()
    reach = 2.200985 * np.sqrt(np.diag(inference.covariance))  # t(11) at 0.975, from tables
    np.testing.assert_allclose((high - low) / 2, reach, rtol=1e-6)
    # Twelve equal clusters: the design's own reference is close to Student's.
    np.testing.assert_allclose(inference.careful_p_values(), inference.p_values(), atol=0.02)
    assert np.all(inference.careful_p_values() >= inference.p_values())


def test_many_clusters_get_the_clustered_sandwich_of_statsmodels():
    grid = _grid(7, areas=500, weeks=4)
    fitted = poisson.fit(grid)
    inference = clusters.infer(grid, fitted, np.eye(2), np.arange(500))
    model, _, area = _with_dummies(grid)
    oracle = model.fit(cov_type="cluster", cov_kwds={"groups": area, "use_correction": False}, tol=1e-12)
    np.testing.assert_allclose(inference.covariance, 500 / 499 * oracle.cov_params()[:2, :2], rtol=1e-5)
    assert "CR1" in inference.method


def test_one_step_stands_for_each_refit_where_there_are_hundreds(monkeypatch):
    grid = _grid(7, areas=120, weeks=8)
    fitted = poisson.fit(grid)
    inference = clusters.infer(grid, fitted, np.eye(2), np.arange(120))
    assert "one step" in inference.method
    monkeypatch.setattr(clusters, "JACKKNIFE_BELOW", 121)
    whole = clusters.infer(grid, fitted, np.eye(2), np.arange(120))
    assert "one step" not in whole.method
    np.testing.assert_allclose(np.diag(inference.covariance), np.diag(whole.covariance), rtol=0.02)


def test_below_ten_clusters_there_is_an_estimate_and_no_interval():
    grid = _grid(8, areas=9)
    inference = clusters.infer(grid, poisson.fit(grid), np.eye(2), np.arange(9))
    assert np.isfinite(inference.estimates).all()
    assert np.isnan(inference.intervals()).all()
    assert np.isnan(inference.p_values()).all()
    assert clusters.joint(inference) is None
    assert inference.method == "no interval: fewer than 10 clusters"


@pytest.mark.parametrize("areas", [12, 120])
def test_an_effect_seen_in_one_area_only_has_no_interval_and_the_other_keeps_its_own(areas):
    grid = _grid(9, areas=areas)
    grid.columns[1:, :, 1] = 0.0
    inference = clusters.infer(grid, poisson.fit(grid), np.eye(2), np.arange(areas))
    assert list(inference.rests_on_one) == [False, True]
    low, high = inference.intervals()
    assert np.isfinite([low[0], high[0]]).all()
    assert np.isnan([low[1], high[1]]).all()
    assert clusters.joint(inference).numerator_df == 1


def test_equal_clusters_read_the_joint_test_as_hotellings():
    estimates, covariance = np.array([0.5, 0.2, 0.1]), np.diag([0.04, 0.04, 0.04])
    inference = clusters.Inference(estimates, covariance, 20, "", np.zeros(3, bool))
    joint = clusters.joint(inference)
    wald = 0.3 / 0.04
    assert joint.denominator_df == 17
    assert joint.statistic == pytest.approx(wald * 17 / (3 * 19))
    assert joint.p_value == pytest.approx(stats.f.sf(joint.statistic, 3, 17))


def normal_reference(information, contrasts):
    """The reference where scores are normal with the clusters' information as covariance."""
    random = np.random.default_rng(1)
    roots = np.linalg.cholesky(information).transpose(0, 2, 1)
    return clusters.simulate(
        random.standard_normal((len(information), 4000, len(contrasts))) @ roots, information, contrasts
    )


def test_the_reference_draws_poisson_counts_around_the_fit():
    """Scores of drawn counts have the clusters' information as covariance, and mean zero."""
    fitted = poisson.fit(_grid(1))
    scores = clusters._null_scores(fitted, np.arange(len(fitted.means)))
    assert np.abs(scores.mean(axis=1)).max() < 5 * scores.std(axis=1).max() / np.sqrt(scores.shape[1])
    # 4,000 draws: a variance has a standard error of about 2.2%.
    variances = scores.var(axis=1)
    np.testing.assert_allclose(variances, np.einsum("gii->gi", fitted.area_information), rtol=0.12)


def test_the_reference_of_many_equal_clusters_is_students_and_hotellings():
    reference = normal_reference(np.repeat(np.eye(2)[None], 40, axis=0), np.eye(2))
    # 4,000 draws: the 95% quantile of |t| has a standard error of about 2%.
    np.testing.assert_allclose(np.quantile(reference.ratios, 0.95, axis=0), stats.t.ppf(0.975, 39), rtol=0.05)
    hotelling = 2 * 39 / 38 * stats.f.ppf(0.95, 2, 38)
    assert np.quantile(reference.wald, 0.95) == pytest.approx(hotelling, rel=0.08)


def test_where_few_clusters_carry_all_the_weight_chance_reaches_further():
    weight = np.r_[np.full(3, 10.0), np.full(21, 0.1)]
    reference = normal_reference(weight[:, None, None] * np.eye(1), np.eye(1))
    equal = normal_reference(np.ones((24, 1, 1)), np.eye(1))
    assert np.quantile(reference.ratios, 0.99) > 1.3 * np.quantile(equal.ratios, 0.99)
