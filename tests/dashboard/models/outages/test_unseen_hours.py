"""Hours that nobody observed: told from chance where outages hide among them, and left alone where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.models.outages import unseen_hours
from dashboard.models.outages.unseen_hours import Association, Unseen

AREAS, DAYS, HOURS = 24, 28 * 10, 72.0


def _days(seed: int, *, hidden: float = 0.0, at_random: float = 0.02, areas: int = AREAS) -> pd.DataFrame:
    """area_days of three devices an area: outages of a few hours of which the share ``hidden`` was not observed."""
    random = np.random.default_rng(seed)
    shape = (areas, DAYS)
    down = np.where(random.random(shape) < 0.05, random.integers(2, 12, shape), 0)
    unseen = random.binomial(down, hidden)
    seen = down - unseen
    unseen = unseen + random.binomial((HOURS - down).astype(int), at_random)
    index = pd.MultiIndex.from_product(
        [[f"area-{place:02}" for place in range(areas)], pd.date_range("2025-01-06", periods=DAYS)],
        names=["area", "day"],
    )
    return index.to_frame(index=False).assign(
        device_hours=HOURS,
        unseen_hours=unseen.ravel().astype(float),
        judged_hours=HOURS - unseen.ravel(),
        down_hours=seen.ravel().astype(float),
    )


def _weeks(seed: int, *, follows: float = 0.0) -> pd.DataFrame:
    """area_weeks in which complaints rise with the unseen share by ``follows`` a whole week."""
    random = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [range(AREAS), pd.date_range("2025-01-06", periods=DAYS // 7, freq="7D")], names=["area", "week"]
    )
    unseen = random.beta(1, 20, len(index))
    return index.to_frame(index=False).assign(
        is_complete=True,
        customer_days=7000.0,
        observed_ratio=1 - unseen,
        complaints_connection=random.poisson(6 * np.exp(follows * unseen)),
        complaints_slow=random.poisson(2, len(index)),
        leavers_voluntary=random.poisson(4, len(index)),
    )


def test_hidden_outages_are_found_with_how_much_was_hidden_for_each_hour_seen():
    found = unseen_hours.unseen(_days(1, hidden=0.6), _weeks(1)).found
    assert [test.name for test in found] == [unseen_hours.OUTAGES]
    # 0.6 of an outage's hours are not seen for 0.4 that are; less where no hour of a short one was.
    assert 0.9 < found[0].size < 1.5
    assert "goes together" not in unseen_hours.said(found, 0.02)
    assert "go together with outages. For each hour of outage that was seen" in unseen_hours.said(found, 0.02)


def test_what_was_tested_and_not_found_is_said_with_its_p_values():
    tests = (Association(unseen_hours.OUTAGES, 0.03, 0.012), Association(unseen_hours.COMPLAINTS, 0.2, 0.4))
    said = unseen_hours.nothing_found(Unseen(0.02, tests, ((unseen_hours.LEAVING, "only 3 neighbourhoods had any"),)))
    assert (
        "outages (p = 0.012, but only 0.03 unseen hours for each hour seen) and complaints (p = 0.400): no link was found"
        in said
    )
    assert (
        "; with departures: not known, this could not be tested, because only 3 neighbourhoods had any. The p-values"
        in said
    )
    alone = unseen_hours.nothing_found(Unseen(0.02, (), tuple((name, "why") for name in unseen_hours.TESTED)))
    assert "With outages, complaints and departures: not known, this could not be tested, because why. What" in alone
    assert unseen_hours.nothing_found(Unseen(0.0, ())) == ""


def test_complaints_that_follow_unseen_hours_are_found():
    found = unseen_hours.unseen(_days(2), _weeks(2, follows=3.0)).found
    assert [test.name for test in found] == [unseen_hours.COMPLAINTS]


def test_hours_unseen_at_random_are_associated_with_nothing():
    told = [unseen_hours.unseen(_days(seed, at_random=0.2), _weeks(seed)) for seed in range(5)]
    assert all(len(one.tests) == 3 for one in told)
    assert sum(bool(one.found) for one in told) <= 1
    assert told[0].share == pytest.approx(0.2, abs=0.02)


def test_what_hides_less_than_a_tenth_of_the_outages_is_no_finding():
    found = unseen_hours.unseen(_days(3, hidden=0.05, at_random=0.0), _weeks(3))
    (outages,) = (test for test in found.tests if test.name == unseen_hours.OUTAGES)
    assert outages.p_value < 0.001
    assert not outages.is_found


def test_where_all_was_seen_or_areas_are_few_nothing_is_tested():
    everything = _days(4, at_random=0.0)
    assert unseen_hours.unseen(everything, _weeks(4)) == unseen_hours.Unseen(0.0, ())
    few = unseen_hours.unseen(_days(4, hidden=0.6, areas=9), _weeks(4).query("area < 9"))
    assert few.tests == ()
    assert [name for name, _ in few.untested] == list(unseen_hours.TESTED)
    assert all("only 9 neighbourhoods had" in why for _, why in few.untested)
    alike = unseen_hours.unseen(_days(4), _weeks(4).assign(observed_ratio=0.98))
    assert dict(alike.untested).keys() == {unseen_hours.COMPLAINTS, unseen_hours.LEAVING}
    assert all("is the same in every week" in why for _, why in alike.untested)
