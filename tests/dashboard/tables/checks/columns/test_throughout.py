"""What nearly all rows of a file say, and no provider's records do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]
HEADER = "customer_id,area,started_on,ended_on,monthly_price\n"


def customers(row: str, others: str = "") -> str:
    """24 rows of which ``{n}`` and ``{day}`` differ."""
    return HEADER + "".join(row.format(n=n, day=f"2024-01-{1 + n:02}") + "\n" for n in range(24)) + others


@pytest.mark.parametrize(
    ("row", "others", "said"),
    [
        ("{n},A,{day},2025-05-01,20", "", "all 24 customers of the file have ended, and nobody else is a customer"),
        ("{n},A,{day},{day},20", "x,A,2024-01-01,,20\n", "24 of 24 who went did so on the day on which they began"),
        ("{n},A,{day},,0", "", "24 of 24 pay 0"),
        ("{n},Rua {n},{day},,20", "", "24 customers live in 24 different neighbourhoods"),
        ("{n},A,{day},,20", "", None),
        ("{n},A,{day},,20", "x,A,2024-01-01,2024-01-01,0\n", None),
    ],
)
def test_what_a_file_of_customers_says_throughout(import_text: Give, row: str, others: str, said: str | None) -> None:
    report = import_text("customers", customers(row, others))
    assert report.added == 24 + bool(others)
    assert (report.warnings == ()) if said is None else (said in " ".join(report.warnings))


def test_neighbourhoods_that_are_on_record_are_right(import_text: Give) -> None:
    import_text("areas", "area,name\n" + "".join(f"Rua {n},Rua {n}\n" for n in range(24)))
    assert import_text("customers", customers("{n},Rua {n},{day},,20")).warnings == ()


@pytest.mark.parametrize(("price", "code"), [("0", 1), ("9", 0)])
def test_plans_that_cost_new_customers_nothing(import_text: Give, price: str, code: int) -> None:
    rows = "".join(f"P{n},2026-01-01,{price}\n" for n in range(4))
    assert import_text("prices", f"plan,valid_from,new_customer_price\n{rows}").exit_code == code
