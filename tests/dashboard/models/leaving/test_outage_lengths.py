"""Which lengths of single outages can be told apart, and what is said of them by the weights of the forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.measures import DOWN, LENGTHS, over
from dashboard.models.leaving import outage_lengths
from dashboard.models.leaving.covariates import Quality
from dashboard.models.leaving.doses.dose import Dose, Doses
from dashboard.models.leaving.doses.felt_hours import PART, Felt


def doses(weights: dict[Felt, float], lengths: tuple[int, ...] = (2, 4, 8)) -> Doses:
    forms = tuple(Dose(1.0, np.ones(1), None, weight, np.zeros(1), felt) for felt, weight in weights.items())
    return Doses(forms, 40, lengths=lengths)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({Felt(): 0.96, Felt(8, 4): 0.04}, outage_lengths.ALIKE),
        ({Felt(): 0.7, Felt(8, 4): 0.2, Felt(8, 2): 0.1}, outage_lengths.PARTLY.format(share="30%")),
        (
            {Felt(): 0.01, Felt(8, 4): 0.9, Felt(8, 8): 0.09},
            outage_lengths.LONG.format(share="99%", hours=4, few="hardly any"),
        ),
        ({Felt(): 0.1, Felt(2, 4, PART): 0.9}, outage_lengths.LONG.format(share="90%", hours=4, few="fewer")),
    ],
)
def test_the_weight_of_long_outages_is_told(weights, said):
    assert outage_lengths.of(doses(weights)) == said


def test_where_lengths_could_not_be_told_apart_it_is_said():
    assert outage_lengths.of(doses({Felt(): 1.0}, lengths=())) == outage_lengths.UNKNOWN


QUALITY = Quality((DOWN,), pd.DataFrame(), np.zeros(1))


def customers(long: list[float | None]) -> pd.DataFrame:
    """Ten customers with four hours a week each, of which so many were in outages longer than four hours."""
    alike = {over(8, hours): [np.nan] * 10 for hours in LENGTHS} | {over(8, 4): long, over(2, 4): [np.nan] * 10}
    return pd.DataFrame({"trailing_observed_ratio": 1.0, DOWN.trailing: [4.0] * 10} | alike)


@pytest.mark.parametrize(
    ("long", "lengths"),
    [
        ([4.0, 0.0] * 5, (4,)),
        ([None] * 4 + [4.0, 0.0] * 3, (4,)),
        ([None] * 8 + [4.0, 0.0], ()),
        ([4.0] * 10, ()),
        ([0.0] * 10, ()),
        ([0.0] * 9 + [1.0], ()),
        ([None] * 10, ()),
    ],
    ids=["half", "half, of six known", "known of few", "all", "none", "one hour of forty", "not known"],
)
def test_lengths_are_told_apart_where_there_are_both_and_enough_is_known(long, lengths):
    assert QUALITY.lengths(customers(long).astype(float)) == lengths


def test_a_build_before_lengths_were_told_has_none():
    assert QUALITY.lengths(customers([4.0, 0.0] * 5).drop(columns=[over(8, h) for h in LENGTHS])) == ()


def test_where_other_weeks_are_not_known_eight_stand_in():
    frame = customers([4.0, 0.0] * 5).astype(float)
    assert QUALITY.steps(frame, Felt(2, 4))[:, 0] == pytest.approx([4.0, 0.0] * 5)
    assert QUALITY.steps(frame, Felt(8, 4, 0.5))[:, 0] == pytest.approx([4.0, 2.0] * 5)
