"""Targets of hours without service where long single outages alone are felt: outages of every length become fewer alike."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.measures import COMPARED, DOWN
from dashboard.models.fixes.avoidable import Targets, _felt_target
from dashboard.models.leaving.doses.felt_hours import Felt

TERMS = (COMPARED[1], DOWN)


@pytest.mark.parametrize(
    ("felt", "long", "aim"),
    [
        (Felt(8), [2.0, 4.0], 1.0),
        (Felt(2), [2.0, 4.0], 1.0),
        (Felt(8, 4), [1.0, 2.0], 0.5),
        (Felt(8, 4), [0.0, 0.0], 0.0),
        (Felt(8, 4), [np.nan, 3.0], 0.5),
    ],
)
def test_a_target_of_hours_is_scaled_as_the_hours_that_are_felt(felt, long, aim):
    every = np.array([[1.0, 2.0], [1.0, 4.0]])
    borne = np.column_stack([[1.0, 1.0], long])
    goal = Targets(np.array([0.7, 1.0]))
    assert _felt_target(TERMS, goal, every, borne, felt) == pytest.approx([0.7, aim])
    assert goal.steps == pytest.approx([0.7, 1.0]), "the target that is told stays"
    assert _felt_target(TERMS[:1], Targets(goal.steps[:1]), every[:, :1], borne[:, :1], felt) == pytest.approx([0.7])
