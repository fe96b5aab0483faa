"""Prices of a year among prices of a month, in an export that does not say how often a customer is billed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pyarrow as pa

from dashboard.tables.readers.sheets import Sheet

_WORDS = tomllib.loads((Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8"))["money"]["other_cycles"]
USUAL, FAR = 0.25, 8
"""A price of a year is at least so many times a low one, which is still one of a month where half of all are of a year."""
MOST_KINDS = 200
MONTHS = (12, 11, 10)
"""So many monthly prices are paid for a year: all, or one or two less. Round tariffs of companies are ten times others too,
so 10 and 11 say it only of two different prices or more."""
NEARLY = 0.005
FEWEST, SHARE, FEWEST_OF_A_PRICE = 3, 0.8, 2


def told(rows: pa.Table, sheet: Sheet) -> tuple[str, ...]:
    """A warning where most of the far higher prices are ten to twelve times another one: of the same plan, where there are
    plans, or of a plan that is called yearly. ``divide`` in a mapping says that they are right."""
    if "monthly_price" in sheet.divisors:
        return ()
    frame = rows.select(["line", "plan", "monthly_price"]).to_pandas().query("monthly_price > 0")
    far = frame[frame["monthly_price"] > FAR * frame["monthly_price"].quantile(USUAL)]
    if len(far) < FEWEST:
        return ()
    kinds = far.groupby(["monthly_price", "plan"], dropna=False)["line"].agg(["size", "min"]).reset_index()
    kinds = kinds.sort_values("size", ascending=False).head(MOST_KINDS)
    kinds["months"] = [
        _months(frame, price, plan) for price, plan in zip(kinds["monthly_price"], kinds["plan"], strict=True)
    ]
    yearly = kinds[kinds["months"] > 0]
    if yearly["size"].sum() < max(FEWEST, SHARE * len(far)) or not _is_sure(yearly):
        return ()
    first = yearly.loc[yearly["min"].idxmin()]
    return (
        f"monthly_price: {yearly['size'].sum():,} rows look like prices of a year, ten to twelve times what others pay (the first"
        f" is {first['monthly_price']:g} on {sheet.unit} {first['min']}): give the price of a month in the export, or say in a"
        " mapping under [columns.monthly_price] divide = 1 where they are right as they stand",
    )


def _months(frame: pd.DataFrame, price: float, plan: object) -> int:
    """How many monthly prices of others, of the same plan where there is one, the price is; 0 where it is none."""
    is_named = isinstance(plan, str)
    if is_named and any(word in str(plan).lower() for word in _WORDS):
        return MONTHS[0]
    others = frame[frame["plan"] == plan] if is_named else frame
    for months in MONTHS:
        if (abs(others["monthly_price"] * months / price - 1) <= NEARLY).sum() >= FEWEST_OF_A_PRICE:
            return months
    return 0


def _is_sure(yearly: pd.DataFrame) -> bool:
    return bool((yearly["months"] == MONTHS[0]).any()) or yearly["monthly_price"].nunique() > 1
