"""The demo's customers: they join, complain, answer surveys and leave by the rules, week by week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from demo import noise
from demo.network import Network
from demo.rules import QualityEffects, Rules

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

TRAILING_WEEKS = 8
JUST_FREE_DAYS = 56
NEVER = 10**6
"""A day that never comes."""
PLANS = (("Essencial", 24.0), ("Familia", 34.0), ("Turbo", 46.0), ("Giga", 58.0))
PLAN_SHARES = (0.3, 0.4, 0.2, 0.1)
CONTRACT_DAYS = 730
CHANNELS = ("phone", "web", "app", "shop")
PRICE_STEPS = ((0, 1.0), (20, 0.97), (36, 0.95))
"""Weeks after the world's beginning from which a new customer pays this share of the list price."""
VOLUNTARY, MOVED, NONPAYMENT = 1, 2, 3
MEASURES = ("down_hours", "evening_latency", "loss", "evening_utilization")
"""The quality measures in the order of WeeklyQuality and QualityEffects, by the names that the analysis gives them."""
REASONS = {VOLUNTARY: "voluntary", MOVED: "moved", NONPAYMENT: "nonpayment"}


@dataclass(frozen=True, slots=True)
class WeeklyQuality:
    """True quality of each access node in each local week (nodes, weeks), in the steps of the rules' effects."""

    down_hours: Floats
    latency_10ms: Floats
    loss_points: Floats
    utilization_tenths: Floats

    def effect(self, effects: QualityEffects) -> Floats:
        """The log rate ratio (nodes, weeks) against a node that never fails, delays, loses or fills."""
        return np.asarray(
            effects.per_down_hour * self.down_hours
            + effects.per_latency_10ms * self.latency_10ms
            + effects.per_loss_point * self.loss_points
            + effects.per_utilization_tenth * self.utilization_tenths
        )


@dataclass
class Crowd:
    """All spells of all customers, as columns; days count from the world's first Monday."""

    person: Ints
    area: Ints
    node: Ints
    device: Ints
    plan: Ints
    started: Ints
    price: Floats
    contract: Ints
    notice: Ints
    ended: Ints
    decided: Ints
    reason: Ints

    def __len__(self) -> int:
        return len(self.person)

    def extended(self, more: Crowd) -> Crowd:
        columns = self.__dataclass_fields__
        return Crowd(**{name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in columns})


@dataclass
class Life:
    """What became of everybody: spells, complaints and survey answers as lists of column chunks."""

    crowd: Crowd
    unplugging_share: float = 0.0
    complaints: list[tuple[Ints, str, Floats]] = field(default_factory=list)
    answers: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)


@dataclass(frozen=True)
class Setting:
    """What does not change while the customers live: the network, its true quality, the rules, the neighbourhoods."""

    rules: Rules
    network: Network
    quality: WeeklyQuality
    weeks: int
    price_rise_day: int

    def trailing(self, effects: QualityEffects, week: int) -> Floats:
        """Mean effect (nodes,) over the eight weeks before ``week`` (fewer at the world's beginning)."""
        past = self.quality.effect(effects)[:, max(0, week - TRAILING_WEEKS) : max(1, week)]
        return np.asarray(past.mean(axis=1))

    def excess_effects(self, effects: QualityEffects, week: int, targets: Sequence[float]) -> dict[str, Floats]:
        """By measure, the effect (nodes,) of what its mean over the eight weeks before ``week`` has above its target."""
        past = slice(max(0, week - TRAILING_WEEKS), max(1, week))
        values = (getattr(self.quality, f.name)[:, past].mean(axis=1) for f in fields(self.quality))
        strengths = (getattr(effects, f.name) for f in fields(effects))
        return {
            name: strength * np.maximum(value - target, 0.0)
            for name, strength, value, target in zip(MEASURES, strengths, values, targets, strict=True)
        }

    def lagged(self, week: int) -> Floats:
        """Effect (nodes,) on complaints of this week and the ones before it, by the rules' weights."""
        effect = self.quality.effect(self.rules.complaints)
        weights = self.rules.complaint_lag_weights
        return np.asarray(sum(w * effect[:, max(0, week - lag)] for lag, w in enumerate(weights)))

    def area_effect(self, stream: str, spread: float) -> Floats:
        return np.asarray(spread * noise.normal(self.network.seed, stream, np.arange(len(self.network.places))))


def live(setting: Setting) -> Life:
    """Let the customers of the first day, and those who join later, live through all weeks."""
    random = noise.generator(setting.network.seed, "customers")
    life = Life(_first_day(setting, random), setting.rules.unplugging_share)
    for week in range(setting.weeks):
        _complain(life, setting, week, random)
        _answer(life, setting, week, random)
        _leave(life, setting, week, random)
        _join(life, setting, week, random)
    return life


def log_hazard(setting: Setting, crowd: Crowd, day: int, quality: Floats) -> Floats:
    """Log of the weekly hazard of leaving voluntarily, of each spell on ``day``; ``quality`` is by node."""
    rules = setting.rules
    free_since = day - crowd.contract
    is_just_free = (crowd.contract > crowd.started) & (free_since >= 0) & (free_since < JUST_FREE_DAYS)
    tenure = np.clip((day - crowd.started) / 365.25, 0.0, 5.0)
    return np.asarray(
        np.log(rules.leaving_rate)
        + quality[crowd.node - setting.network.nodes.start]
        + rules.leaving_per_price_gap * price_gap(setting, crowd, day)
        + np.where(free_since < 0, rules.leaving_locked_in, 0.0)
        + np.where(is_just_free, rules.leaving_just_free, 0.0)
        + rules.leaving_per_tenure_year * tenure
        + setting.area_effect("leaving area", rules.leaving_area_spread)[crowd.area]
    )


def price_gap(setting: Setting, crowd: Crowd, day: int) -> Floats:
    """What each spell pays a month beyond what a new customer pays for the same plan on ``day``."""
    return np.asarray(price_on(setting, crowd, day) - new_price(day)[crowd.plan])


def price_on(setting: Setting, crowd: Crowd, day: int) -> Floats:
    """What each spell pays a month on ``day``: the rise passes those by whom a contract holds."""
    risen = (day >= setting.price_rise_day) & is_raised(setting, crowd)
    return np.asarray(np.round(crowd.price * np.where(risen, 1 + setting.rules.price_rise_ratio, 1.0), 2))


def is_raised(setting: Setting, crowd: Crowd) -> Flags:
    """Whose price rises on the day of the rise."""
    return np.asarray((crowd.contract <= setting.price_rise_day) & (crowd.started < setting.price_rise_day))


def new_price(day: int) -> Floats:
    """What a new customer pays for each plan on ``day``."""
    share = [ratio for week, ratio in PRICE_STEPS if week * 7 <= max(day, 0)][-1]
    return np.round(np.array([price for _, price in PLANS]) * share, 2)


def is_with_us(crowd: Crowd, day: int) -> Flags:
    return np.asarray((crowd.started <= day) & (crowd.ended > day))


def _first_day(setting: Setting, random: np.random.Generator) -> Crowd:
    network = setting.network
    nodes = np.arange(network.nodes.start, network.nodes.stop)
    node = np.concatenate([np.repeat(nodes, network.subscribers[nodes]), network.node[network.cpes.start :]])
    own = np.concatenate([np.full(len(node) - len(network.cpes), -1), np.arange(network.cpes.start, network.cpes.stop)])
    tenure = np.minimum(random.exponential(900, len(node)), 3600).astype(np.int64) + 1
    crowd = _spells(setting, random, node, own, -tenure)
    crowd.person[:] = np.arange(len(crowd))
    overpaid = setting.network.troubles
    dear = np.array([t.price for t in overpaid])[crowd.area]
    crowd.price[:] = np.round(crowd.price * (1 + 0.035 * tenure / 365.25 * random.random(len(node)) + 0.22 * dear), 2)
    return crowd


def _spells(setting: Setting, random: np.random.Generator, node: Ints, own: Ints, started: Any) -> Crowd:
    """New spells served by ``node``; ``own`` is the CPE's position or -1."""
    count = len(node)
    started = np.broadcast_to(np.asarray(started, dtype=np.int64), (count,)).copy()
    plan = random.choice(len(PLANS), size=count, p=PLAN_SHARES)
    terms = 1 + np.where(random.random(count) < 0.4, np.maximum(0, -started) // CONTRACT_DAYS, 0)
    has_contract = random.random(count) < 0.75
    contract = np.where(has_contract, started + terms * CONTRACT_DAYS, started)
    return Crowd(
        person=np.full(count, -1, dtype=np.int64),
        area=setting.network.area[node],
        node=node.astype(np.int64),
        device=np.where(own >= 0, own, node).astype(np.int64),
        plan=plan.astype(np.int64),
        started=started,
        price=np.where(started < 0, np.array([p for _, p in PLANS])[plan], new_price(int(started.max()))[plan]),
        contract=contract.astype(np.int64),
        notice=np.full(count, NEVER, dtype=np.int64),
        ended=np.full(count, NEVER, dtype=np.int64),
        decided=np.full(count, NEVER, dtype=np.int64),
        reason=np.zeros(count, dtype=np.int64),
    )


def _complain(life: Life, setting: Setting, week: int, random: np.random.Generator) -> None:
    rules, crowd, day = setting.rules, life.crowd, week * 7
    here = np.flatnonzero(is_with_us(crowd, day))
    area = np.exp(setting.area_effect("complaints area", rules.complaint_area_spread))[crowd.area[here]]
    quality = np.exp(setting.lagged(week))[crowd.node[here] - setting.network.nodes.start]
    gap = price_gap(setting, crowd, day)[here]
    raised = is_raised(setting, crowd)[here] & (0 <= day - setting.price_rise_day < 28)
    rise = np.exp(rules.billing_per_price_rise * raised)
    rates = {
        "connection": rules.connection_rate * area * quality,
        "slow": rules.slow_rate * area * quality,
        "billing": rules.billing_rate * area * rise,
        "price": rules.price_rate * area * rise * np.exp(rules.price_complaint_per_gap * gap),
        "installation": np.where(day - crowd.started[here] < 28, rules.installation_rate, 0.0),
        "other": rules.other_rate * area,
    }
    for category, rate in rates.items():
        who = np.repeat(here, random.poisson(rate))
        if who.size:
            life.complaints.append((who, category, day + 7 * random.random(who.size)))


def _answer(life: Life, setting: Setting, week: int, random: np.random.Generator) -> None:
    rules, crowd, day = setting.rules, life.crowd, week * 7
    who = np.flatnonzero(is_with_us(crowd, day) & (random.random(len(crowd)) < rules.survey_rate))
    quality = setting.trailing(rules.nps, week)[crowd.node[who] - setting.network.nodes.start]
    gap = price_gap(setting, crowd, day)[who]
    score = np.clip(np.round(8.9 + quality - 0.06 * gap + 1.9 * random.standard_normal(who.size)), 0, 10)
    life.answers.append((who, day + random.integers(0, 7, who.size), score.astype(np.int64)))


def _leave(life: Life, setting: Setting, week: int, random: np.random.Generator) -> None:
    rules, crowd, day = setting.rules, life.crowd, week * 7
    at_risk = np.flatnonzero(is_with_us(crowd, day) & (crowd.decided == NEVER))
    hazard = np.exp(log_hazard(setting, crowd, day, setting.trailing(rules.leaving, week)))[at_risk]
    causes = np.column_stack(
        [hazard, np.full(at_risk.size, rules.moving_rate), np.full(at_risk.size, rules.nonpayment_rate)]
    )
    total = causes.sum(axis=1)
    is_leaving = random.random(at_risk.size) < -np.expm1(-total)
    who, causes, total = at_risk[is_leaving], causes[is_leaving], total[is_leaving]
    point = random.random(who.size) * total
    reason = 1 + (point > causes[:, 0]).astype(np.int64) + (point > causes[:, 0] + causes[:, 1])
    decided = day + random.integers(0, 7, who.size)
    gives_notice = (reason == VOLUNTARY) & (random.random(who.size) < rules.notice_share)
    crowd.decided[who], crowd.reason[who] = decided, reason
    crowd.notice[who] = np.where(gives_notice, decided, NEVER)
    crowd.ended[who] = decided + np.where(gives_notice, rules.notice_days, random.integers(1, 8, who.size))


def _join(life: Life, setting: Setting, week: int, random: np.random.Generator) -> None:
    """Each place that a leaver frees is taken after some weeks, by somebody new or by one who comes back."""
    crowd, day = life.crowd, week * 7
    freed = np.flatnonzero((crowd.ended > day - 21) & (crowd.ended <= day - 14))
    if not freed.size:
        return
    own = np.where(crowd.device[freed] == crowd.node[freed], -1, crowd.device[freed])
    more = _spells(setting, random, crowd.node[freed], own, day + random.integers(0, 7, freed.size))
    more.person[:] = crowd.person.max() + 1 + np.arange(freed.size)
    gone = crowd.person[(crowd.ended < day - 56) & (crowd.reason == VOLUNTARY)]
    could_return = np.setdiff1d(gone, crowd.person[crowd.ended >= day - 56])
    comes_back = np.flatnonzero(random.random(freed.size) < setting.rules.returning_share)[: could_return.size]
    more.person[comes_back] = random.permutation(could_return)[: comes_back.size]
    life.crowd = crowd.extended(more)


# --- as records ---


def customer_records(life: Life, setting: Setting, first_day: pd.Timestamp, today: int) -> pd.DataFrame:
    """The customers table as a provider would export it on day ``today``: two rows where the price rose."""
    crowd = life.crowd
    before = _customer_rows(life, setting, first_day, np.full(len(crowd), -NEVER))
    risen = np.flatnonzero(
        is_raised(setting, crowd) & (crowd.ended > setting.price_rise_day) & (setting.price_rise_day <= today)
    )
    after = _customer_rows(life, setting, first_day, np.full(len(crowd), setting.price_rise_day)).iloc[risen]
    rows = pd.concat([before, after], ignore_index=True)
    known = rows["started_on"] <= _date(first_day, np.array([today]))[0]
    rows = rows[known].sort_values(["customer_id", "started_on", "valid_from"], ignore_index=True)
    for column in ("notice_on", "ended_on"):
        rows[column] = rows[column].where(rows[column] <= _date(first_day, np.array([today]))[0])
    rows["end_reason"] = rows["end_reason"].where(rows["ended_on"].notna())
    return rows


def _customer_rows(life: Life, setting: Setting, first_day: pd.Timestamp, valid_from: Ints) -> pd.DataFrame:
    crowd, network = life.crowd, setting.network
    valid = np.maximum(crowd.started, valid_from)
    is_after = valid_from >= setting.price_rise_day
    price = np.where(is_after, price_on(setting, crowd, setting.price_rise_day), crowd.price)
    return pd.DataFrame(
        {
            "customer_id": [f"C{p:06d}" for p in crowd.person],
            "area": np.array([p.area for p in network.places])[crowd.area],
            "device_id": network.device_id[crowd.device],
            "technology": network.technology[crowd.node],
            "plan": np.array([name for name, _ in PLANS])[crowd.plan],
            "monthly_price": np.round(price, 2),
            "started_on": _date(first_day, crowd.started),
            "notice_on": _date(first_day, crowd.notice),
            "ended_on": _date(first_day, crowd.ended),
            "end_reason": pd.Series(crowd.reason).map(REASONS).to_numpy(),
            "contract_until": _date(first_day, np.where(crowd.contract > crowd.started, crowd.contract, NEVER)),
            "termination_fee": np.where(crowd.contract > crowd.started, 120.0, np.nan),
            "valid_from": _date(first_day, valid),
        }
    )


def complaint_records(life: Life, setting: Setting, first_moment: pd.Timestamp, now: pd.Timestamp) -> pd.DataFrame:
    """The complaints table up to ``now``; days of the simulation start at ``first_moment`` (UTC)."""
    random = noise.generator(setting.network.seed, "complaint answers")
    who = np.concatenate([c[0] for c in life.complaints])
    at = np.concatenate([c[2] for c in life.complaints])
    category = np.concatenate([np.full(len(c[0]), c[1]) for c in life.complaints])
    order = np.argsort(at, kind="stable")
    who, at, category = who[order], at[order], category[order]
    opened = first_moment + pd.to_timedelta(np.round(at * 86400), unit="s")
    answered = opened + pd.to_timedelta(np.round(random.lognormal(9.2, 1.1, len(who))), unit="s")
    solved = answered + pd.to_timedelta(np.round(random.lognormal(10.8, 1.2, len(who))), unit="s")
    frame = pd.DataFrame(
        {
            "complaint_id": [f"T{i:06d}" for i in range(len(who))],
            "customer_id": [f"C{p:06d}" for p in life.crowd.person[who]],
            "opened_at": opened,
            "category": category,
            "channel": random.choice(CHANNELS, len(who), p=(0.55, 0.2, 0.2, 0.05)),
            "first_answer_at": pd.Series(answered).where(answered <= now),
            "solved_at": pd.Series(solved).where(solved <= now),
        }
    )
    return frame[frame["opened_at"] <= now].reset_index(drop=True)


def nps_records(life: Life, first_day: pd.Timestamp, today: int) -> pd.DataFrame:
    """The survey's answers up to day ``today``."""
    who, day, score = (np.concatenate([a[i] for a in life.answers]) for i in range(3))
    frame = pd.DataFrame(
        {
            "response_id": [f"R{i:06d}" for i in range(len(who))],
            "customer_id": [f"C{p:06d}" for p in life.crowd.person[who]],
            "answered_on": _date(first_day, day),
            "score": score,
        }
    )
    return frame[day <= today].reset_index(drop=True)


def price_records(first_day: pd.Timestamp, today: int) -> pd.DataFrame:
    """The prices table: what a new customer pays for each plan, from when."""
    rows = [
        (name, "", _date(first_day, np.array([week * 7 if week else -3650]))[0], float(new_price(week * 7)[i]))
        for week, _ in PRICE_STEPS
        for i, (name, _price) in enumerate(PLANS)
        if week * 7 <= today
    ]
    return pd.DataFrame(rows, columns=["plan", "area", "valid_from", "new_customer_price"])


def _date(first_day: pd.Timestamp, days: Ints) -> pd.DatetimeIndex:
    """Days since ``first_day`` as dates; NEVER as no date."""
    known = np.asarray(days) < NEVER // 2
    dates = first_day + pd.to_timedelta(np.where(known, days, 0), unit="D")
    return pd.DatetimeIndex(np.where(known, dates.to_numpy(), np.datetime64("NaT")))
