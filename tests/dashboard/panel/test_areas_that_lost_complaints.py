"""Areas whose complaints join nobody while the others' do: not known, never almost none."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.models.areas import area_rates
from dashboard.models.loyalty import held_or_loyal
from dashboard.panel import join_coverage, withholding
from dashboard.tables import quiet_areas

AREAS = ("north", "south", "east", "west", "hill")


@pytest.fixture
def people(world: Any) -> Any:
    """Ten customers in each of five neighbourhoods over four months."""
    for area in AREAS:
        for number in range(10):
            world.customer(f"{area}-{number}", area, started_on="2024-01-01", monthly_price=10.0)
    world.observe("ap", "2025-01-06", "2025-04-28")
    return world


def complain(world: Any, whose: str, count: int, **values: Any) -> None:
    """So many complaints over the four months."""
    for number in range(count):
        month, day = 1 + number % 4, 7 + number * 7 % 20
        world.complaint(f"2025-0{month}-{day:02}T10:00", customer_id=f"{whose}-{number % 10}", **values)


def test_an_area_whose_complaints_join_nobody_has_no_rate(people: Any) -> None:
    for area in AREAS[:4]:
        complain(people, area, 40)
    complain(people, "crm2-hill", 40)
    panel = people.build()
    assert panel.knows(join_coverage.COMPLAINTS)
    assert panel.areas_without(join_coverage.COMPLAINTS_OF_AREAS) == {"hill"}
    (join,) = (join for join in panel.joins if join.name == join_coverage.COMPLAINTS_OF_AREAS)
    assert join.is_warning
    assert join.with_areas.startswith("hill: 40 complaints name no customer or neighbourhood on record")
    told = withholding.withheld(panel)
    weeks = told.area_weeks.set_index("area")
    assert weeks.loc["hill", "complaints_slow"].isna().all()
    assert weeks.loc["hill", "quiet_customer_days"].isna().all()
    assert weeks.drop("hill")["complaints_slow"].sum() == 160
    rates = area_rates.area_rates(told.customer_periods, told.area_weeks, told.customers_now)
    assert set(rates.loc[rates["outcome"] == "complaints_all", "area"]) == set(AREAS) - {"hill"}
    assert set(rates.loc[rates["outcome"] == "leaving", "area"]) == set(AREAS)
    assert told.customers_now.set_index("area").loc["hill", "complaints_before"].isna().all()
    rows = held_or_loyal.loyalty(told.customers_now, told.quality_complaints, told.cut_off).rows.set_index("area")
    assert rows["silent_sufferers"].isna().to_dict() == {"": False, **{area: area == "hill" for area in AREAS}}
    assert rows["quality_complaints"].isna().sum() == 1


@pytest.mark.parametrize("lost", [0, 3])
def test_a_quiet_area_is_quiet_where_nothing_is_unjoined_that_could_be_its_own(people: Any, lost: int) -> None:
    for area in AREAS[:4]:
        complain(people, area, 40)
    complain(people, "nobody-known", lost)
    panel = people.build()
    assert not panel.areas_without(join_coverage.COMPLAINTS_OF_AREAS)
    assert withholding.withheld(panel).area_weeks["complaints_slow"].notna().all()


def test_an_area_that_moved_lately_is_noticed_by_its_last_eight_weeks(people: Any) -> None:
    for area in AREAS:
        complain(people, area, 80)
    moved = 0
    for row in people.rows["complaints"]:
        if row["customer_id"].startswith("hill") and f"{row['opened_at']:%m}" == "04":
            row["customer_id"], moved = f"crm2-{row['customer_id']}", moved + 1
    assert moved == 20
    assert not people.build().areas_without(join_coverage.COMPLAINTS_OF_AREAS)  # March is there: half of eight weeks
    for row in people.rows["complaints"]:
        if row["customer_id"].startswith("hill") and f"{row['opened_at']:%m}" == "03":
            row["customer_id"] = f"crm2-{row['customer_id']}"
    assert people.build().areas_without(join_coverage.COMPLAINTS_OF_AREAS) == {"hill"}


def test_who_is_silent_is_not_known_in_an_area_whose_complaints_name_only_the_area(people: Any) -> None:
    for area in AREAS[:4]:
        complain(people, area, 40)
    complain(people, "crm2-hill", 40, area="hill")
    panel = people.build()
    assert not panel.areas_without(join_coverage.COMPLAINTS_OF_AREAS)
    assert panel.areas_without(join_coverage.COMPLAINERS_OF_AREAS) == {"hill"}
    told = withholding.withheld(panel)
    assert told.area_weeks["complaints_slow"].sum() == 200
    assert told.customers_now.set_index("area")["complaints_before"].isna().groupby("area").all().to_dict() == {
        area: area == "hill" for area in AREAS
    }


@pytest.mark.parametrize(
    ("counted", "lost", "is_in_doubt"),
    [(0, 40, True), (10, 40, True), (40, 40, False), (20, 40, False), (0, 0, False), (0, 15, False), (25, 400, False)],
)
def test_an_area_is_in_doubt_where_lost_rows_would_make_it_ordinary(counted: int, lost: int, is_in_doubt: bool) -> None:
    areas = {"here": counted, **dict.fromkeys("abcd", 50)}
    found = quiet_areas.in_doubt(areas, dict.fromkeys(areas, 100.0), lost)
    assert found == (("here",) if is_in_doubt else ())


def test_a_small_area_is_never_in_doubt() -> None:
    assert quiet_areas.in_doubt({"a": 500, "b": 500}, {"a": 100.0, "b": 100.0, "small": 1.5}, 90) == ()
