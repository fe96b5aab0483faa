"""Which neighbourhoods one device serves: what was measured is then the same in all, and they count as one in errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.statistics import hazard

Codes = npt.NDArray[np.int64]

MOST = 0.5
"""The share of an area's customers' time from which a device's quality is the area's."""


def one_of(customer_weeks: pd.DataFrame) -> dict[str, str]:
    """By area the first of those that the same device serves, each for more than half of its customers' time; only where
    there are several."""
    if "device_id" not in customer_weeks:
        return {}
    time = (customer_weeks["days_at_risk"] * customer_weeks["weight"]).astype(float)
    area = customer_weeks["area"].astype(str)
    served = time.groupby([area, customer_weeks["device_id"].astype(object)], sort=True).sum()
    share = served / time.groupby(area).sum().reindex(served.index.get_level_values(0)).to_numpy()
    mostly = share[share > MOST].reset_index()
    if mostly.empty:
        return {}
    first = mostly.groupby("device_id")["area"].transform("first")
    shared = mostly["device_id"].duplicated(keep=False)
    return dict(zip(mostly.loc[shared, "area"], first[shared], strict=True))


def codes(areas: Sequence[str], first_of: dict[str, str]) -> Codes:
    """(areas,) the cluster of each."""
    return np.asarray(np.unique([first_of.get(area, area) for area in areas], return_inverse=True)[1], dtype=np.int64)


def together(rows: hazard.Rows, fitted: hazard.Fit, group: Codes) -> tuple[hazard.Rows, hazard.Fit]:
    """Rows and fit with the clusters of each ``group`` (clusters,) as one."""
    count = int(group.max()) + 1 if group.size else 0
    if count == group.size:
        return rows, fitted
    scores = np.zeros((count, *fitted.scores.shape[1:]))
    information = np.zeros((count, *fitted.cluster_information.shape[1:]))
    np.add.at(scores, group, fitted.scores)
    if len(fitted.cluster_information) == group.size:
        np.add.at(information, group, fitted.cluster_information)
    return replace(rows, cluster=group[rows.cluster]), replace(fitted, scores=scores, cluster_information=information)
