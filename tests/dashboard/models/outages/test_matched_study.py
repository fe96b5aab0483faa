"""The matched study against planted outages, and against worlds in which outages do nothing."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from dashboard.models.outages import event_windows, matched_study, outage_list

from ...sample_measures import not_taken

CUT_OFF = datetime.date(2026, 1, 4)
WEEKS = pd.date_range("2025-01-06", periods=52, freq="7D")


def world(seed: int, *, effect: float, areas: int = 40, customers: int = 2000, drift: float = 0.0):
    """area_weeks in which a third of the areas has an outage of two hours once; complaints rise by ``effect`` for 9 weeks.

    With ``drift`` latency (steps of 10 ms) rises with the outage and stays.
    """
    random = np.random.default_rng(seed)
    hit_week = {a: int(random.integers(10, 40)) for a in range(areas // 3)}
    frames = []
    for area in range(areas):
        usual = customers * 0.004 * np.exp(random.normal(0, 0.2))
        place = np.arange(len(WEEKS))
        start = hit_week.get(area, 10**6)
        is_after = (place >= start) & (place <= start + 8)
        rate = usual * np.where(is_after, 1 + effect, 1.0) * (1 + 0.2 * np.sin(place / 6))
        frames.append(
            pd.DataFrame(
                {
                    "area": f"a{area:02}",
                    "week": WEEKS,
                    "is_complete": True,
                    "customer_days": 7.0 * customers,
                    "complaints_connection": random.poisson(rate / 2),
                    "complaints_slow": random.poisson(rate / 2),
                    "leavers_voluntary": random.poisson(customers * 0.001, len(WEEKS)),
                    "down_hours_per_customer": np.where(place == start, 2.0, 0.0),
                    "evening_rtt_p95_mean_seconds": 0.02 + 0.01 * drift * (place >= start),
                    "loss_ratio": 0.001,
                    "evening_utilization_mean_ratio": 0.5,
                    **not_taken("area_column"),
                }
            )
        )
    now = pd.DataFrame({"area": [f"a{a:02}" for a in range(areas)], "technology": "cable", "monthly_price": 30.0})
    return pd.concat(frames, ignore_index=True), now


def studied(seed: int, **planted):
    weeks, now = world(seed, **planted)
    return matched_study.matched(outage_list.of_weeks(weeks), weeks, now, seed=1)


def pooled(made: pd.DataFrame, outcome: str) -> pd.Series:
    return made.set_index(["outage", "outcome"]).loc[("matched:all", outcome)]


def test_a_planted_effect_is_found_with_its_size():
    made = studied(1, effect=0.5)
    row = pooled(made, "complaints_quality")
    assert row["verdict"] == "found"
    true = 0.5 * row["expected"]
    assert row["excess_low"] < true < row["excess_high"]
    assert row["excess"] == pytest.approx(row["observed"] - row["expected"])
    assert pooled(made, "leaving")["verdict"] != "found"


def test_outages_without_effect_are_hardly_ever_found_and_intervals_hold_nothing():
    """Six worlds: the pooled interval holds 0 in nearly all, and hardly any sum is called found."""
    held, found = 0, 0
    for seed in range(6):
        effects = studied(100 + seed, effect=0.0, areas=24)
        row = effects.set_index(["outage", "outcome"]).loc[("matched:all", "complaints_quality")]
        held += row["excess_low"] <= 0 <= row["excess_high"]
        found += (effects["is_pooled"] & (effects["verdict"] == "found")).any()
    assert held >= 5
    assert found <= 1


def test_what_moved_with_another_measure_is_not_laid_to_the_outage():
    made = studied(1, effect=0.5, drift=1.0)
    single = made[~made["is_pooled"]]
    assert set(single["verdict"]) == {"not_separable"}
    assert pooled(made, "complaints_quality")["verdict"] == "no_match"


def test_small_neighbourhoods_are_too_small_to_say():
    made = studied(2, effect=0.3, customers=150)
    single = made[~made["is_pooled"] & (made["outcome"] == "leaving")]
    assert set(single["verdict"]) == {"too_small"}
    assert (single["smallest_detectable"] > single["expected"]).all()


def test_where_nobody_complains_nothing_is_called_not_found():
    weeks, now = world(1, effect=0.0, areas=15)
    weeks[["complaints_connection", "complaints_slow"]] = 0
    made = matched_study.matched(outage_list.of_weeks(weeks), weeks, now, seed=1)
    verdicts = made.loc[made["outcome"] == "complaints_quality", "verdict"]
    assert set(verdicts) <= {"too_small", "no_match", "too_early"}


def test_money_is_excess_departures_times_price():
    made = studied(3, effect=0.0, areas=15)
    row = pooled(made, "leaving")
    assert row["monthly_revenue"] == pytest.approx(30.0 * row["excess"])
    assert np.isnan(pooled(made, "complaints_quality")["monthly_revenue"])


def test_what_strikes_again_within_eight_weeks_is_one_episode():
    weeks, now = world(1, effect=0.0, areas=6)
    weeks["down_hours_per_customer"] = 0.0
    for area, week, hours in (("a00", 12, 1.0), ("a00", 15, 3.5), ("a01", 20, 0.3), ("a02", 3, 2.0), ("a03", 50, 1.0)):
        weeks.loc[(weeks["area"] == area) & (weeks["week"] == WEEKS[week]), "down_hours_per_customer"] = hours
    effects = matched_study.matched(outage_list.of_weeks(weeks), weeks, now, seed=1)
    single = effects[~effects["is_pooled"] & (effects["outcome"] == "leaving")].set_index("area")
    assert single.index.tolist() == ["a00", "a01", "a03"]  # a02 has no eight weeks before
    assert single["size"].tolist() == ["large", "small", "medium"]
    assert single.loc["a00", "customer_minutes"] == pytest.approx(4.5 * 60 * 2000)
    assert single.loc["a03", "verdict"] == "too_early"


def test_the_comparison_is_the_formula():
    weeks, now = world(5, effect=0.2, areas=12)
    grid = event_windows.grid_of(weeks, outage_list.of_weeks(weeks), now, 0.25)
    window = event_windows.episodes(grid)[0]
    compared = event_windows.compare(grid, window, "leaving")
    counts = grid.counts["leaving"]
    pre, post = slice(window.week - 8, window.week), slice(window.week, window.week + 9)
    assert compared is not None
    assert compared.observed == counts[window.area, post].sum()
    others = [
        a for a in range(12) if a != window.area and not grid.is_disturbed[a, window.week - 8 : window.week + 9].any()
    ]
    level = np.abs(counts[others, pre].sum(axis=1) ** 0.5 - counts[window.area, pre].sum() ** 0.5)
    assert compared.matched == min(5, len(level))


def test_no_outages_and_one_area_are_said_not_raised():
    weeks, now = world(1, effect=0.0, areas=3)
    nothing = matched_study.matched(outage_list.of_weeks(weeks).iloc[:0], weeks, now, seed=1)
    assert nothing["is_pooled"].all()
    assert set(nothing["verdict"]) == {"too_small"}
    alone = weeks[weeks["area"] == "a00"]
    made = matched_study.matched(outage_list.of_weeks(alone), alone, now, seed=1)
    assert set(made["verdict"]) <= {"no_match", "too_small"}
    assert made["excess"].isna().all()


def recorded(*rows: tuple[str, str, int, float]) -> pd.DataFrame:
    """Incidents (area, kind, place of the week, minutes per customer of 2,000), one hour after the week began."""
    return pd.DataFrame(
        {
            "area": [area for area, *_ in rows],
            "incident_id": [f"i{n}" for n in range(len(rows))],
            "kind": [kind for _, kind, *_ in rows],
            "week": [WEEKS[week] for *_, week, _ in rows],
            "last_week": [WEEKS[week] for *_, week, _ in rows],
            "started_at": [WEEKS[week].tz_localize("UTC") + pd.Timedelta(hours=1) for *_, week, _ in rows],
            "customers": 2000,
            "customer_minutes": [2000.0 * minutes for *_, minutes in rows],
        }
    )


def test_incidents_on_record_are_the_outages_and_weekly_down_time_only_fills_in():
    weeks, now = world(1, effect=0.5)
    hit = weeks.loc[weeks["down_hours_per_customer"] > 0, ["area", "week"]].sort_values("area", ignore_index=True)
    place = WEEKS.get_indexer(pd.DatetimeIndex(hit["week"]))
    told = [(area, "outage", int(week), 120.0) for area, week in zip(hit["area"], place, strict=True)]
    known = outage_list.known(weeks, recorded(*told[1:]))
    assert known["source"].value_counts().to_dict() == {"incidents": len(told) - 1, "weekly_down_time": 1}
    made = matched_study.matched(known, weeks, now, seed=1)
    single = made[~made["is_pooled"]].drop_duplicates("area").set_index("area")
    assert single["source"].value_counts().to_dict() == {"incidents": len(told) - 1, "weekly_down_time": 1}
    assert (single["started_at"].dt.hour == single["source"].map({"incidents": 1, "weekly_down_time": 0})).all()
    whole = pooled(made, "complaints_quality")
    assert (whole["verdict"], whole["source"], whole["kind"]) == ("found", "both", "outage")
    # The same outages, whichever way they are known, give the same effect: all took two hours.
    assert whole["excess"] == pytest.approx(pooled(studied(1, effect=0.5), "complaints_quality")["excess"])
    assert "1 week with down time and no incident on record" in outage_list.note(known, CUT_OFF)
    before = outage_list.note(outage_list.of_weeks(weeks), CUT_OFF)
    assert before.startswith(f"No incidents of the collector before 5 Jan 2026 are on record: the {len(told)} outages")


def test_planned_work_is_summed_apart_and_is_no_quiet_week_either():
    weeks, now = world(1, effect=0.0, areas=12)
    weeks["down_hours_per_customer"] = 0.0
    rows = [("a00", "planned", 20, 60.0), ("a01", "outage", 20, 60.0), ("a02", "planned", 15, 60.0)]
    rows += [("a02", "outage", 18, 60.0), ("a03", "outage", 20, 5.0)]
    known = outage_list.known(weeks, recorded(*rows))
    grid = event_windows.grid_of(weeks, known, now, 0.25)
    names = {kind: [grid.areas[w.area] for w in event_windows.episodes(grid, kind)] for kind in event_windows.KINDS}
    # The work in a02 has an outage in the weeks after it, and that outage no quiet weeks before it.
    assert names == {"outage": ["a01"], "planned": ["a00"]}
    assert not [w for w in event_windows.placebos(grid) if grid.areas[w.area] == "a00" and 12 <= w.week <= 28]
    effects = matched_study.matched(known, weeks, now, seed=1)
    sums = effects[effects["is_pooled"] & (effects["outcome"] == "leaving")].set_index("outage")
    assert sums.loc["matched:planned", "kind"] == "planned"
    assert (sums.loc[["matched:planned", "matched:all"], "customer_minutes"] == 120_000.0).all()
    assert "2 planned works" in outage_list.note(known, CUT_OFF)


def test_a_week_that_was_down_is_not_quiet_though_its_incident_says_little():
    weeks, now = world(1, effect=0.0, areas=12)
    weeks["down_hours_per_customer"] = 0.0
    weeks.loc[(weeks["area"] == "a00") & (weeks["week"] == WEEKS[20]), "down_hours_per_customer"] = 3.0
    known = outage_list.known(weeks, recorded(("a00", "outage", 20, 5.0)))
    grid = event_windows.grid_of(weeks, known, now, 0.25)
    assert not event_windows.episodes(grid)
    assert not [w for w in event_windows.placebos(grid) if w.area == 0 and 12 <= w.week <= 28]
