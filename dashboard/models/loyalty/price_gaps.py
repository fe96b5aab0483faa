"""What loyal customers pay beyond new ones for the same plan, and what that has to do with leaving.

    gap_i = own price - a new customer's price for i's plan;   rate ratio = exp(b) for one unit of currency more,

with b the coefficient of the gap in the hazard of leaving (`churn.py`, the model without complaints and scores, through
which a gap may act) and its interval from leaving out one neighbourhood at a time. It assumes what that model does; who
has a gap is not random (long-standing customers have it), so it is called an association, never an effect.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.models.leaving.fitted_hazard import Coefficient

EVERY_PLAN = ""
LOYAL_DAYS = 365
LARGEST_P = 0.05


def price_gaps(customers_now: pd.DataFrame, coefficient: Coefficient | None) -> pd.DataFrame:
    """Rows of the result table by plan and, with the rate ratio, over all; none where no new price is known."""
    known = customers_now[customers_now["price_gap"].notna() & customers_now["plan"].notna()]
    if known.empty:
        return pd.DataFrame(columns=_COLUMNS).astype({"is_found": bool, "customers": "int64"})
    frame = pd.DataFrame(
        {
            "plan": known["plan"].to_numpy(),
            "own": known["monthly_price"].to_numpy(dtype=float),
            "gap": known["price_gap"].to_numpy(dtype=float),
            "is_loyal": known["tenure_days"].to_numpy(dtype=float) >= LOYAL_DAYS,
        }
    )
    unsaid = {"is_found": False, "note": None}
    rows = [_row(EVERY_PLAN, frame) | unsaid | _said(coefficient)]
    rows += [_row(str(plan), own) | unsaid for plan, own in frame.groupby("plan")]
    return pd.DataFrame(rows).reindex(columns=_COLUMNS).astype({"is_found": bool, "note": object})


_COLUMNS = [
    "plan",
    "customers",
    "loyal_customers",
    "loyal_price_mean",
    "new_price_mean",
    "gap_mean",
    "paying_more_ratio",
    "rate_ratio",
    "rate_ratio_low",
    "rate_ratio_high",
    "p_value",
    "is_found",
    "note",
]


def _row(plan: str, frame: pd.DataFrame) -> dict[str, object]:
    loyal = frame[frame["is_loyal"]]
    return {
        "plan": plan,
        "customers": len(frame),
        "loyal_customers": len(loyal),
        "loyal_price_mean": loyal["own"].mean(),
        "new_price_mean": (loyal["own"] - loyal["gap"]).mean(),
        "gap_mean": loyal["gap"].mean(),
        "paying_more_ratio": (loyal["gap"] > 0.005).mean() if len(loyal) else np.nan,
    }


def _said(coefficient: Coefficient | None) -> dict[str, object]:
    if coefficient is None:
        return {"note": "no ratio: the hazard of leaving could not be fitted, or the gap does not vary in it"}
    if np.isnan(coefficient.p_value):
        return {"rate_ratio": np.exp(coefficient.estimate), "note": "no interval: too few neighbourhoods for one"}
    is_found = bool(coefficient.p_value < LARGEST_P)
    note = "an association, not proof of a cause: who pays more is not random"
    return {
        "rate_ratio": np.exp(coefficient.estimate),
        "rate_ratio_low": np.exp(coefficient.low),
        "rate_ratio_high": np.exp(coefficient.high),
        "p_value": coefficient.p_value,
        "is_found": is_found,
        "note": note if is_found else "no link between the price gap and leaving was found",
    }
