"""What is not measured, or measured because somebody is about to go."""

import numpy as np
import pandas as pd
import pytest

from dashboard.models.leaving.covariates import TRAILING, quality_of

pytestmark = pytest.mark.slow


def test_silence_of_the_poller_in_an_outage_is_not_counted_as_service(calm):
    """One area is down for two weeks, and for most of them the poller did not reach it either."""
    area = sorted(calm.records["areas"]["area"])[2]
    first = 30 * 7
    struck = calm.hours_of([area], first, first + 14)
    calm.hours.loc[struck, "down_seconds"] = 3600.0
    calm.hours.loc[struck, "silent_seconds"] = 0.0
    unseen = struck & (np.arange(len(calm.hours)) % 10 < 7)
    measured = [c for c in calm.hours if c not in ("hour", "device_id", "observed_seconds", "planned_seconds")]
    calm.hours.loc[unseen, "observed_seconds"] = 0.0
    calm.hours[measured] = calm.hours[measured].astype("Float64")
    calm.hours.loc[unseen, measured] = pd.NA
    nodes = calm.hours.loc[struck, "device_id"].nunique()
    seen_down = calm.hours.loc[struck & ~unseen, "down_seconds"].sum() / 3600 / nodes
    weeks = calm.panel().area_weeks.set_index(["area", "week"]).loc[area].loc[calm.day(first) : calm.day(first + 7)]
    assert len(weeks) == 2
    assert seen_down / 2 < 60, "naively, hours down as seen: a third of the truth"
    assert (weeks["observed_ratio"] < 0.35).all()
    # By the time that was observed it was down throughout; unobserved hours are neither.
    assert (weeks["down_hours_per_customer"] > 160).all() or weeks["down_hours_per_customer"].isna().all()


def test_who_unplugs_before_leaving_had_no_outage(make_provider):
    provider = make_provider(cpe_hours=True, unplugging_share=1.0, leaving_rate=0.02)
    weeks = provider.panel().customer_weeks
    hours = provider.hours
    silent = hours[hours["silent_seconds"] > 0].groupby("device_id")["silent_seconds"].sum() / 3600
    unplugged = set(silent[silent > 5 * 24].index)
    customers = provider.records["customers"]
    theirs = set(customers.loc[customers["device_id"].isin(unplugged), "customer_id"])
    leavers = weeks[weeks["customer_id"].isin(theirs) & weeks["left_voluntarily"]]
    assert len(leavers) > 10
    stayers = weeks[~weeks["left_voluntarily"]].groupby(["area", "week"])[TRAILING["down_hours"]].mean()
    ours = leavers[TRAILING["down_hours"]].mean()
    neighbours = stayers.reindex(pd.MultiIndex.from_frame(leavers[["area", "week"]])).mean()
    naive = silent[list(unplugged)].mean() / 8
    assert naive > 15, "naively, hours a week without an answer from the leavers' own devices"
    assert ours < 2 * neighbours + 0.5
    quality = quality_of(weeks)
    assert np.isfinite(quality.provider).all()
