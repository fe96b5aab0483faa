"""How far measured quality may lie from the quality that there was, where it is a count of echoes.

se(a)^2 = sum over the devices d of area a of (n_d / n_a)^2 (k_d + 1/2) / m_d^2, with m echoes sent, k of them lost and n
customers: the Poisson error of a share, with half a loss more so that none lost is not taken for certain (Jeffreys). Lost
echoes that come in bursts tell less than that. Round trips, utilisation and time without service are not counts
and have none here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.complaints.measure_lags import Term

Floats = npt.NDArray[np.float64]


def errors(
    customers_now: pd.DataFrame, area_of_customer: npt.NDArray[np.int64], areas: int, terms: tuple[Term, ...]
) -> Floats:
    """(areas, terms) standard errors, in steps of each term, of the mean that an area's customers have of it."""
    found = np.zeros((areas, len(terms)))
    for position, term in enumerate(terms):
        if term.trailing_whole:
            found[:, position] = _of_counts(customers_now, term, area_of_customer, areas) / abs(term.per)
    return found


def _of_counts(customers_now: pd.DataFrame, term: Term, area_of_customer: npt.NDArray[np.int64], areas: int) -> Floats:
    frame = pd.DataFrame(
        {
            "area": area_of_customer,
            "device": customers_now["device_id"].to_numpy(),
            "sent": customers_now[term.trailing_whole].to_numpy(dtype=float, na_value=np.nan),
            "ratio": customers_now[term.trailing].to_numpy(dtype=float, na_value=np.nan),
        }
    ).dropna()
    # Neighbours on one device have the same error; of those who came later the echoes are fewer.
    devices = frame.groupby(["area", "device"], sort=True).agg(
        customers=("sent", "size"), sent=("sent", "max"), ratio=("ratio", "mean")
    )
    area = devices.index.get_level_values("area").to_numpy()
    share = devices["customers"].to_numpy() / np.bincount(area, devices["customers"], areas)[area]
    variance = (devices["ratio"] * devices["sent"] + 0.5) / np.maximum(devices["sent"], 1.0) ** 2
    return np.sqrt(np.bincount(area, share**2 * variance.to_numpy(), areas))
