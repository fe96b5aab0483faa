"""What may be true of a world: each mechanism by its name, alone or mixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

MEASURES: tuple[str, ...] = ("down_hours", "evening_latency", "loss", "evening_utilization")
FORMS: tuple[str, ...] = ("exponential", "additive", "power", "threshold", "saturating")
WINDOWS: tuple[int, ...] = (2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What customers of a world do. The defaults are a plain world without any effect of quality.

    ``ratios`` are by how much each measure multiplies the hazard at bad quality (1: not at all), ``form`` is the dose's
    shape between perfect and bad and beyond, ``window`` the weeks over which quality is remembered. ``immune_areas`` is
    the share of areas whose customers do not mind, ``by_technology`` and ``by_tenure`` say that some mind twice and
    others not at all. ``levels`` and ``node_levels`` are standard deviations of the log hazard between areas, and
    between the nodes that five areas share. ``frailty`` is the variance of a customer's own factor. ``excitation`` is
    by how much more a customer complains just after a complaint. ``planned_hours`` of harmless night work in eight
    weeks, by area in turn. ``unseen`` and ``unseen_in_outages`` are the shares of hours that nobody observed. Of
    shocks: ``launches`` are areas in which the hazard rises for good by ``launch_ratio`` some ``launch_weeks_ago``, ``campaigns`` those in which it
    rose for eight weeks that are over, ``national`` multiplies it everywhere for a while. ``stored`` is to which power
    the dose of the half year before a contract's end acts once it has ended. ``detractors_answer`` is how many times
    more often a detractor answers a survey.
    """

    name: str
    ratios: dict[str, float] = field(default_factory=dict)
    form: str = "exponential"
    exponent: float = 0.5
    window: int = 8
    frailty: float = 0.0
    immune_areas: float = 0.0
    by_technology: bool = False
    by_tenure: bool = False
    levels: float = 0.15
    node_levels: float = 0.0
    excitation: float = 0.0
    planned_hours: tuple[int, ...] = (0,)
    unseen: float = 0.0
    unseen_in_outages: float = 0.0
    launches: int = 0
    launch_ratio: float = 1.8
    launch_weeks_ago: tuple[int, int] = (7, 20)
    launches_in_largest: bool = False
    campaigns: int = 0
    national: float = 1.0
    stored: float = 0.0
    detractors_answer: float = 1.0

    def ratio(self, measure: str) -> float:
        return self.ratios.get(measure, 1.0)

    @property
    def matters(self) -> tuple[str, ...]:
        """The measures that move anybody."""
        return tuple(name for name in MEASURES if self.ratio(name) != 1.0)


Change = Callable[[np.random.Generator, int], dict[str, object]]
"""What a mechanism changes of a plain world, drawn for it, by the number of areas."""

PLAIN: Change = lambda random, areas: {}  # noqa: E731

ALONE: dict[str, Change] = {
    "exponential": PLAIN,
    "additive": lambda random, areas: {"form": "additive"},
    "power": lambda random, areas: {"form": "power", "exponent": float(random.choice([0.4, 0.7, 1.6]))},
    "threshold": lambda random, areas: {"form": "threshold"},
    "saturating": lambda random, areas: {"form": "saturating"},
    "window-2": lambda random, areas: {"window": 2},
    "window-4": lambda random, areas: {"window": 4},
    "window-16": lambda random, areas: {"window": 16},
    "frailty": lambda random, areas: {"frailty": float(random.uniform(0.5, 1.5))},
    "areas-differ": lambda random, areas: {"immune_areas": 0.5},
    "technologies-differ": lambda random, areas: {"by_technology": True},
    "tenures-differ": lambda random, areas: {"by_tenure": True},
    "levels": lambda random, areas: {"levels": 0.4},
    "excitation": lambda random, areas: {"excitation": float(random.uniform(3, 8))},
    "planned": lambda random, areas: {"planned_hours": (0, 4, 8)},
    "unseen": lambda random, areas: {"unseen": float(random.uniform(0.1, 0.3))},
    "unseen-outages": lambda random, areas: {"unseen_in_outages": 0.6},
    "launch": lambda random, areas: {"launches": max(2, areas // 12), "launch_ratio": float(random.uniform(1.5, 2.2))},
    "campaign": lambda random, areas: {"campaigns": max(2, areas // 12)},
    "national": lambda random, areas: {"national": float(random.uniform(1.3, 1.7))},
    "stored": lambda random, areas: {"stored": 1.0},
    "shared-node": lambda random, areas: {"node_levels": 0.35},
    "survey": lambda random, areas: {"detractors_answer": float(random.uniform(3, 6))},
}
NULL, MIXED, STEP = "null", "mixed", "step"
NAMES: tuple[str, ...] = (*ALONE, NULL, MIXED, STEP)
"""The place of a name is part of what a seed stands for: new names go to the end."""
SHAPES: tuple[str, ...] = FORMS
REST: tuple[str, ...] = tuple(name for name in ALONE if name not in FORMS and not name.startswith("window-"))
SHARE_MIXED = 0.25
"""The chance with which each of the other mechanisms is in a mixed world, or in one without effects."""


def drawn(name: str, seed: int, areas: int) -> Mechanism:
    """The mechanism of one world, with what the seed decides of it. Raises KeyError for an unknown name."""
    random = np.random.default_rng([seed, NAMES.index(name) if name in NAMES else -1, 1])
    if name in (NULL, MIXED):
        return _mixed(name, random, areas)
    if name == STEP:
        step = Mechanism(name, _ratios(random), launches=max(1, areas // 12), launch_ratio=1.5)
        return replace(step, launch_weeks_ago=(8, 8), launches_in_largest=True)
    return replace(Mechanism(name, ratios=_ratios(random)), **ALONE[name](random, areas))


def _mixed(name: str, random: np.random.Generator, areas: int) -> Mechanism:
    changes: dict[str, object] = {}
    for other in REST:
        if random.random() < SHARE_MIXED:
            changes |= ALONE[other](random, areas)
    changes["form"] = str(random.choice(FORMS))
    changes["window"] = int(random.choice(WINDOWS))
    if name == NULL:
        return replace(Mechanism(name), **{**changes, "stored": 0.0, "levels": float(random.choice([0.15, 0.4]))})
    return replace(Mechanism(name, ratios=_ratios(random)), **changes)


def _ratios(random: np.random.Generator) -> dict[str, float]:
    """Outages matter always, each other measure in half of the worlds."""
    others = [name for name in MEASURES[1:] if random.random() < 0.5]
    found = {"down_hours": float(random.uniform(1.8, 2.6))}
    return found | {name: float(random.uniform(1.25, 1.7)) for name in others}
