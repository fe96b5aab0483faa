"""A check that may sound in two ways sounds as often as one test would, and no less readily where something is there."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.models.statistics import alarm, clusters
from dashboard.models.statistics.multiplicity import holm

CLUSTERS, TERMS = 24, 4
NOTHING = np.zeros(TERMS, bool)
FIRST = np.arange(TERMS) == 0


def _inference(random: np.random.Generator, shift: float = 0.0) -> clusters.Inference:
    """The mean of normal clusters whose terms go together, with the covariance of that mean."""
    root = np.linalg.cholesky(0.5 * np.eye(TERMS) + 0.5)
    drawn = random.standard_normal((CLUSTERS, TERMS)) @ root.T + shift * FIRST
    return clusters.Inference(drawn.mean(axis=0), np.cov(drawn.T) / CLUSTERS, CLUSTERS, "", np.zeros(TERMS, bool))


def _sounds(shift: float, claimed: np.ndarray, count: int = 200) -> tuple[float, float]:
    """How often the one test is below 5%, and how often either of the two is."""
    random, one, either = np.random.default_rng(1), 0, 0
    for _ in range(count):
        inference = _inference(random, shift)
        joint, singles = clusters.joint(inference), holm(inference.p_values()).min()
        one += alarm.p_value(inference, claimed) < 0.05
        either += min(joint.p_value, singles) < 0.05
    return one / count, either / count


def test_two_ways_to_sound_are_one_test_at_five_percent(monkeypatch):
    monkeypatch.setattr(alarm, "DRAWS", 400)
    one, either = _sounds(0.0, NOTHING)
    # 200 rounds: a standard error of 1.5 points.
    assert one == pytest.approx(0.05, abs=0.03)
    assert either > one
    assert _sounds(1.2, NOTHING, count=20)[0] > 0.9


def test_what_is_claimed_is_checked_more_readily(monkeypatch):
    monkeypatch.setattr(alarm, "DRAWS", 400)
    (plain, _), (own, _) = (_sounds(0.6, claimed, count=60) for claimed in (NOTHING, FIRST))
    assert own >= plain


def test_the_reference_of_the_design_counts_where_it_is_wider():
    inference = _inference(np.random.default_rng(3), 0.6)
    random = np.random.default_rng(4)
    ratios = np.abs(random.standard_t(3, (2000, TERMS)))
    heavy = clusters.Reference(ratios, (ratios**2).sum(axis=1))
    known = clusters.Inference(
        inference.estimates, inference.covariance, CLUSTERS, "", np.zeros(TERMS, bool), reference=heavy
    )
    assert alarm.p_value(known, NOTHING) > alarm.p_value(inference, NOTHING)


def test_without_a_joint_test_there_is_no_p_value():
    nothing = clusters.Inference(np.zeros(TERMS), None, 9, "", np.zeros(TERMS, bool))
    assert np.isnan(alarm.p_value(nothing, NOTHING))


def test_a_term_that_rests_on_one_cluster_is_left_out():
    inference = _inference(np.random.default_rng(5))
    rests = clusters.Inference(inference.estimates, inference.covariance, CLUSTERS, "", FIRST)
    bare = clusters.Inference(
        inference.estimates[1:], inference.covariance[1:, 1:], CLUSTERS, "", np.zeros(TERMS - 1, bool)
    )
    assert alarm.p_value(rests, FIRST) == alarm.p_value(bare, NOTHING[1:])
