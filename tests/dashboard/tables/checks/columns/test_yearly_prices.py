"""Prices of a year among prices of a month, where no column says how often somebody is billed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]


def customers(prices: Sequence[object], plans: Sequence[str] = ()) -> str:
    plans = plans or [""] * len(prices)
    rows = (
        f"{n},A,2024-01-{1 + n % 28:02},{p},{plan}\n" for n, (p, plan) in enumerate(zip(prices, plans, strict=True))
    )
    return "customer_id,area,started_on,monthly_price,plan\n" + "".join(rows)


USUAL = [29.9, 39.9] * 20
OF_PLANS = ["Fibra", "Fibra Plus"] * 20


@pytest.mark.parametrize(
    ("prices", "plans"),
    [
        ([*USUAL, *[358.8] * 4], ()),
        ([*USUAL, 299, 399, 299], ()),
        ([29.9] * 20 + [358.8] * 25, ()),
        ([*USUAL, *[358.8] * 4], [*OF_PLANS, *["Fibra"] * 4]),
        ([*USUAL, *[333] * 4], [*OF_PLANS, *["Fibra anual"] * 4]),
    ],
)
def test_prices_of_a_year_are_asked_about(import_text: Give, prices: list[float], plans: list[str]) -> None:
    report = import_text("customers", customers(prices, plans))
    assert (report.exit_code, report.added) == (1, len(prices))
    assert "look like prices of a year, ten to twelve times what others pay" in str(report.warnings)


@pytest.mark.parametrize(
    ("prices", "plans"),
    [
        (USUAL, ()),
        ([*USUAL, 450, 320, 610], ()),
        ([30, 40] * 20 + [300] * 4, ()),
        ([*USUAL, *[358.8] * 4], [*OF_PLANS, *["Empresa 1G"] * 4]),
        ([*USUAL, 358.8, 358.8], ()),
    ],
)
def test_companies_pay_more_by_the_month(import_text: Give, prices: list[float], plans: list[str]) -> None:
    assert import_text("customers", customers(prices, plans)).warnings == ()


def test_a_mapping_confirms_them(import_text: Give) -> None:
    names = ("customer_id", "area", "started_on", "monthly_price")
    mapping = (
        'kind = "customers"\n' + "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in names) + "divide = 1\n"
    )
    assert import_text("customers", customers([*USUAL, *[358.8] * 4]), mapping).exit_code == 0
