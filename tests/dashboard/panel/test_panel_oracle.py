"""The panel's SQL against the same definitions written as plain loops over customers and days, on random small worlds."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard.measures import WINDOWS, over
from dashboard.panel import assemble as panels

FIRST = datetime.date(2025, 3, 3)
DAYS = 18 * 7
AREAS = {"north": "Europe/Lisbon", "south": "Europe/Lisbon", "west": "America/Sao_Paulo"}
DAY = datetime.timedelta(days=1)
QUALITIES = ("down", "latency", "loss", "utilization", "planned")


def fill(world: Any, seed: int) -> None:
    """18 weeks with a change of the clock, devices that are not always observed, customers who move, leave, return."""
    random = np.random.default_rng(seed)
    devices = ["a", "b", "c"]
    world.rows["areas"] = [{"area": area, "name": area, "timezone": zone} for area, zone in AREAS.items()]
    for device, parent in (("a", "hub"), ("b", "hub"), ("c", None), ("hub", "core"), ("core", None)):
        world.device(device, parent)
    start = datetime.datetime.combine(FIRST, datetime.time(), datetime.UTC)
    for device in (*devices, "hub"):
        for hour in np.flatnonzero(random.random(DAYS * 24) < 0.9):
            observed = float(random.choice([0, 900, 3600]))
            down = float(random.choice([0, 0, 0, 0.5])) * observed
            sent = int(observed / 30)
            # In two weeks c gives no sign of life beside what happens above it.
            silences = [1] if device == "c" and 40 <= hour // 24 < 54 else [0, 0, 0, 0.4, 1]
            world.hours[start + datetime.timedelta(hours=int(hour)), device] = {
                "observed_seconds": observed,
                "down_seconds": down if random.random() < 0.95 else None,
                "planned_seconds": float(random.choice([0, 0.5, 1])) * down if random.random() < 0.8 else None,
                "silent_seconds": float(random.choice(silences)) * (observed - down),
                "pings_sent": sent,
                "pings_lost": int(random.integers(0, sent // 2 + 1)),
                "rtt_p95_seconds": round(float(random.gamma(4, 0.005)), 6) if random.random() < 0.9 else None,
                "utilization_p95_ratio": round(float(random.random()), 6) if random.random() < 0.9 else None,
            }
    for number in range(25):
        began = FIRST + DAY * int(random.integers(-200, DAYS - 30))
        for _ in range(2):
            lasts = int(random.integers(1, 250))
            ended = began + DAY * lasts
            has_ended = ended < FIRST + DAY * DAYS
            notice = ended - DAY * int(random.integers(0, min(lasts, 20) + 1)) if random.random() < 0.5 else None
            turns = sorted({0, *random.integers(0, lasts + 30, 2).tolist()})
            for turn in turns:
                world.customer(
                    str(number), str(random.choice(list(AREAS))), started_on=began, valid_from=began + DAY * turn,
                    device_id=random.choice([*devices, None]), ended_on=ended if has_ended else None,
                    notice_on=notice if has_ended else None,
                    end_reason=random.choice(["voluntary", "moved", None]) if has_ended else None,
                )  # fmt: skip
            began = ended + DAY * int(random.integers(1, 40))
            if not has_ended or began > FIRST + DAY * (DAYS - 10):
                break
    for _ in range(120):
        at = start + datetime.timedelta(minutes=int(random.integers(0, DAYS * 1440)))
        known = random.random() < 0.8
        who = {"customer_id": str(random.integers(0, 27))} if known else {"area": str(random.choice([*AREAS, "moon"]))}
        world.complaint(f"{at:%Y-%m-%dT%H:%M}", **who)


class Oracle:
    """The definitions of the panel, one day and one customer at a time."""

    def __init__(self, world: Any) -> None:
        self.spells: dict[tuple[str, datetime.date], list[dict[str, Any]]] = defaultdict(list)
        for row in sorted(world.rows["customers"], key=lambda row: row["valid_from"]):
            self.spells[row["customer_id"], row["started_on"]].append(row)
        self.hours = world.hours
        self.parents = {row["device_id"]: row["parent"] for row in world.devices}
        self.days: dict[tuple[str, str], dict[datetime.date, dict[str, float]]] = {}
        for zone in set(AREAS.values()):
            for device in ("a", "b", "c"):
                self.days[zone, device] = self._days(device, ZoneInfo(zone))

    def held(self, spell: tuple[str, datetime.date], day: datetime.date) -> dict[str, Any] | None:
        rows = self.spells[spell]
        ended = rows[-1]["ended_on"]
        if day < spell[1] or (ended is not None and day > ended):
            return None
        return next((row for row in reversed(rows) if row["valid_from"] <= day), None)

    def path(self, device: str) -> list[str]:
        above, found = self.parents.get(device), [device]
        while above is not None and self.parents[above] is not None:
            found.append(above)
            above = self.parents[above]
        return found

    def _days(self, device: str, zone: ZoneInfo) -> dict[datetime.date, dict[str, float]]:
        sums: dict[datetime.date, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (at, name), hour in self.hours.items():
            observed = hour["observed_seconds"]
            if name != device or not observed:
                continue
            local = (at + datetime.timedelta(minutes=30)).astimezone(zone)
            if local.date() < FIRST:
                continue
            day = sums[local.date()]
            day["observed"] += observed
            down = hour["down_seconds"]
            day["silent"] += hour["silent_seconds"]
            if down is not None:
                up = observed - down - hour["silent_seconds"]
                day["up"] += up
                if hour["silent_seconds"] == 0 or up > observed / 20:
                    planned = hour["planned_seconds"]
                    day["down"] += down - (planned or 0)
                    day["down_of"] += up + down
                    day["planned"] += planned or 0
                    day["planned_of"] += up + down if planned is not None else 0
            day["loss"] += hour["pings_lost"]
            day["loss_of"] += hour["pings_sent"]
            if local.hour < 18:
                continue
            if hour["rtt_p95_seconds"] is not None:
                day["latency"] += observed * hour["rtt_p95_seconds"]
                day["latency_of"] += observed
            links = [self.hours.get((at, link), {}).get("utilization_p95_ratio") for link in self.path(device)]
            if measured := [link for link in links if link is not None]:
                day["utilization"] += observed * max(measured)
                day["utilization_of"] += observed
        for day in sums.values():
            if day["silent"] > 0 and day["up"] <= day["observed"] / 20:
                day["down"] = day["down_of"] = day["planned"] = day["planned_of"] = 0.0
        return sums

    def quality(self, days: list[tuple[str, str | None, datetime.date]]) -> dict[str, float]:
        """Of customer-days as (zone, device, day)."""
        sums: dict[str, float] = defaultdict(float)
        for zone, device, day in days:
            for name, value in self.days.get((zone, device or ""), {}).get(day, {}).items():
                sums[name] += value
        ratios = {name: sums[name] / sums[f"{name}_of"] if sums[f"{name}_of"] else np.nan for name in QUALITIES}
        a_week = {name: ratios[name] * 168 for name in ("down", "planned")}
        return {**ratios, **a_week, "observed": sums["observed"], "judged": sums["down_of"]}


def outcome_of(row: dict[str, Any]) -> tuple[datetime.date | None, bool]:
    """The day on which a spell's last row says that it ended, and whether that was the customer's own will."""
    reason = row["end_reason"] or ("voluntary" if row["notice_on"] else "other")
    return row["notice_on"] or row["ended_on"], reason == "voluntary"


@pytest.mark.parametrize("seed", range(3))
def test_area_weeks_are_what_loops_over_customers_and_days_find(world: Any, seed: int) -> None:
    fill(world, seed)
    oracle = Oracle(world)
    found = world.build("Europe/Lisbon").area_weeks.set_index(["area", "week"])
    assert len(found) == len(AREAS) * found.index.get_level_values("week").nunique()
    for (area, week), row in found.iterrows():
        days = [week.date() + DAY * n for n in range(7)]
        if days[0] >= FIRST + DAY * DAYS:
            continue
        behind = [
            (AREAS[area], held["device_id"], day)
            for spell in oracle.spells
            for day in days
            if (held := oracle.held(spell, day)) and held["area"] == area
        ]
        assert row["customer_days"] == len(behind)
        if not behind:
            assert np.isnan(row["observed_ratio"])
            continue
        zone = ZoneInfo(AREAS[area])
        midnights = [datetime.datetime.combine(day, datetime.time(), zone) for day in (d for _, _, d in behind)]
        seconds = sum((m + DAY).timestamp() - m.timestamp() for m in midnights)
        expected = oracle.quality(behind)
        assert row["observed_ratio"] == pytest.approx(expected["observed"] / seconds)
        columns = (
            "down_hours_per_customer",
            "evening_rtt_p95_mean_seconds",
            "loss_ratio",
            "evening_utilization_mean_ratio",
            "planned_hours_per_customer",
        )
        for column, quality in zip(columns, QUALITIES, strict=True):
            # Latency is counted in whole microseconds, utilisation in millionths.
            assert row[column] == pytest.approx(expected[quality], rel=2e-4, nan_ok=True), (area, week, column)
        if week.date() > FIRST + DAY * 7:
            eve = days[0] - DAY
            there = [h["device_id"] for s in oracle.spells if (h := oracle.held(s, eve)) and h["area"] == area]
            hours = [oracle.quality([(AREAS[area], device, day) for day in days])["down"] for device in there]
            variance = np.nanvar(hours) if not np.isnan(hours).all() else np.nan
            assert row["down_hours_variance"] == pytest.approx(variance, rel=0.01, abs=0.01, nan_ok=True), (area, week)
            known = np.array([one for one in hours if not np.isnan(one)])
            long = known[known > 4].sum() / known.size if known.size else np.nan
            assert row["long_down_hours_per_customer"] == pytest.approx(long, rel=0.01, abs=0.01, nan_ok=True)
            assert row["down_ratio"] == pytest.approx((known > 0).mean() if known.size else np.nan, nan_ok=True)
        ends = [
            is_willing
            for spell, rows in oracle.spells.items()
            for event, is_willing in [outcome_of(rows[-1])]
            if event in days and oracle.held(spell, event)["area"] == area
        ]
        assert row["leavers_voluntary"] == sum(ends)
        assert row["leavers_other"] == len(ends) - sum(ends)


@pytest.mark.parametrize("seed", range(3))
def test_customer_periods_are_what_loops_over_customers_and_days_find(world: Any, seed: int) -> None:
    fill(world, seed)
    oracle = Oracle(world)
    panel = world.build("Europe/Lisbon", reporting_lag_days=14)
    assert panel.cut_off == FIRST + DAY * (DAYS - 1 - 14)
    found = panel.customer_periods.set_index(["customer_id", "started_on", "period"])
    expected = {}
    for spell, rows in oracle.spells.items():
        event, is_willing = outcome_of(rows[-1])
        entry = max(spell[1], rows[0]["valid_from"], panel.entry)
        last = min(event or panel.cut_off, panel.cut_off)
        period = panel.entry - DAY * panel.entry.weekday()
        while period <= last:
            days = [day for n in range(28) if entry <= (day := period + DAY * n) <= last]
            if days:
                leaves = event is not None and event in days
                before = [period - DAY * n for n in range(1, 57)]
                behind = [
                    (AREAS[held["area"]], held["device_id"], day) for day in before if (held := oracle.held(spell, day))
                ]
                expected[spell[0], pd.Timestamp(spell[1]), pd.Timestamp(period)] = (
                    len(days), leaves and is_willing, leaves and not is_willing, (days[0] - spell[1]).days,
                    oracle.held(spell, days[0])["area"], oracle.quality(behind),
                )  # fmt: skip
            period += DAY * 28
    assert set(found.index) == set(expected)
    for key, (days, willing, otherwise, tenure, area, quality) in expected.items():
        row = found.loc[key]
        assert (row["days_at_risk"], row["left_voluntarily"], row["left_otherwise"]) == (days, willing, otherwise)
        assert (row["tenure_days"], row["area"]) == (tenure, area)
        columns = (
            "down_hours",
            "evening_rtt_p95_mean_seconds",
            "loss_ratio",
            "evening_utilization_mean_ratio",
            "planned_hours",
        )
        for column, name in zip(columns, QUALITIES, strict=True):
            assert row[f"trailing_{column}"] == pytest.approx(quality[name], rel=2e-4, nan_ok=True), (key, column)


@pytest.mark.parametrize("seed", [0, 2])
def test_hours_over_other_weeks_are_what_loops_over_days_find(world: Any, seed: int) -> None:
    """Devices a and b are observed for most of the time, c for less than half of it."""
    fill(world, seed)
    for (_, device), hour in world.hours.items():
        if device != "c":
            hour.update(observed_seconds=3600.0, silent_seconds=0.0)
    oracle = Oracle(world)
    panel = world.build("Europe/Lisbon", reporting_lag_days=12)
    now = panel.customers_now.assign(week=pd.Timestamp(panel.cut_off + DAY))
    told, unseen = dict.fromkeys(WINDOWS, 0), dict.fromkeys(WINDOWS, 0)
    for _, row in pd.concat([panel.customer_weeks, now]).iterrows():
        until, zone, device = row["week"].date(), AREAS[row["area"]], row["device_id"]
        spell = row["customer_id"], row["started_on"].date()
        here = [max(one["valid_from"], spell[1]) for one in oracle.spells[spell] if _is_at(one, device, zone)]
        monday = until - DAY * until.weekday()
        for weeks in WINDOWS:
            behind = [(zone, device, monday - DAY * day) for day in range(1, 7 * weeks + 1)]
            quality = oracle.quality(behind)
            is_known = bool(here) and min(here) <= until - DAY * 7 * weeks
            is_seen = quality["judged"] >= 7 * weeks * 86_400 / 2
            expected = quality["down"] if is_known and is_seen else np.nan
            unseen[weeks] += is_known and not is_seen
            assert row[over(weeks)] == pytest.approx(expected, rel=2e-4, nan_ok=True), (spell, until, weeks)
            told[weeks] += expected > 0
    assert min(told.values()) > 15
    assert unseen[2] > 20


def _is_at(row: dict[str, Any], device: str | None, zone: str) -> bool:
    return device is not None and row["device_id"] == device and AREAS[row["area"]] == zone


@pytest.mark.parametrize("seed", range(3))
def test_sums_over_areas_equal_totals_and_counts_add_up(world: Any, seed: int) -> None:
    fill(world, seed)
    panel = world.build("Europe/Lisbon")
    read = {name: len(rows) for name, rows in world.rows.items()} | {"quality_hours": len(world.hours)}
    counted = panel.counts.groupby("table")["rows"].sum()
    for name in ("customers", "complaints", "quality_hours"):
        assert counted[name] == read[name]
    used = panel.counts.query("code == 'used'").set_index("table")["rows"]
    weeks = panel.area_weeks
    assert weeks[[c for c in weeks.columns if c.startswith("complaints_")]].to_numpy().sum() == used["complaints"]
    periods = panel.customer_periods
    assert periods.groupby(["customer_id", "started_on"]).ngroups == used["spells"]
    in_time = weeks[weeks["week"] >= pd.Timestamp(panel.entry)]
    assert in_time["leavers_voluntary"].sum() >= periods["left_voluntarily"].sum() > 0
    assert periods["days_at_risk"].sum() <= weeks["customer_days"].sum()


def test_the_same_inputs_give_the_same_tables_whatever_their_order(world: Any) -> None:
    fill(world, 1)
    records, quality, devices = world.tables()
    order = np.random.default_rng(2).permutation(len(quality))
    once = panels.build(records, quality, devices, world.settings())
    again = panels.build(records, quality.take(order), devices, world.settings())
    pd.testing.assert_frame_equal(once.area_weeks, again.area_weeks, check_exact=True)
    pd.testing.assert_frame_equal(once.customer_periods, again.customer_periods, check_exact=True)
