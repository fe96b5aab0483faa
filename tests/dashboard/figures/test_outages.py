"""What is said of outages, for every verdict that a study may come to."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from dashboard.figures import outages

ROW = {
    "outage": "pooled:over_4h", "outcome": "leaving", "design": "following_weeks", "is_pooled": True, "kind": "outage",
    "size": "over_4h", "outages": 40, "customers": 4000, "hours_each": 9.04, "weeks_after": 12, "expected": 120.0,
    "excess": 70.0, "excess_low": 36.0, "excess_high": 104.0,
    "excess_per_1000": 17.5, "excess_per_1000_low": 9.0, "excess_per_1000_high": 26.0,
    "excess_per_1000_hours": 1.9, "excess_per_1000_hours_low": 1.0, "excess_per_1000_hours_high": 2.9,
    "monthly_revenue": 2100.0, "monthly_revenue_low": 1080.0, "monthly_revenue_high": 3120.0,
    "smallest_detectable": 48.0, "p_adjusted": 0.002, "verdict": "found", "note": None,
}  # fmt: skip


def told(**changed: object) -> SimpleNamespace:
    return SimpleNamespace(incident_effects=pd.DataFrame([ROW | changed]))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "After a week with more than four hours without service (9.0 hours on average) about 17.5 more left of 1,000 customers in that week and the 12 after it (9.0 to 26.0)."),
        ({"note": "Hidden."}, "(9.0 to 26.0). Hidden."),
        ({"excess_per_1000": -17.5, "excess_per_1000_low": -26.0, "excess_per_1000_high": -9.0}, "17.5 fewer left of 1,000"),
        ({"verdict": "not_found", "excess_per_1000_low": -2.0}, "no change in leaving was found in that week and the 12 after it: −2.0 to 26.0 of 1,000 customers."),
        ({"outcome": "complaints_quality"}, "17.5 more complaints about quality came from 1,000 customers"),
        ({"verdict": "too_small"}, "only a change of 12.0 or more of 1,000 customers could have been seen in leaving: too few to say"),
        ({"verdict": "no_answer", "note": "it rests on a single neighbourhood"}, "does to leaving is not known: it rests on a single neighbourhood."),
        ({"excess_per_1000": None, "hours_each": None}, "without service about 1.9 more left of 1,000 customers, for each hour,"),
        ({"outage": "pooled:planned", "kind": "planned"}, "After a week with planned work"),
        ({"weeks_after": 8}, "in that week and the 8 after it"),
    ],
)  # fmt: skip
def test_a_sentence_says_what_followed_or_why_nobody_knows(changed, says):
    (said,) = outages.sentences(told(**changed))
    assert says in said


def test_a_row_of_an_older_build_is_a_second_look_and_what_there_was_none_of_is_no_row():
    old = told(design=None, outage="pooled:large", size="large")
    assert outages.rows(old) == []
    assert [cell for cell, _ in outages.matched_rows(old)[0]][:2] == ["Leaving", "4 h and more"]
    assert outages.sentences(told(outages=0)) == []


MATCHED = {
    "outage": "matched:all", "design": "matched", "size": "all", "outages": 16, "customer_minutes": 6e5, "weeks_after": 8,
    "excess": 15.0, "excess_low": -39.0, "excess_high": 69.0, "smallest_detectable": 77.0, "verdict": "not_found",
}  # fmt: skip


def two_looks(first: dict[str, object], second: dict[str, object], week: float = 2.0) -> SimpleNamespace:
    """The first study's row of all outages with ``week`` more of 1,000 in each week, and the second look's of 131 outages."""
    rows = [ROW | {"outage": "pooled:all", "size": "all", "customer_minutes": None, "hours_each": 9.0} | first]
    rows += [ROW | MATCHED | second]
    rows += [
        ROW | MATCHED | {"outage": f"matched:{size}", "size": size, "outages": n}
        for size, n in (("large", 3), ("medium", 10), ("small", 3))
    ]
    rows += [ROW | MATCHED | {"outage": f"n{n} 2026-01-05", "is_pooled": False, "size": "small"} for n in range(131)]
    weeks = pd.DataFrame({"size": "all", "outcome": "leaving", "weeks_since": range(-8, 13), "excess_per_1000": week})
    return SimpleNamespace(incident_effects=pd.DataFrame(rows), incident_weeks=weeks)


@pytest.mark.parametrize(
    ("first", "second", "week", "says"),
    [
        ({}, {}, 2.0, "16 for leaving (3 under 1 h, 10 from 1 to 4 h, 3 from 4 h on)."),
        ({}, {}, 2.0, "16 of 131 outages. By the first, about 20.0 more would be expected in these; the second look's interval contains that: it is too small to see an effect of this size and does not contradict."),
        ({}, {"smallest_detectable": 19.0}, 2.0, "contains that: it does not contradict."),
        ({}, {}, 8.0, "about 80.0 more would be expected in these; the second look's interval does not contain that, so the size is uncertain."),
        ({}, {"verdict": "found", "excess_low": 5.0}, 2.0, "which agrees with the second look."),
        ({"verdict": "not_found"}, {"verdict": "found"}, 2.0, "take what the second look found as a hint."),
        ({"verdict": "no_answer"}, {"verdict": "found"}, 2.0, "the first table has no answer; what the second look found rests on 16 of 131 outages."),
        ({}, {"weeks_after": None}, 2.0, "the second look uses 16 of 131 outages."),
    ],
)  # fmt: skip
def test_two_answers_say_which_counts(first, second, week, says):
    assert says in " ".join(outages.compared(two_looks(first, second, week)))


def test_where_neither_look_found_anything_none_is_said_to_count():
    assert "counts" not in " ".join(outages.compared(two_looks({"verdict": "not_found"}, {})))
