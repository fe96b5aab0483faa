"""Prices of two, three or six months among prices of a month, in an export that does not say how often a customer is billed."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from dashboard.tables.readers.sheets import Sheet

MONTHS = (2, 3, 6)
USUAL_SHARE = 0.1
"""A price that fewer of a plan's customers pay is not the plan's."""
FEWEST, FEWEST_SHARE, FEWEST_PRICES, SHARE = 10, 0.05, 2, 0.8
"""So many rows, of all with a plan and a price, at so many different prices; and of those who pay twice their plan's price
or more. Two lines at one address cost twice the price too, but few have them."""
CENT = 0.005


def told(rows: pa.Table, sheet: Sheet) -> tuple[str, ...]:
    """A warning where many customers pay to the cent two, three or six times what others pay for the same plan, and hardly
    any another price as high. ``divide`` in a mapping says that they are right."""
    if "monthly_price" in sheet.divisors or sheet.services is not None:
        return ()
    frame = (
        rows.select(["line", "plan", "monthly_price"]).to_pandas().query("monthly_price > 0").dropna(subset=["plan"])
    )
    if len(frame) < FEWEST:
        return ()
    usual = _usual(frame)
    found = [one for months in MONTHS if (one := _said(frame, months, usual, sheet.unit))]
    return tuple(found[:1])


def _usual(frame: pd.DataFrame) -> pd.DataFrame:
    """For each row its plan's lowest price that is usual (``lowest``), and the one that most pay (``most``)."""
    by_plan = frame.groupby("plan")["monthly_price"]
    counts = frame.groupby(["plan", "monthly_price"]).size().rename("number").reset_index()
    counts = counts[counts["number"] >= (USUAL_SHARE * counts["plan"].map(by_plan.size())).clip(lower=2)]
    lowest = counts.groupby("plan")["monthly_price"].min()
    most = counts.sort_values(["number", "monthly_price"], ascending=[False, True]).drop_duplicates("plan")
    return pd.DataFrame(
        {
            "lowest": frame["plan"].map(lowest),
            "most": frame["plan"].map(most.set_index("plan")["monthly_price"]),
        }
    )


def _said(frame: pd.DataFrame, months: int, usual: pd.DataFrame, unit: str) -> str | None:
    base = _base(months, usual)
    far = frame["monthly_price"] >= 2 * base - CENT
    is_exact = far & ((frame["monthly_price"] - months * base).abs() <= months * CENT + 1e-9)
    number = int(is_exact.sum())
    if number < max(FEWEST, FEWEST_SHARE * len(frame), SHARE * far.sum()):
        return None
    if base[is_exact].nunique() < FEWEST_PRICES:
        return None
    first = frame[is_exact].sort_values("line").iloc[0]
    return (
        f"monthly_price: {number:,} rows are exactly {months} times what others pay for the same plan, and look like prices of"
        f" {months} months (the first is {first['monthly_price']:g} on {unit} {first['line']}): give the price of a month in"
        " the export, or say in a mapping under [columns.monthly_price] divide = 1 where they are right as they stand"
    )


def _base(months: int, usual: pd.DataFrame) -> pd.Series:
    """The price of a month of each row's plan. Half a price for the first months is an ordinary offer, and whole prices double
    in ordinary tariffs: twice is twice what most pay, and not a whole price."""
    if months > MONTHS[0]:
        return usual["lowest"]
    return usual["most"].where(usual["most"] % 1 != 0)
