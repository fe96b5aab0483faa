"""Departures of which nobody knows why: how many leave of their own will is then not known, and never almost none."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest

from dashboard.analysis import backtest_run
from dashboard.analysis.build import BuildError
from dashboard.models.areas import area_rates
from dashboard.models.leaving import returners
from dashboard.panel import assemble, join_coverage, withholding


def gone(world: Any, reasons: list[str | None], *, notice: str | None = None) -> assemble.Panel:
    """A departure every third day from 6 January 2025 on, for these reasons, beside ten customers who stay."""
    for number, reason in enumerate(reasons):
        day = datetime.date(2025, 1, 6) + datetime.timedelta(days=3 * number)
        world.customer(
            f"gone {number}",
            started_on="2024-01-01",
            ended_on=str(day),
            end_reason=reason,
            notice_on=notice and str(day),
        )
    for number in range(10):
        world.customer(f"stays {number}", started_on="2024-01-01")
    world.observe("ap", "2025-01-06", "2025-04-28")
    return world.build()


def of_reasons(panel: assemble.Panel) -> join_coverage.Join:
    (join,) = (join for join in panel.joins if join.name == join_coverage.REASONS)
    return join


@pytest.mark.parametrize(
    ("reasons", "notice", "known", "is_known"),
    [
        (["voluntary", "moved", None, None] * 4, None, 8, False),
        ([None] * 16, None, 0, False),
        ([None] * 16, "given", 16, True),
        (["other"] * 16, None, 16, True),
        (["voluntary"] * 12 + [None] * 4, None, 12, True),
        ([], None, 0, True),
    ],
)
def test_how_many_have_a_reason(
    world: Any, reasons: list[str | None], notice: str | None, known: int, is_known: bool
) -> None:
    join = of_reasons(gone(world, reasons, notice=notice))
    assert (join.joined, join.rows, join.is_known, join.is_warning) == (known, len(reasons), is_known, not is_known)


def test_the_last_weeks_are_judged_by_themselves(world: Any) -> None:
    join = of_reasons(gone(world, ["voluntary"] * 24 + [None] * 10))
    assert not join.is_known
    assert "departures of the last eight weeks have a reason that is known, or a notice" in join.text


def test_what_rests_on_them_is_withheld(world: Any) -> None:
    panel = gone(world, ["voluntary", None] * 8)
    told = withholding.withheld(panel)
    assert panel.area_weeks["leavers_voluntary"].sum() == 8
    assert told.area_weeks[["leavers_voluntary", "leavers_other"]].isna().all(axis=None)
    ends = ["left_voluntarily", "left_otherwise"]
    assert told.customer_periods[ends].isna().all(axis=None)
    assert told.customer_weeks[ends].isna().all(axis=None)
    rates = area_rates.area_rates(told.customer_periods, told.area_weeks, told.customers_now)
    assert "leaving" not in set(rates["outcome"])
    back = returners.returners(told.departures, datetime.date(2025, 4, 27))
    assert set(back["exit_reason"]) == {returners.EVERY_REASON}
    assert back["departures"].max() == 16


def test_a_ranking_is_held_against_nothing(world: Any) -> None:
    with pytest.raises(BuildError, match="how many leave of their own will is not known: 8 of 16 departures"):
        backtest_run.require_reasons(gone(world, ["voluntary", None] * 8))


def test_known_reasons_stay_as_they_are(world: Any) -> None:
    panel = gone(world, ["voluntary", "moved"] * 8)
    backtest_run.require_reasons(panel)
    told = withholding.withheld(panel)
    pd.testing.assert_frame_equal(told.customer_periods, panel.customer_periods)
    assert told.area_weeks["leavers_voluntary"].sum() == 8
