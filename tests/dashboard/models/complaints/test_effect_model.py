"""Which terms of a model have no ratio to tell, and what a check that could not see a claim does to it."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.models.complaints import effect_model
from dashboard.models.complaints.complaint_model import Complaints
from dashboard.models.complaints.effect_model import Effect, EffectModel
from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.leaving.churn import Churn
from dashboard.models.statistics.clusters import Inference, JointTest

JOINT = JointTest(1.0, 1, 23, 0.5, 0.5)


@pytest.mark.parametrize(
    ("estimate", "error", "rests_on_one", "why"),
    [
        (0.4, 0.1, False, None),
        (0.0, 1.05, False, None),  # a tenth to tenfold is 2.30 either way, this is 2.17
        (0.0, 1.3, False, effect_model.TOO_WIDE),
        (3.0, 1.0, False, None),  # wide, and yet wholly on one side
        (7.0, 10.0, False, effect_model.TOO_WIDE),
        (0.4, 0.1, True, effect_model.ON_ONE_CLUSTER),
    ],
)
def test_a_term_that_could_be_anything_or_rests_on_one_cluster_has_no_estimate(estimate, error, rests_on_one, why):
    told = Inference(np.array([estimate]), np.array([[error**2]]), 24, "", np.array([rests_on_one]))
    assert effect_model.without_estimate(told) == [why]


def test_below_ten_clusters_estimates_stand_without_intervals():
    told = Inference(np.array([0.4]), None, 6, "no interval", np.array([False]))
    assert effect_model.without_estimate(told) == [None]
    alone = Inference(np.array([6.2]), None, 1, "no interval", np.array([False]))
    assert effect_model.without_estimate(alone) == [effect_model.ON_ONE_CLUSTER]


def model(name: str, p_values: dict[str, float]) -> EffectModel:
    kind = "effect" if name in ("complaints", "leaving") else "placebo"
    effects = tuple(
        Effect(name, term, kind, 1.2, 1.1, 1.3, p, p, 24, "")
        for term in TERMS
        if (p := p_values.get(term.name)) is not None
    )
    return EffectModel(name, effects, JOINT, (), 0.001 if kind == "effect" else 0.5)


@pytest.mark.parametrize(("seen", "wording"), [(0.6, "effect"), (np.nan, "association")])
def test_what_a_check_could_not_test_is_called_an_association(seen, wording):
    found, other = {TERMS[0].name: 0.001, TERMS[1].name: 0.4}, {TERMS[0].name: 0.6, TERMS[1].name: np.nan}
    main, whole, blind = (
        model("complaints", found),
        model("complaints_placebo", other),
        model("complaints_control", {TERMS[0].name: seen, TERMS[1].name: 0.5}),
    )
    assert Complaints(main, whole, blind, ()).wording == wording
    assert Churn(main, blind, None, ()).wording == wording
    said = effect_model.said_of_unchecked(main, blind)
    assert said == (
        []
        if wording == "effect"
        else [
            f"complaints_control: could not test {TERMS[0].name}, so results are called an association, not an effect."
        ]
    )
