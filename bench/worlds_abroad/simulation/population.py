"""Who the customers are: where, since when, held by which contract, at what price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.worlds_abroad.simulation.layout import WEEKS, Codes, Floats, Layout
from bench.worlds_abroad.simulation.mechanisms import Mechanism

YEAR, NEVER = 365, 10**6
JOIN_A_WEEK = 0.005
PLANS: tuple[tuple[str, float], ...] = (("basic", 25.0), ("home", 35.0), ("plus", 50.0))
LOYALTY_SURCHARGE = 1.2
"""What a customer pays more than a new one for each year with the provider, up to five."""
VOLUNTARY, MOVED = 0, 1


@dataclass(slots=True)
class Customers:
    """One line per spell, days counted from the first Monday. ``left`` is NEVER for who is still there.

    ``contract`` is the last day on which a contract holds them, -NEVER for none; ``factor`` their own share of frailty.
    """

    node: Codes
    started: Codes
    contract: Codes
    plan: Codes
    surcharge: Floats
    factor: Floats
    left: Codes
    reason: Codes

    def there(self, day: int) -> Codes:
        """Who is a customer at the beginning of ``day``."""
        return np.flatnonzero((self.started < day) & (self.left >= day))


def population(random: np.random.Generator, layout: Layout, mechanism: Mechanism, customers: int) -> Customers:
    """Those of the first day, in areas of different size, and all who will ever join."""
    size = np.exp(random.normal(0, 0.35, layout.areas))[layout.area]
    joiners = random.poisson(JOIN_A_WEEK * customers * WEEKS)
    count = customers + joiners
    node = random.choice(layout.nodes, count, p=size / size.sum())
    started = -(1 + (random.gamma(1.3, 700, count)).astype(np.int64))
    started[customers:] = random.integers(0, WEEKS * 7, joiners)
    years = np.minimum(-np.minimum(started, 0) / YEAR, 5.0)
    factor = np.ones(count)
    if mechanism.frailty > 0:
        factor = random.gamma(1 / mechanism.frailty, mechanism.frailty, count)
    return Customers(
        node,
        started,
        _contracts(random, started),
        random.choice(len(PLANS), count, p=(0.4, 0.4, 0.2)),
        np.round(years * LOYALTY_SURCHARGE + random.normal(0, 1.0, count), 2),
        factor,
        np.full(count, NEVER),
        np.zeros(count, np.int64),
    )


def _contracts(random: np.random.Generator, started: Codes) -> Codes:
    """Six of ten signed for a year or two, and half of these again when it was over."""
    length = YEAR * random.integers(1, 3, started.size)
    until = started + length
    renews = random.random(started.size) < 0.5
    passed = np.maximum(-until, 0)
    until = np.where(renews & (until < 0), until + length * (1 + passed // length), until)
    return np.where(random.random(started.size) < 0.6, until, -NEVER)
