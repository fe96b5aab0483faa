"""The tables of weeks that the panel would make of a world, made in memory: a fit then costs a second and no build.

Quality is the simulated one of each access node and week, less the hours that nobody saw; days within a week count alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.worlds_abroad.simulation import hours
from bench.worlds_abroad.simulation.layout import BEFORE, FIRST, TECHNOLOGIES, WEEKS, Codes, Floats
from bench.worlds_abroad.simulation.population import NEVER, PLANS, VOLUNTARY
from bench.worlds_abroad.simulation.voices import CATEGORIES
from bench.worlds_abroad.simulation.worlds import World
from dashboard.measures import DOWN, MEASURES, PLANNED
from dashboard.tables.schema import CONTROL_CATEGORIES

TRAILING_WEEKS, LEAST_WEEKS = 8, 4
QUIET_DAYS = 56
STAYS = 200_000
"""So many customer-weeks in which nobody left the panel keeps."""
HOURS = 168
MONDAYS = pd.date_range(FIRST, periods=WEEKS, freq="7D")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of each node and week (nodes, weeks): the share of its hours, and each measure by name."""

    share: Floats
    measures: dict[str, Floats]


def seen(world: World) -> Seen:
    record, course = world.record, world.course
    there = HOURS - hours.weekly(record.missed)

    def a_week(part: hours.Flags) -> Floats:
        own = hours.weekly(part & ~record.missed)
        return np.divide(HOURS * own, there, out=np.full(own.shape, np.nan), where=there > 0)

    levels = {name: values[:, BEFORE:, 0] for name, values in course.level.items()}
    return Seen(
        there / HOURS, levels | {DOWN.name: a_week(record.down), PLANNED.name: a_week(record.planned & ~record.down)}
    )


def area_weeks(world: World) -> pd.DataFrame:
    """As the panel's table of that name, of the columns that the models read."""
    own, days = seen(world), _days(world)
    total = _by_area(world, days)
    found: dict[str, Floats] = {}
    for measure in MEASURES:
        values = own.measures[measure.name]
        found[measure.area_column] = _by_area(world, values * days) / total
    down = own.measures[DOWN.name]
    found["down_hours_variance"] = _by_area(world, down**2 * days) / total - found[DOWN.area_column] ** 2
    found |= _complaints(world) | _quiet(world, total)
    index = pd.MultiIndex.from_product([world.layout.area_names, MONDAYS], names=["area", "week"])
    return index.to_frame(index=False).assign(
        is_complete=True,
        customer_days=total.ravel(),
        observed_ratio=(_by_area(world, own.share * days) / total).ravel(),
        **{name: values.ravel() for name, values in found.items()},
    )


def _days(world: World) -> Floats:
    """(nodes, weeks) days that customers were there."""
    found = np.zeros((world.layout.nodes, WEEKS))
    for week in range(WEEKS):
        first = np.maximum(world.people.started, 7 * week)
        days = np.clip(np.minimum(world.people.left + 1, 7 * week + 7) - first, 0, 7)
        found[:, week] = np.bincount(world.people.node, days, world.layout.nodes)
    return found


def _by_area(world: World, values: Floats) -> Floats:
    """(areas, weeks) sums of (nodes, weeks)."""
    found = np.zeros((world.layout.areas, values.shape[1]))
    np.add.at(found, world.layout.area, values)
    return found


def _complaints(world: World) -> dict[str, Floats]:
    said, found = world.complaints, {}
    area, week = world.layout.area[world.people.node[said.who]], said.hour // HOURS
    for place, category in enumerate(CATEGORIES):
        own = said.category == place
        counts = np.zeros((world.layout.areas, WEEKS))
        np.add.at(counts, (area[own], week[own]), 1)
        found[f"complaints_{category}"] = counts
    return found


def _quiet(world: World, total: Floats) -> dict[str, Floats]:
    """Days of customers without a complaint in the eight weeks before, and their complaints, of which nothing else that day."""
    said, areas = world.complaints, world.layout.area[world.people.node]
    order = np.lexsort((said.hour, said.who))
    who, day, kind = said.who[order], said.hour[order] // 24, said.category[order]
    follows = np.append(False, who[1:] == who[:-1])
    before = np.where(follows, np.append(-NEVER, day[:-1]), -NEVER)
    after = np.where(np.append(follows[1:], False), np.append(day[1:], NEVER), NEVER)
    end = np.minimum(np.minimum(day + QUIET_DAYS, after) + 1, world.people.left[who] + 1)
    recent = np.zeros_like(total)
    for week in range(WEEKS):
        days = np.clip(np.minimum(end, 7 * week + 7) - np.maximum(day + 1, 7 * week), 0, 7)
        recent[:, week] = np.bincount(areas[who], days, world.layout.areas)
    is_quiet = (before < day - QUIET_DAYS) & (after > day)
    found = {"quiet_customer_days": total - recent}
    for category in CONTROL_CATEGORIES:
        own = is_quiet & (kind == CATEGORIES.index(category))
        counts = np.zeros_like(total)
        np.add.at(counts, (areas[who[own]], day[own] // 7), 1)
        found[f"quiet_complaints_{category}"] = counts
    return found


def customer_weeks(world: World, *, stays: int = STAYS) -> pd.DataFrame:
    """As the panel's table of that name: every week in which somebody left, and a weighted sample of ``stays`` others."""
    people = world.people
    who, week = _at_risk(world)
    day = 7 * week
    asked = np.maximum(day, people.started[who])
    left = people.left[who]
    is_event = left < day + 7
    trailing = _trailing(seen(world), week, people.node[who])
    area, years = world.layout.area[people.node[who]], asked - people.started[who]
    contract = people.contract[who]
    is_free = (contract <= asked) & (contract > -NEVER)
    frame = pd.DataFrame(
        {
            "customer_id": who,
            "area": np.array(world.layout.area_names)[area],
            "technology": np.array(TECHNOLOGIES)[world.layout.technology[area]],
            "week": MONDAYS[week],
            "monthly_price": np.array([price for _, price in PLANS])[people.plan[who]] + people.surcharge[who],
            "price_gap": people.surcharge[who],
            "price_change": np.where(years >= 7 * TRAILING_WEEKS, 0.0, np.nan),
            "tenure_days": years,
            "is_locked_in": pd.array(contract > asked, dtype="boolean"),
            "lock_in_days_left": np.maximum(contract - asked, 0),
            "free_days": np.where(is_free, asked - contract, np.nan),
            "days_at_risk": np.minimum(left + 1, day + 7) - asked,
            "left_voluntarily": is_event & (people.reason[who] == VOLUNTARY),
            "left_otherwise": is_event & (people.reason[who] != VOLUNTARY),
            "weight": 1.0,
        }
        | trailing
    )
    short = (asked - people.started[who]) < 7 * LEAST_WEEKS
    frame.loc[short, "trailing_observed_ratio"] = 0.0
    return _sampled(frame, stays, np.random.default_rng([world.seed, 5]))


def _at_risk(world: World) -> tuple[Codes, Codes]:
    """Who was there in which week, one line for each customer and week."""
    found = []
    for week in range(WEEKS):
        who = np.flatnonzero((world.people.started < 7 * week + 7) & (world.people.left >= 7 * week))
        who = who[world.people.left[who] >= world.people.started[who]]
        found.append((who, np.full(who.size, week)))
    who, weeks = (np.concatenate(part) for part in zip(*found, strict=True))
    return who, weeks


def _trailing(own: Seen, week: Codes, node: Codes) -> dict[str, Floats]:
    """Each measure over the eight weeks before (lines,), weighted by what of them was seen."""

    def before(values: Floats) -> Floats:
        known = np.nan_to_num(values)
        total = np.concatenate([np.zeros_like(known[:, :1]), np.cumsum(known, axis=1)], axis=1)
        return np.asarray(total[node, week] - total[node, np.maximum(week - TRAILING_WEEKS, 0)])

    share = before(own.share)
    found = {"trailing_observed_ratio": share / TRAILING_WEEKS}
    for measure in MEASURES:
        part = before(own.measures[measure.name] * own.share)
        found[measure.trailing] = np.divide(part, share, out=np.full(part.shape, np.nan), where=share > 0)
    return found


def _sampled(frame: pd.DataFrame, stays: int, random: np.random.Generator) -> pd.DataFrame:
    is_event = (frame["left_voluntarily"] | frame["left_otherwise"]).to_numpy()
    kept = min(1.0, stays / max(int((~is_event).sum()), 1))
    chosen = is_event | (random.random(len(frame)) < kept)
    sampled = frame[chosen].reset_index(drop=True)
    sampled.loc[~is_event[chosen], "weight"] = 1 / kept
    return sampled
