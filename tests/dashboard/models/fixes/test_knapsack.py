"""The choice of works: against every possible choice, and with a bound that holds where it is cut short."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dashboard.models.fixes.knapsack import Options, choose


def best_of_all(areas, budget):
    """The most that any choice saves, by trying all."""
    ways = [[(0, 0.0), *zip(a.cost.tolist(), a.saving.tolist(), strict=True)] for a in areas]
    sums = ((sum(c for c, _ in way), sum(s for _, s in way)) for way in itertools.product(*ways))
    return max(saving for cost, saving in sums if cost <= budget)


def drawn(rng, areas, options):
    return [
        Options(rng.integers(0, 60, options).astype(np.int64), np.round(rng.gamma(1.5, 20, options), 3))
        for _ in range(areas)
    ]


@pytest.mark.parametrize("seed", range(60))
def test_nothing_saves_more(seed):
    rng = np.random.default_rng(seed)
    areas, budget = drawn(rng, int(rng.integers(1, 6)), int(rng.integers(1, 6))), int(rng.integers(0, 150))
    made = choose(areas, budget)
    taken = [(a.cost[i], a.saving[i]) for a, i in zip(areas, made.chosen, strict=True) if i is not None]
    assert made.gap == 0
    assert made.saving == pytest.approx(best_of_all(areas, budget))
    assert made.saving == pytest.approx(sum(s for _, s in taken))
    assert made.cost == sum(c for c, _ in taken) <= budget


@pytest.mark.parametrize("seed", range(30))
def test_cut_short_it_says_how_much_better_another_could_be(seed):
    rng = np.random.default_rng(1000 + seed)
    areas, budget = drawn(rng, 5, 5), 110
    made, best = choose(areas, budget, limit=2), best_of_all(areas, budget)
    assert made.saving <= best + 1e-9
    assert made.saving + made.gap >= best - 1e-9


def test_a_thousand_areas_take_seconds_and_are_still_exact():
    rng = np.random.default_rng(3)
    areas = [Options(rng.integers(50_000, 5_000_000, 7).astype(np.int64), rng.gamma(1.2, 90, 7)) for _ in range(1000)]
    made = choose(areas, 400_000_000)
    assert made.cost <= 400_000_000
    assert made.gap <= 0.001 * made.saving


def test_nothing_to_choose_from():
    assert choose([], 100).chosen == ()
    assert choose([Options(np.array([7]), np.array([3.0]))], 5).chosen == (None,)
    assert choose([Options(np.array([0]), np.array([3.0]))], 0).chosen == (0,)
