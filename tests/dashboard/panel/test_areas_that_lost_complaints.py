"""Areas whose complaints join nobody while the others' do, and weeks that the records lack: not known, never almost none."""

from __future__ import annotations

import datetime
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
        on = datetime.date(2025, 1, 6) + datetime.timedelta(days=number * 112 // count)
        world.complaint(f"{on}T10:00", customer_id=f"{whose}-{number % 10}", **values)


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

    def moved_since(day: str) -> frozenset[str]:
        for row in people.rows["complaints"]:
            if row["customer_id"].startswith("hill") and f"{row['opened_at']:%Y-%m-%d}" >= day:
                row["customer_id"] = f"crm2-{row['customer_id']}"
        return frozenset(people.build().areas_without(join_coverage.COMPLAINTS_OF_AREAS))

    assert moved_since("2025-04-14") == set()  # two of the last eight weeks: three quarters are there
    assert moved_since("2025-03-10") == {"hill"}


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


def test_weeks_that_the_records_lack_count_in_no_rate(people: Any) -> None:
    """Twenty complaints a week, none before 27 January, none in two weeks of March."""
    for day in range(8 * 7 + 5 * 7):
        on = datetime.date(2025, 1, 27) + datetime.timedelta(days=day)
        if not datetime.date(2025, 3, 3) <= on < datetime.date(2025, 3, 17):
            for number in range(3):
                people.complaint(f"{on}T10:00", customer_id=f"{AREAS[(day + number) % 5]}-{day % 10}")
    panel = people.build()
    assert panel.weeks_without(join_coverage.WEEKS_OF_COMPLAINTS) == {
        "2025-01-06", "2025-01-13", "2025-01-20", "2025-03-03", "2025-03-10",
    }  # fmt: skip
    (join,) = (join for join in panel.joins if join.name == join_coverage.WEEKS_OF_COMPLAINTS)
    assert "from 2025-01-06 to 2025-01-26 and from 2025-03-03 to 2025-03-16" in join.text
    told = withholding.withheld(panel)
    weeks = told.area_weeks[told.area_weeks["is_complete"]].groupby("week")["complaints_slow"]
    assert weeks.apply(lambda counts: counts.isna().all()).sum() == 5
    assert (weeks.sum(min_count=1).dropna() == 21).all()
    rates = area_rates.area_rates(told.customer_periods, told.area_weeks, told.customers_now)
    rates = rates[rates["outcome"] == "complaints_all"]
    assert rates["events"].sum() / rates["customer_days"].sum() == pytest.approx(21 / 7 / 50)
    assert told.customers_now["complaints_before"].isna().all()
    assert panel.customers_now["complaints_before"].notna().all()


def test_weeks_that_one_area_lacks_are_not_known_there_alone(people: Any) -> None:
    """Ten complaints a week in each area; the hill has none in four weeks of March."""
    for week in range(16):
        monday = datetime.date(2025, 1, 6) + datetime.timedelta(days=7 * week)
        for area in AREAS:
            if area == "hill" and 8 <= week < 12:
                continue
            for number in range(10):
                day = monday + datetime.timedelta(days=number % 5)
                people.complaint(f"{day}T10:00", customer_id=f"{area}-{number}")
    panel = people.build()
    (join,) = (join for join in panel.joins if join.name == join_coverage.WEEKS_OF_AREAS)
    assert join.areas == ("hill",)
    assert join.weeks == ("2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24")
    assert "from 2025-03-03 to 2025-03-30, where about 10 a week are usual there" in join.text
    assert not panel.weeks_without(join_coverage.WEEKS_OF_COMPLAINTS)
    told = withholding.withheld(panel)
    weeks = told.area_weeks[told.area_weeks["is_complete"]].set_index("area")
    assert weeks.loc["hill", "complaints_slow"].isna().sum() == 4
    assert weeks.drop("hill")["complaints_slow"].notna().all()
    rates = area_rates.area_rates(told.customer_periods, told.area_weeks, told.customers_now).set_index("area")
    every = rates[rates["outcome"] == "complaints_all"]["rate_90d"]
    assert every["hill"] == pytest.approx(every["north"])
    now = told.customers_now.set_index("area")["complaints_before"]
    assert now["hill"].isna().all()
    assert now.drop("hill").notna().all()


def test_answers_that_name_nobody_are_an_areas_own(people: Any) -> None:
    for area in AREAS:
        whose = "crm2-hill" if area == "hill" else area
        for number in range(40):
            day = datetime.date(2025, 1, 6) + datetime.timedelta(days=number * 112 // 40)
            row = {"response_id": f"{area}-{number}", "customer_id": f"{whose}-{number % 10}", "answered_on": str(day)}
            people.rows["nps"].append(row | {"score": 9})
    panel = people.build()
    assert panel.areas_without(join_coverage.ANSWERS_OF_AREAS) == {"hill"}
    told = withholding.withheld(panel)
    assert "hill" not in set(told.survey_answers["area"])
    answers = told.area_weeks.set_index("area")["nps_answers"]
    assert answers["hill"].isna().all()
    assert answers.drop("hill").sum() == 160


def test_weeks_without_answers_are_not_known(people: Any) -> None:
    for number in range(112):
        day = datetime.date(2025, 1, 6) + datetime.timedelta(days=number)
        if not 42 <= number < 77:
            row = {
                "response_id": str(number),
                "customer_id": f"north-{number % 10}",
                "answered_on": str(day),
                "score": 9,
            }
            people.rows["nps"] += [row, row | {"response_id": f"again {number}", "customer_id": f"south-{number % 10}"}]
    panel = people.build()
    assert len(panel.weeks_without(join_coverage.WEEKS_OF_ANSWERS)) == 5
    weeks = withholding.withheld(panel).area_weeks
    weeks = weeks[weeks["is_complete"]].groupby("week")["nps_answers"].apply(lambda counts: counts.isna().all())
    assert weeks.sum() == 5
