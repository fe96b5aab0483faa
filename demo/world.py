"""The demo's world in memory: network, quality and customers simulated together, with the truth beside the records."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from demo import customers, history, network
from demo.customers import Crowd, Life, Setting, WeeklyQuality
from demo.rules import Rules

DEFAULT_SEED, DEFAULT_AREAS, DEFAULT_DEVICES = 20260101, 24, 450
HORIZON_WEEKS = 90 / 7
TENURE_BANDS_DAYS = (180, 365, 730)
PROVIDER_TIMEZONE = network.TIMEZONE


@dataclass(frozen=True)
class World:
    """A provider and its customers over ``weeks`` weeks up to ``as_of``.

    ``records`` holds the provider's exports by kind, as DataFrames; ``quality_hours`` and ``devices`` are as the
    collector publishes them. ``quality`` is what truly was, by access node and week, whether or not it was measured.
    """

    rules: Rules
    seed: int
    as_of: datetime.datetime
    first_monday: pd.Timestamp
    network: network.Network
    setting: Setting
    life: Life
    records: dict[str, pd.DataFrame]
    quality_hours: pa.Table
    devices: pa.Table

    def day(self, date: datetime.date) -> int:
        """Days since the world's first Monday."""
        return (date - self.first_monday.date()).days


def simulate(
    rules: Rules,
    seed: int,
    areas: int,
    devices: int,
    as_of: datetime.datetime,
    *,
    weeks: int = 52,
    cpe_hours: bool = True,
    with_hours: bool = True,
) -> World:
    """Simulate a provider from ``weeks`` weeks before ``as_of``'s week up to ``as_of``; the same arguments, the same world.

    Without ``cpe_hours`` the history of CPE is left out and every customer is served by an access node alone;
    without ``with_hours`` all of it is left out.
    """
    laid = network.lay(seed, areas, devices)
    first = first_monday(as_of, weeks)
    first_hour, last_hour = _hours(first, as_of)
    setting = Setting(rules, laid, _weekly(laid, first, weeks + 1), weeks + 1, rules.price_rise_week * 7)
    life = customers.live(setting)
    measured = laid.nodes.stop + (history.CPE_WITH_HISTORY if cpe_hours else 0)
    life.crowd.device[:] = np.where(life.crowd.device < measured, life.crowd.device, life.crowd.node)
    off = history.spells_off(laid, life, unix_day(first))
    end_hour = last_hour if with_hours else first_hour
    quality = history.quality_hours(laid, first_hour, end_hour, off, with_cpe=cpe_hours)
    midnight = first.tz_localize(None)
    today = (as_of.astimezone(first.tzinfo).date() - first.date()).days
    now = pd.Timestamp(as_of).tz_convert("UTC").as_unit("s")
    records = {
        "areas": _area_records(laid),
        "customers": customers.customer_records(life, setting, midnight, today),
        "prices": customers.price_records(midnight, today),
        "complaints": customers.complaint_records(life, setting, first.tz_convert("UTC"), now),
        "nps": customers.nps_records(life, midnight, today),
    }
    devices_table = history.devices_table(laid, pd.Timestamp(first_hour * 3600, unit="s", tz="UTC"))
    return World(rules, seed, as_of, first, laid, setting, life, records, quality, devices_table)


def first_monday(as_of: datetime.datetime, weeks: int) -> pd.Timestamp:
    """Local midnight of the Monday ``weeks`` weeks before the one of ``as_of``'s week."""
    day = pd.Timestamp(as_of).tz_convert(PROVIDER_TIMEZONE).tz_localize(None).normalize()
    monday = day - pd.Timedelta(days=day.day_of_week + 7 * weeks)
    return monday.tz_localize(PROVIDER_TIMEZONE)


def truth(world: World, cut_off: datetime.date) -> pd.DataFrame:
    """What is true of each customer with the provider on ``cut_off``: one row a spell.

    ``probability_90d`` is of leaving voluntarily within 90 days if the quality of the last eight weeks goes on,
    ``base_probability_90d`` the same if nothing ever failed. ``tenure_band`` and ``is_locked_in`` are as on that day.
    """
    setting, day = world.setting, world.day(cut_off)
    active = _with_us(world, day)
    quality = setting.trailing(setting.rules.leaving, _week_after(world, day))
    held = active.contract > day
    return pd.DataFrame(
        {
            "customer_id": [f"C{p:06d}" for p in active.person],
            "area": np.array([p.area for p in world.network.places])[active.area],
            "tenure_band": np.digitize(day - active.started, TENURE_BANDS_DAYS),
            "is_locked_in": held,
            "probability_90d": _leaving_probability(setting, active, day, quality),
            "base_probability_90d": _leaving_probability(setting, active, day, np.zeros_like(quality)),
        }
    )


def area_truth(world: World, cut_off: datetime.date) -> pd.DataFrame:
    """By area: customers, true expected leavers in 90 days, and the excess over the provider's mean in each stratum."""
    each = truth(world, cut_off)
    mean = each.groupby(["tenure_band", "is_locked_in"])["probability_90d"].transform("mean")
    each = each.assign(excess_leavers_90d=each["probability_90d"] - mean)
    each["avoidable_leavers_90d"] = each["probability_90d"] - each["base_probability_90d"]
    sums = each.groupby("area")[["probability_90d", "excess_leavers_90d", "avoidable_leavers_90d"]].sum()
    sums.insert(0, "customers", each.groupby("area").size())
    return sums.rename(columns={"probability_90d": "expected_leavers_90d"})


def avoidable_truth(world: World, cut_off: datetime.date, targets: Sequence[float]) -> pd.DataFrame:
    """By area: the leavers in 90 days whom quality at the ``targets`` would keep, for each of customers.MEASURES and for everything.

    ``targets`` are in steps of the rules' effects, in the order of MEASURES; who truly has it better keeps it.
    """
    setting, day = world.setting, world.day(cut_off)
    active = _with_us(world, day)
    quality = setting.trailing(setting.rules.leaving, _week_after(world, day))
    saved = setting.excess_effects(setting.rules.leaving, _week_after(world, day), targets)
    area = np.array([p.area for p in world.network.places])[active.area]
    now = _leaving_probability(setting, active, day, quality)
    columns = {name: now - _leaving_probability(setting, active, day, quality - own) for name, own in saved.items()}
    columns["everything"] = now - _leaving_probability(setting, active, day, quality - sum(saved.values()))
    return pd.DataFrame(columns).groupby(area).sum().rename_axis("area")


def _with_us(world: World, day: int) -> Crowd:
    """The spells on ``day`` that nobody has yet decided to end."""
    crowd = world.life.crowd
    here = np.flatnonzero(customers.is_with_us(crowd, day) & (crowd.decided > day))
    return Crowd(**{name: getattr(crowd, name)[here] for name in crowd.__dataclass_fields__})


def _week_after(world: World, day: int) -> int:
    """The week of the day after ``day``, from which on the customers are looked at."""
    return min((day + 1) // 7, world.setting.weeks)


def _leaving_probability(setting: Setting, crowd: Crowd, day: int, quality: np.ndarray) -> np.ndarray:
    """Of leaving voluntarily within 90 days, other ways of leaving competing; hazards are piecewise weekly."""
    others = setting.rules.moving_rate + setting.rules.nonpayment_rate
    stays, leaves = np.ones(len(crowd)), np.zeros(len(crowd))
    for week in range(int(np.ceil(HORIZON_WEEKS))):
        length = min(1.0, HORIZON_WEEKS - week)
        hazard = np.exp(customers.log_hazard(setting, crowd, day + 7 * week, quality))
        gone = -np.expm1(-length * (hazard + others))
        leaves += stays * gone * hazard / (hazard + others)
        stays *= 1 - gone
    return leaves


def _weekly(laid: network.Network, first: pd.Timestamp, weeks: int) -> WeeklyQuality:
    """True quality by local week: hours down in the week, and means as the panel would take them with nothing missed."""
    first_hour = int(first.timestamp()) // 3600
    truth_hours = network.node_hours(laid, first_hour, weeks * network.WEEK_HOURS)
    hour, _ = network.local_clock(first_hour, weeks * network.WEEK_HOURS)
    by_week = (-1, weeks, network.WEEK_HOURS)
    is_evening = (hour >= 18).reshape(by_week[1:])
    evenings = is_evening.sum(axis=1)

    def evening_mean(values: np.ndarray) -> np.ndarray:
        return (values.reshape(by_week) * is_evening).sum(axis=2) / evenings

    peak = np.minimum(truth_hours.utilization * network.PEAK_OF_HOUR, 1.0)
    return WeeklyQuality(
        down_hours=truth_hours.down_seconds.reshape(by_week).sum(axis=2) / 3600,
        latency_10ms=evening_mean(truth_hours.rtt_p95_seconds) / 0.010,
        loss_points=truth_hours.loss_ratio.reshape(by_week).mean(axis=2) / 0.01,
        utilization_tenths=evening_mean(peak) / 0.1,
    )


def _area_records(laid: network.Network) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area": [p.area for p in laid.places],
            "name": [p.name for p in laid.places],
            "timezone": PROVIDER_TIMEZONE,
            "geometry": [p.geometry for p in laid.places],
        }
    )


def _hours(first: pd.Timestamp, as_of: datetime.datetime) -> tuple[int, int]:
    """First and end hour (since the Unix epoch) of the whole hours before ``as_of``."""
    return int(first.timestamp()) // 3600, int(as_of.timestamp()) // 3600


def unix_day(first: pd.Timestamp) -> int:
    """Days from the Unix epoch to a local midnight's date."""
    return (first.date() - datetime.date(1970, 1, 1)).days
