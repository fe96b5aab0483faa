"""Prices of two, three and six months among prices of a month, for the same plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]
PLANS = {"Fibra 100": 29.9, "Fibra 500": 39.9, "Fibra 1000": 49.9}


def customers(*prices: tuple[str, float, int]) -> str:
    """As many customers of each plan at a price as are asked for."""
    every = [(plan, price) for plan, price, number in prices for _ in range(number)]
    rows = (f"{n},A,2024-01-{1 + n % 28:02},{plan},{price:g}\n" for n, (plan, price) in enumerate(every))
    return "customer_id,area,started_on,plan,monthly_price\n" + "".join(rows)


def at(months: float, monthly: int, others: int) -> list[tuple[str, float, int]]:
    return [one for plan, price in PLANS.items() for one in ((plan, price, monthly), (plan, price * months, others))]


@pytest.mark.parametrize(("monthly", "others"), [(30, 10), (20, 15), (40, 4)])
@pytest.mark.parametrize("months", [2, 3, 6])
def test_prices_of_some_months_are_asked_about(import_text: Give, months: int, monthly: int, others: int) -> None:
    report = import_text("customers", customers(*at(months, monthly, others)))
    assert (report.exit_code, report.added) == (1, 3 * (monthly + others))
    (said,) = report.warnings
    assert f"{3 * others} rows are exactly {months} times what others pay for the same plan" in said


def test_so_are_those_that_most_pay(import_text: Give) -> None:
    assert "exactly 3 times" in str(import_text("customers", customers(*at(3, 10, 30))).warnings)


@pytest.mark.parametrize(
    "prices",
    [
        [("Home", 30, 30), ("Home", 60, 20), ("Cable", 20, 30), ("Cable", 40, 20)],
        at(0.5, 40, 12),
        at(2, 60, 2),
        at(2.5, 30, 10),
        [("Fibra", 29.9, 30), ("Fibra", 89.9, 10), ("Cabo", 19.9, 30), ("Cabo", 59.9, 10)],
        [("Fibra", 29.9, 30), ("Fibra", 89.7, 10), ("Cabo", 19.9, 30)],
        [("Fibra", 29.9, 30), ("Empresa", 89.7, 10), ("Cabo", 39.9, 30), ("Empresa 2", 119.7, 10)],
    ],
    ids=["whole prices double", "half price", "two lines", "2.5 times", "not to the cent", "one plan", "other plans"],
)
def test_ordinary_tariffs_are_not(import_text: Give, prices: list[tuple[str, float, int]]) -> None:
    assert import_text("customers", customers(*prices)).warnings == ()


def test_a_mapping_confirms_them(import_text: Give) -> None:
    names = ("customer_id", "area", "started_on", "plan", "monthly_price")
    mapping = 'kind = "customers"\n' + "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in names)
    assert import_text("customers", customers(*at(3, 30, 10)), mapping + "divide = 1\n").warnings == ()
