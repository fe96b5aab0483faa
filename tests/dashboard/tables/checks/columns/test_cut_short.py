"""Exports of a round number of rows, or of the last so many days, are asked about; whole ones are not."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable

import pyarrow as pa
import pytest

from dashboard.tables.checks.columns import cut_short
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.schema import COMPLAINTS, CUSTOMERS, NPS, PRICES

TODAY, AS_OF = datetime.date(2026, 3, 10), datetime.date(2026, 3, 1)


def answers(first: datetime.date, last: datetime.date, *, every: float = 1.0) -> pa.Table:
    """Answers on so many of the days from ``first`` to ``last``, both included."""
    rng, span = random.Random(3), (last - first).days
    days = [first + datetime.timedelta(days=day) for day in range(span + 1) if day in (0, span) or rng.random() < every]
    return pa.table({"answered_on": pa.array(days, pa.date32())})


def ago(days: int) -> datetime.date:
    return TODAY - datetime.timedelta(days=days)


@pytest.mark.parametrize("rows", [500, 1_000, 5_000, 10_000, 65_535, 65_536, 100_000, 1_048_575, 1_048_576])
@pytest.mark.parametrize("spec", [CUSTOMERS, COMPLAINTS, NPS])
def test_a_number_at_which_exports_are_cut(rows: int, spec: object) -> None:
    nothing = pa.table({"answered_on": pa.array([], pa.date32()), "opened_at": pa.array([], pa.timestamp("us", "UTC"))})
    (said,) = cut_short.told(spec, rows, nothing, TODAY)
    assert f"exactly {rows:,} rows" in said
    assert cut_short.told(spec, rows + 7, nothing, TODAY) == ()
    assert cut_short.told(PRICES, rows, nothing, TODAY) == ()


@pytest.mark.parametrize("days", [7, 30, 90, 365])
@pytest.mark.parametrize("exported", [0, 1])
def test_the_last_days_alone(days: int, exported: int) -> None:
    (said,) = cut_short.told(NPS, 123, answers(ago(days), ago(exported)), TODAY)
    assert said.startswith(f"nothing is older than {days} days ({ago(days)})")


@pytest.mark.parametrize(
    "rows",
    [
        answers(ago(400), ago(1)),
        answers(ago(97), ago(1)),
        answers(ago(365), ago(100)),
        answers(ago(90), ago(1), every=0.1),
    ],
)
def test_whole_records_are_not_asked_about(rows: pa.Table) -> None:
    assert cut_short.told(NPS, 123, rows, TODAY) == ()


def test_records_from_the_first_of_a_month_on_are_not_though_that_is_90_days_ago() -> None:
    first, today = datetime.date(2025, 12, 1), datetime.date(2026, 3, 1)
    assert cut_short.told(NPS, 123, answers(first, today), today) == ()


def test_the_import_says_so(import_text: Callable[..., ImportReport]) -> None:
    rows = "".join(f"T{n},A,{AS_OF - datetime.timedelta(days=1 + n % 30)},slow\n" for n in range(1_000))
    report = import_text("complaints", f"complaint_id,area,opened_at,category\n{rows}")
    assert report.exit_code == 1
    assert any("exactly 1,000 rows" in text for text in report.warnings)
    assert any("nothing is older than 30 days (2026-01-30)" in text for text in report.warnings)


def days(first: datetime.date, last: datetime.date, rows: int) -> list[datetime.date]:
    span = (last - first).days
    return [first + datetime.timedelta(days=span * n // (rows - 1)) for n in range(rows)]


SINCE = datetime.date(2024, 2, 1)


@pytest.mark.parametrize(
    ("began", "said"),
    [
        (days(SINCE, ago(500), 750), "nothing in it is later than"),
        (days(SINCE, ago(1), 750), None),
        (days(SINCE, ago(500), 751), None),
        (days(datetime.date(2019, 1, 1), ago(25), 250), None),  # one comes in ten days
    ],
)
def test_whole_pages_of_customers_of_whom_the_newest_lack(began: list[datetime.date], said: str | None) -> None:
    rows = pa.table({"started_on": pa.array(began, pa.date32())})
    told = cut_short.told(CUSTOMERS, len(began), rows, TODAY, SINCE)
    assert [said in one for one in told] == ([] if said is None else [True])


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (days(ago(300), ago(1), 250), "it begins in the midst of a month (2025-05-14)"),
        (days(ago(300), ago(1), 250)[::-1], "it begins in the midst of a month"),
        (sorted(days(ago(300), ago(1), 250), key=lambda day: day.day), None),  # in no order of days
        (days(datetime.date(2025, 5, 1), ago(1), 250), None),
        (days(datetime.date(2024, 3, 12), ago(1), 250), None),  # soon after the first customer
        (days(ago(300), ago(1), 249), None),
    ],
)
def test_whole_pages_of_answers_that_begin_in_the_midst(answered: list[datetime.date], said: str | None) -> None:
    rows = pa.table({"answered_on": pa.array(answered, pa.date32())})
    told = cut_short.told(NPS, len(answered), rows, TODAY, SINCE)
    assert [said in one for one in told] == ([] if said is None else [True])
    assert len(cut_short.told(NPS, len(answered), rows, TODAY)) == 0
