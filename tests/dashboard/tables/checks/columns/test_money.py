"""A column of amounts has one currency, and what is paid by the year is no monthly price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.tables.imports.records import import_records, read

from ..conftest import AS_OF


def customers(prices: list[str], more: str = "", header: str = "") -> str:
    rows = "".join(f'{number},A,2024-01-31,"{price}"{more}\n' for number, price in enumerate(prices))
    return f"customer_id,area,started_on,monthly_price{header}\n{rows}"


@pytest.mark.parametrize(
    ("prices", "added", "reason"),
    [
        (["€29.90", "$29.90"], 1, "is in $, and the column in EUR"),
        (["29,90 EUR"] * 9 + ["R$ 29,90"], 9, "is in BRL, and the column in EUR"),
        (["29.90 руб."] * 2 + ["1.50 USD"] * 20, 20, "is in RUB, and the column in USD"),
        (["€29.90", "29.90", "US$ 30"], 1, "says no currency in a column that has several"),
        (["$300"] * 9 + ["US$29.90"], 9, "is in USD, and the column in $"),
    ],
)
def test_other_currencies_are_refused_by_line(import_text, prices, added, reason):
    report = import_text("customers", customers(prices))
    assert (report.exit_code, report.added) == (1, added)
    assert reason in str(report)


def test_one_slip_costs_its_own_row(import_text):
    report = import_text("customers", customers(["29.90"] * 30 + ["29.90 EUR", "$29.90"]))
    assert (report.exit_code, report.added) == (1, 31)


def test_currencies_of_which_none_is_most_or_the_providers_own_refuse_the_file(import_text):
    report = import_text("customers", customers(["$29.90"] * 6 + ["R$29.90"] * 4))
    assert report.exit_code == 2
    assert "monthly_price has amounts of several currencies ($ in 6 rows, BRL in 4 rows)" in str(report)


def test_the_providers_own_currency_is_kept(provider, import_text):
    path = provider.data.parent / "customers.csv"
    path.write_text(customers(["$29.90"] * 6 + ["R$29.90"] * 4))
    assert import_records("customers", path, replace(provider, currency="BRL"), as_of=AS_OF).added == 4


@pytest.mark.parametrize(
    ("prices", "currency"),
    [
        (["29,90 zł", "1 029,90 zł"], "PLN"),
        (["$29.90 USD", "$1,029.90 USD"], "USD"),
        (["29,90 Kč", "30,5 CZK"], "CZK"),
        (["₺29,90", "29,90 TL"], "TRY"),
        (["29.90 грн.", "₴30.50"], "UAH"),
    ],
)
def test_one_currency_in_any_writing_is_read_and_told_where_it_is_not_the_providers(
    provider, import_text, prices, currency
):
    report = import_text("customers", customers(prices))
    assert (report.exit_code, report.added) == (1, 2)
    assert f"monthly_price is in {currency}, and the pages show amounts in EUR" in str(report)
    assert 29.9 in read("customers", provider.data).column("monthly_price").to_pylist()


def test_a_column_says_the_currency(import_text):
    rows = "".join(f"{n},A,2024-01-31,30,{'EUR' if n % 2 else 'USD'}\n" for n in range(10))
    report = import_text("customers", f"customer_id,area,started_on,monthly_price,currency\n{rows}")
    assert (report.exit_code, report.added) == (1, 5)


@pytest.mark.parametrize("cycle", ["Annually", "Quarterly", "Anual", "Jaarlijks", "год", "12", "One Time"])
def test_what_is_not_paid_by_the_month_has_no_monthly_price(provider, import_text, cycle):
    report = import_text(
        "customers", customers(["29.90"], f",{cycle}", ",billing_cycle") + "7,A,2024-01-31,20,Monthly\n"
    )
    assert report.exit_code == 1
    assert f"1 row is not billed by the month (billing_cycle: '{cycle}')" in str(report)
    assert set(read("customers", provider.data).column("monthly_price").to_pylist()) == {None, 20.0}


def test_an_amount_far_from_the_others_is_told(import_text):
    report = import_text("customers", customers(["29.90"] * 20 + ["2990000"]))
    assert (report.exit_code, report.added) == (1, 21)
    assert "monthly_price: 1 are more than 100 times the middle one of 29.9, the first on line 22" in str(report)


def test_prices_in_another_unit_than_those_on_record_are_told(import_text):
    assert import_text("customers", customers(["29.90", "39.90"] * 10)).exit_code == 0
    report = import_text("customers", customers(["2990", "3990"] * 10))
    assert report.exit_code == 1
    assert "the middle one is 3490, and 34.9 of those on record: is it another unit (cents)" in str(report)


MAPPED = 'kind = "customers"\n' + "".join(
    f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on", "monthly_price")
)


@pytest.mark.parametrize(
    ("currency", "prices", "said"),
    [
        ("EUR", ["2990", "3990"], "the middle one is 3,490 EUR, which is much for a month: are these cents"),
        ("EUR", ["358.80", "478.80"], "or prices of a year?"),
        ("BRL", ["9990", "12990"], "which is much for a month"),
        ("IDR", ["300", "450"], "which is little for a month: are these thousands"),
        ("EUR", ["0.0299", "0.0399"], "which is little for a month"),
        ("RUB", ["890", "1490"], None),
        ("COP", ["89900", "129900"], None),
        ("IDR", ["300000", "450000"], None),
        ("JPY", ["4980", "5980"], None),
        ("EUR", ["149", "189"], None),
        ("XXX", ["2990", "3990"], None),  # ISO 4217: no currency, so nothing is known of its prices
        ("EUR", ["890 ₽", "1490 ₽"], None),
        ("EUR", ["Rp 300000", "Rp 450000"], None),
        ("EUR", ["$2990", "$3990"], None),
    ],
)
def test_the_first_prices_are_asked_whether_they_are_those_of_a_month(provider, prices, currency, said):
    path = provider.data.parent / "first.csv"
    path.write_text(customers(prices * 10))
    report = import_records("customers", path, replace(provider, currency=currency), as_of=AS_OF)
    assert report.added == 20
    assert any("for a month" in warning for warning in report.warnings) is (said is not None)
    if said is not None:
        assert f"monthly_price: the middle one is {(float(prices[0]) + float(prices[1])) / 2:,g} {currency}" in str(
            report
        )
        assert said in str(report)
        assert "divide = 1 where they are right as they stand" in str(report)


@pytest.mark.parametrize(("divisor", "price"), [("100", 29.9), ("1", 2990.0)])
def test_a_mapping_says_what_amounts_are_in(provider, import_text, divisor, price):
    mapping = f"{MAPPED}divide = {divisor}\n"
    assert import_text("customers", customers(["2990"] * 20), mapping).exit_code == 0
    assert set(read("customers", provider.data).column("monthly_price").to_pylist()) == {price}


@pytest.mark.parametrize(("divisor", "said"), [("0", "divide must be above 0, not 0"), ("-1", "not -1")])
def test_what_nothing_can_be_divided_by_is_refused(import_text, divisor, said):
    assert said in str(import_text("customers", customers(["2990"]), f"{MAPPED}divide = {divisor}\n"))
    of_days = MAPPED.replace('source = "started_on"', 'source = "started_on"\ndivide = 100')
    assert "divide is for monthly_price, termination_fee" in str(import_text("customers", customers(["1"]), of_days))


@pytest.mark.parametrize(
    ("prices", "rejected"),
    [
        (["29,90"] * 5 + ["1,029"], 1),
        (["29.90"] * 5 + ["1.029"], 1),
        (["29.90", "24.385", "24.3852"], 0),
        (["0.125", "29.9", "1.029"], 0),
        (["29.900", "30.125", "31.5"], 0),
    ],
)
def test_three_decimals_among_two_may_be_thousands(import_text, prices, rejected):
    assert import_text("customers", customers(prices)).rejected == rejected


@pytest.mark.parametrize(
    ("currency", "price", "read_as"),
    [
        ("IDR", "Rp 275.000", 275000),
        ("COP", "$ 79.900", 79900),
        ("CLP", "$19.990", 19990),
        ("HUF", "5.990 Ft", 5990),
        ("CHF", "CHF 59.-", 59),
        ("CZK", "599,- Kč", 599),
        ("EUR", "€ 29,--", 29),
        ("EUR", "29.900", None),
        ("MXN", "$ 79.900", None),
    ],
)
def test_amounts_as_a_country_writes_them(provider, currency, price, read_as):
    """Without cents where a unit is worth little, and with a dash for none."""
    path = provider.data.parent / "customers.csv"
    path.write_text(customers([price] * 10))
    report = import_records("customers", path, replace(provider, currency=currency), as_of=AS_OF)
    assert report.exit_code == (0 if read_as else 2)
    assert set(read("customers", provider.data).column("monthly_price").to_pylist()) == (
        {read_as} if read_as else set()
    )
