"""The event study of outages, as it is placed on its scale."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from dashboard.figures import outage_weeks


def studied(
    outcomes: tuple[str, ...] = ("leaving",), hours_each: float | None = 9.0, p: float | None = 0.4
) -> SimpleNamespace:
    """Nothing in the weeks before, 1 in weeks 0 to 4, 0.5 after; one more and less at the ends."""
    weeks = range(-8, 13)
    values = [0.0 if week < 0 else 1.0 if week < 5 else 0.5 for week in weeks]
    tables = [
        pd.DataFrame({"size": "over_4h", "outcome": name, "weeks_since": weeks, "excess_per_1000": values})
        for name in outcomes
    ]
    table = pd.concat(tables)
    table = table.assign(low=table["excess_per_1000"] - 1, high=table["excess_per_1000"] + 1)
    rows = [
        {
            "outage": "pooled:over_4h",
            "outcome": name,
            "design": "following_weeks",
            "hours_each": hours_each,
            "placebo_p_value": p,
        }
        for name in outcomes
    ]
    return SimpleNamespace(incident_weeks=table, incident_effects=pd.DataFrame(rows))


def test_the_course_is_drawn_by_stretches_of_weeks_with_those_before_as_a_check():
    (course,) = outage_weeks.courses(studied())
    assert [(step.weeks, step.width, step.is_placebo) for step in course.steps] == [
        ("−8 to −1", 8, True),
        ("0 to 4", 5, False),
        ("5 to 12", 8, False),
    ]
    assert (course.nothing, course.steps[0].value) == (33.3, 33.3)
    assert (course.steps[1].low, course.steps[1].high) == (33.3, 100.0)
    assert "0.50 of 1,000 a week" in course.steps[2].says
    assert course.marks == ((0.0, "−1"), (33.3, "0"), (66.7, "1"), (100.0, "2"))
    assert course.unit == "more per 1,000 customers, in a week"


def test_both_outcomes_are_drawn_leaving_first():
    drawn = outage_weeks.courses(studied(("complaints_quality", "leaving")))
    assert [course.title.split(",")[0] for course in drawn] == ["Leaving", "Complaints about quality"]


@pytest.mark.parametrize(
    ("p", "says"),
    [
        (0.4, "is passed (p 0.40)."),
        (0.012, "is not passed (p 0.012), so there is no answer."),
        (None, "could not be made."),
    ],
)
def test_the_check_says_whether_it_is_passed(p, says):
    assert outage_weeks.courses(studied(p=p))[0].check.endswith(says)


def test_where_nobody_knows_who_was_struck_the_scale_is_for_an_hour():
    assert "and hour" in outage_weeks.courses(studied(hours_each=None))[0].unit


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([0.0, -0.1, 0.4], [-0.2, 0.0, 0.2, 0.4]),
        ([0.0, 3.0, 70.0], [0, 20, 40, 60, 80]),
        ([0.0, -7.0, -1.0], [-8, -6, -4, -2, 0]),
    ],
)
def test_the_scale_has_round_marks_and_zero(values, marks):
    assert outage_weeks._marks(values) == pytest.approx(marks)
    flat = outage_weeks._marks([0.0])
    assert flat[0] == 0.0 < flat[1]


def test_of_an_older_build_whose_weeks_are_of_another_study_no_check_is_told():
    old = studied(hours_each=None)
    old.incident_effects["design"] = None
    (course,) = outage_weeks.courses(old)
    assert (course.unit, course.check) == (outage_weeks.UNIT, "")
