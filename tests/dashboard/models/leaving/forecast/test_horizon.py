"""The 90 days ahead, by hand."""

import pandas as pd
import pytest

from dashboard.models.leaving.covariates import design_of
from dashboard.models.leaving.forecast.horizon import stretches

from ....sample_measures import not_taken


def customer(**known):
    usual = {
        "tenure_days": 1000,
        "is_locked_in": False,
        "lock_in_days_left": 0,
        "free_days": 300.0,
        "price_change": 0.0,
        "price_held_days": float("nan"),
    }
    return usual | known


def ahead(*customers):
    """For each customer (days, held, free days, price change, days held) of every stretch, in the order of time."""
    frame = pd.DataFrame(list(customers)).astype({"is_locked_in": "boolean"})
    found = [[] for _ in customers]
    for whose, days, then in stretches(frame):
        told = then[["is_locked_in", "free_days", "price_change", "price_held_days"]].itertuples(index=False)
        for place, own, row in zip(whose, days, told, strict=True):
            found[place].append((own, *row))
    return found


def test_whoever_is_free_at_an_old_price_has_one_stretch():
    (only,) = ahead(customer())
    assert [days for days, *_ in only] == [90]


def test_a_contract_that_ends_makes_three():
    (own,) = ahead(customer(is_locked_in=True, lock_in_days_left=20, free_days=float("nan")))
    assert [(days, held, free) for days, held, free, *_ in own] == [
        (20, True, 10_000),
        (56, False, 0),
        (14, False, 10_000),
    ]


def test_a_rise_grows_old_within_its_eight_weeks():
    (own,) = ahead(customer(price_change=6.0, price_held_days=10.0))
    assert [(days, change, held) for days, _, _, change, held in own] == [(4, 6, 7), (42, 6, 14), (44, 0, 10_000)]


def test_a_fall_and_a_newcomers_unknown_past_end_as_well():
    fall, newcomer, long_ago = ahead(
        customer(price_change=-2.0, price_held_days=50.0),
        customer(price_change=float("nan"), tenure_days=26),
        customer(price_change=float("nan"), tenure_days=90),
    )
    assert [(days, change) for days, _, _, change, _ in fall] == [(6, -2), (84, 0)]
    assert [days for days, *_ in newcomer] == [30, 60]
    assert pd.isna(newcomer[0][3])
    assert newcomer[1][3] == 0
    assert [days for days, *_ in long_ago] == [90], "somebody whose price is not known stays one"


def test_contract_and_price_cut_each_other():
    (own,) = ahead(customer(is_locked_in=True, lock_in_days_left=30, price_change=1.0, price_held_days=36.0))
    assert [(days, held, change) for days, held, _, change, _ in own] == [
        (20, True, 1),
        (10, True, 0),
        (56, False, 0),
        (4, False, 0),
    ]


@pytest.mark.parametrize("missing", [["price_held_days"], ["price_held_days", "price_change"]])
def test_without_prices_the_contract_alone_cuts(missing):
    frame = pd.DataFrame([customer(is_locked_in=True, lock_in_days_left=20)]).drop(columns=missing)
    assert [float(days[0]) for _, days, _ in stretches(frame)] == [20, 56, 14]


def test_rises_of_any_size_falls_and_first_weeks_are_columns_of_their_own():
    weeks = pd.DataFrame(
        [
            customer(price_change=change, price_held_days=held)
            for change, held in ((6.0, 3.0), (2.0, 12.0), (1.0, 20.0), (-4.0, 1.0), (0.0, 400.0), (float("nan"),) * 2)
        ]
    ).assign(
        week=pd.Timestamp("2025-01-06"),
        area="a",
        technology="fibre",
        weight=1.0,
        days_at_risk=7.0,
        trailing_observed_ratio=0.0,
        trailing_down_hours=float("nan"),
        trailing_evening_rtt_p95_mean_seconds=float("nan"),
        trailing_loss_ratio=float("nan"),
        trailing_evening_utilization_mean_ratio=float("nan"),
        **not_taken("trailing"),
    )
    design = design_of(weeks, with_service=False)
    made = pd.DataFrame(design.columns(weeks), columns=design.names).filter(like="price_change")
    made.columns = made.columns.str.removeprefix("price_change:")
    assert made.to_dict("list") == {
        "unknown": [0, 0, 0, 0, 0, 1],
        "rise": [1, 1, 1, 0, 0, 0],
        "rise_by": [6, 2, 1, 0, 0, 0],
        "fall": [0, 0, 0, 1, 0, 0],
        "fall_by": [0, 0, 0, 4, 0, 0],
        "risen_0_weeks_ago": [1, 0, 0, 0, 0, 0],
        "risen_1_weeks_ago": [0, 1, 0, 0, 0, 0],
    }
