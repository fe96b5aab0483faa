"""One p-value of a check that may sound in several ways: by all terms together, or by any one of them.

The joint test and Holm's smallest p-value are two tests of the same nothing. Each at 5% they sound in 8 to 9 of 100 models
without anything to find. So the smaller of the two is one statistic (the least p of Tippett 1931; Westfall and Young 1993), read
against what it does where nothing is there. What disturbs a check moves one measure more often than all of them a little (a repair,
works), so the joint test's share of the error is a quarter of that of the single terms.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from dashboard.models.statistics import clusters

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

JOINT_SHARE, CLAIMED_SHARE = 0.25, 0.5
"""Of the error that single terms have: the joint test's, and that of the terms of which something is claimed."""
DRAWS = 4000
SEED = 20260104
MOST_DEGREES = 10_000
"""Of freedom: from so many on errors are as good as known."""


def p_value(inference: clusters.Inference, claimed: Flags) -> float:
    """Of the joint test, of all terms and of those ``claimed`` (contrasts,), by Bonferroni and each over its share, all taken together.

    Nan where there is no joint test. The least of them is compared with the least in draws of estimates and covariances
    as normal theory has them, and in those of the design's own reference where there is one; the more careful counts.
    """
    joint, kept = clusters.joint(inference), ~inference.rests_on_one
    if joint is None or inference.covariance is None:
        return float("nan")
    own = [(np.ones(int(kept.sum()), bool), 1.0)]
    own += [(claimed[kept], CLAIMED_SHARE)] if claimed[kept].any() else []
    degrees = min(inference.clusters - 1, MOST_DEGREES)
    ratios = np.abs(inference.estimates[kept]) / np.sqrt(np.diag(inference.covariance)[kept])
    wald = joint.statistic * joint.numerator_df * (inference.clusters - 1) / joint.denominator_df
    found = _least(ratios[None], np.array([wald]), degrees, own)[0]
    drawn = [_least(*_drawn(inference.covariance[np.ix_(kept, kept)], degrees), degrees, own)]
    if inference.reference is not None:
        drawn.append(_least(inference.reference.ratios, inference.reference.wald, degrees, own))
    return max(float(((one <= found).sum() + 1) / (one.size + 1)) for one in drawn)


def _least(ratios: Floats, wald: Floats, degrees: int, families: Sequence[tuple[Flags, float]]) -> Floats:
    """(draws,) the least p-value over its share of each draw's ratios (draws, contrasts) and Wald statistic (draws,)."""
    terms = ratios.shape[1]
    least = stats.f.sf(wald * (degrees + 1 - terms) / (terms * degrees), terms, degrees + 1 - terms) / JOINT_SHARE
    singles = 2 * stats.t.sf(ratios, degrees)
    for family, share in families:
        least = np.minimum(least, family.sum() * singles[:, family].min(axis=1) / share)
    return np.asarray(least)


def _drawn(covariance: Floats, degrees: int) -> tuple[Floats, Floats]:
    """Ratios (draws, contrasts) and Wald statistics (draws,) where nothing is there: normal estimates, Wishart covariances."""
    random = np.random.default_rng(SEED)
    scale = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 1e-12))
    terms = scale.size
    # Bartlett's decomposition, standard here and turned into these correlations afterwards.
    lower = np.zeros((DRAWS, terms, terms))
    for row in range(terms):
        lower[:, row, row] = np.sqrt(random.chisquare(degrees - row, DRAWS))
        lower[:, row, :row] = random.standard_normal((DRAWS, row))
    wishart = lower @ lower.transpose(0, 2, 1) / degrees
    estimates = random.standard_normal((DRAWS, terms))
    wald = np.einsum("di,di->d", estimates, np.linalg.solve(wishart, estimates[:, :, None])[:, :, 0])
    errors = np.sqrt(np.einsum("ij,djk,ik->di", root, wishart, root))
    return np.abs(estimates @ root.T) / errors, wald
