"""Complaints under one placeholder, and neighbourhoods that nothing was observed of: not known, never zero."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.models.loyalty import held_or_loyal
from dashboard.panel import join_coverage, withholding


@pytest.fixture
def people(world: Any) -> Any:
    """Forty customers in two neighbourhoods of which only one is observed, by eight weeks."""
    for number in range(40):
        area, device = ("north", "ap") if number % 2 else ("south", "unseen")
        world.customer(str(number), area, device_id=device, started_on="2024-01-01", monthly_price=10.0)
    world.observe("ap", "2025-03-03", "2025-04-28")
    return world


def complain(world: Any, customers: list[str]) -> None:
    for number, customer in enumerate(customers):
        world.complaint(f"2025-04-{1 + number % 25:02}T10:00", customer_id=customer)


@pytest.mark.parametrize(("of_one", "of_others", "is_known"), [(100, 0, False), (50, 50, False), (15, 85, True)])
def test_complaints_under_one_id_name_nobody(people: Any, of_one: int, of_others: int, is_known: bool) -> None:
    complain(people, ["1"] * of_one + [str(2 + number % 38) for number in range(of_others)])
    panel = people.build()
    assert panel.knows(join_coverage.COMPLAINTS) is is_known
    assert panel.knows(join_coverage.COMPLAINERS) is is_known
    (join,) = (join for join in panel.joins if join.name == join_coverage.COMPLAINTS)
    assert join.is_warning is not is_known
    assert ("as a placeholder does" in join.text) is not is_known
    told = withholding.withheld(panel).area_weeks["complaints_slow"]
    assert told.isna().all() if not is_known else told.notna().any()


def test_who_suffers_is_not_known_where_nothing_was_observed(people: Any) -> None:
    people.complaint("2025-01-05T10:00", customer_id="3")
    complain(people, [str(number % 40) for number in range(80)])
    panel = people.build()
    rows = held_or_loyal.loyalty(panel.customers_now, panel.quality_complaints, panel.cut_off).rows.set_index("area")
    assert rows.loc["south", "judged"] == 0
    assert rows.loc[["south"], "silent_sufferers"].isna().all()
    assert rows.loc["north", "judged"] == 20
    assert rows.loc["north", "silent_sufferers"] == 0
