"""Complaints under one placeholder, and neighbourhoods that nothing was observed of: not known, never zero."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.models.loyalty import held_or_loyal
from dashboard.panel import join_coverage, withholding
from dashboard.tables import stand_ins


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


def test_complaints_under_one_id_count_in_no_neighbourhood_where_enough_others_are_known(people: Any) -> None:
    """Customer 1 lives in the north, and is no reason to take 25 complaints for those of the north."""
    complain(people, ["1"] * 25 + [str(2 + 2 * (number % 19)) for number in range(75)])
    panel = people.build()
    assert panel.knows(join_coverage.COMPLAINTS)
    assert panel.area_weeks.groupby("area")["complaints_slow"].sum().to_dict() == {"north": 0, "south": 75}
    counts = panel.counts.set_index(["table", "code"])["rows"]
    assert counts["complaints", "stand_in"] == 25
    (note,) = (note.text for note in panel.notes if note.code == "complaints_stand_in")
    assert note.startswith("25 of 100 complaints are left out: under one id that so many have")


def test_complaints_that_the_import_has_marked_name_nobody(people: Any) -> None:
    complain(people, ["1"] * 4 + [str(2 + number % 38) for number in range(36)])
    for complaint in people.rows["complaints"][:4]:
        complaint["customer_id"] = stand_ins.NOBODY
    counts = people.build().counts.set_index(["table", "code"])["rows"]
    assert counts["complaints", "stand_in"] == 4


def test_complaints_under_one_id_that_name_a_neighbourhood_count_in_it(people: Any) -> None:
    for number in range(40):
        people.complaint(f"2025-04-{1 + number % 25:02}T10:00", customer_id="1", area="south")
    panel = people.build()
    assert panel.area_weeks.groupby("area")["complaints_slow"].sum().to_dict() == {"north": 0, "south": 40}
    assert not panel.knows(join_coverage.COMPLAINERS)


def test_complaints_from_before_their_customers_time_are_not_joined(people: Any) -> None:
    """They name a customer on record who was none on that day: below the floor their neighbourhoods had none."""
    for number in range(40):
        people.customer(f"later-{number}", "south", device_id="unseen", started_on="2025-06-01", monthly_price=10.0)
    complain(people, [f"later-{number}" for number in range(40)] + [str(number) for number in range(40)])
    panel = people.build()
    assert not panel.knows(join_coverage.COMPLAINTS)
    (join,) = (join for join in panel.joins if join.name == join_coverage.COMPLAINTS)
    assert (join.rows, join.joined) == (80, 40)
    assert "40 are from before or after their customer's time" in join.text
