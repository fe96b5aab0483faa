from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from dashboard.models.statistics.multiplicity import benjamini_hochberg, holm, said_p


@pytest.mark.parametrize(("adjust", "method"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
def test_adjusted_p_values_equal_statsmodels(adjust, method):
    p = np.random.default_rng(1).random(40) ** 3
    np.testing.assert_allclose(adjust(p), multipletests(p, method=method)[1], rtol=1e-12)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_what_was_not_tested_does_not_count(adjust):
    p = np.array([0.01, np.nan, 0.04])
    adjusted = adjust(p)
    assert np.isnan(adjusted[1])
    np.testing.assert_allclose(adjusted[[0, 2]], adjust(p[[0, 2]]))
    assert adjust([]).size == 0


def test_benjamini_and_hochbergs_own_example():
    # Benjamini and Hochberg (1995), section 3.2: fifteen p-values, of which four are found at a rate of 5%.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert (benjamini_hochberg(p) <= 0.05).sum() == 4
    assert (holm(p) <= 0.05).sum() == 3


def test_a_small_p_value_is_not_written_as_none():
    assert [said_p(p) for p in (0.0004, 0.001, 0.0123, 0.5)] == ["p < 0.001", "p = 0.001", "p = 0.012", "p = 0.500"]
