"""Which works to do for a sum of money: a multiple-choice knapsack, one choice per area, solved exactly where it can be.

    maximise  sum_a saving[a, j_a]   subject to   sum_a cost[a, j_a] <= budget

Partial choices are kept as a frontier of cost and saving from which dominated ones are struck (Nemhauser and Ullmann
1969), as are those that even the linear relaxation of what is left (Sinha and Zoltners 1979) cannot lift above the
greedy choice. Where the frontier grows beyond its limit the least promising are let go, and ``gap`` says by how much
the best of them could at most have been better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LIMIT = 1_000
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Options:
    """What can be done in one area: cost in whole units and saving of each option (n,); doing nothing comes by itself."""

    cost: Integers
    saving: Floats


@dataclass(frozen=True, slots=True)
class Choice:
    """``chosen`` has one option per area, None for nothing; nothing better by more than ``gap`` exists."""

    chosen: tuple[int | None, ...]
    cost: int
    saving: float
    gap: float


def choose(areas: Sequence[Options], budget: int, *, limit: int = LIMIT) -> Choice:
    """The choice that saves most within ``budget``; costs must be whole and not negative."""
    hulls = [_hull(options, budget) for options in areas]
    floor = _greedy(hulls, budget)
    costs, savings, gap_to = np.zeros(1, dtype=np.int64), np.zeros(1), -np.inf
    steps: list[tuple[Integers, Integers]] = []
    for number, options in enumerate(areas):
        costs, savings, parents, picks = _extend(costs, savings, options, budget)
        promise = savings + _relaxed(hulls[number + 1 :], budget - costs)
        kept = np.flatnonzero(promise >= floor - SLACK * max(1.0, floor))
        if kept.size > limit:  # those that the greedy choice leads to may go, and its saving with them
            order = kept[np.argsort(-promise[kept], kind="stable")]
            gap_to = max(gap_to, float(promise[order[limit]]))
            kept, floor = np.sort(order[:limit]), 0.0
        costs, savings = costs[kept], savings[kept]
        steps.append((parents[kept], picks[kept]))
    best = int(np.argmax(savings))
    chosen: list[int | None] = []
    position = best
    for parents, picks in reversed(steps):
        chosen.append(None if picks[position] < 0 else int(picks[position]))
        position = int(parents[position])
    saving = float(savings[best])
    return Choice(tuple(reversed(chosen)), int(costs[best]), saving, max(0.0, gap_to - saving))


def _extend(
    costs: Integers, savings: Floats, options: Options, budget: int
) -> tuple[Integers, Floats, Integers, Integers]:
    """The frontier with one more area: cost, saving, the state that it came from and the option taken (-1: none)."""
    cost = np.concatenate(([0], options.cost))
    saving = np.concatenate(([0.0], options.saving))
    all_costs = (costs[:, None] + cost[None, :]).ravel()
    all_savings = (savings[:, None] + saving[None, :]).ravel()
    order = np.lexsort((-all_savings, all_costs))
    order = order[all_costs[order] <= budget]
    sorted_savings = all_savings[order]
    best_before = np.concatenate(([-np.inf], np.maximum.accumulate(sorted_savings)[:-1]))
    order = order[sorted_savings > best_before]
    return all_costs[order], all_savings[order], order // cost.size, order % cost.size - 1


def _hull(options: Options, budget: int) -> tuple[Floats, Floats]:
    """The increments (cost, saving) along the upper concave hull of an area's options, steepest first."""
    fits = (options.cost <= budget) & (options.saving > 0)
    points = sorted(zip(options.cost[fits].tolist(), options.saving[fits].tolist(), strict=True))
    hull: list[tuple[float, float]] = [(0.0, 0.0)]
    for cost, saving in points:
        if saving <= hull[-1][1]:
            continue
        while len(hull) > 1 and _is_below(hull[-2], hull[-1], (cost, saving)):
            hull.pop()
        if hull[-1][0] == cost:
            hull.pop()
        hull.append((cost, saving))
    corners = np.array(hull if hull[0][0] == 0 and hull[0][1] == 0 else [(0.0, 0.0), *hull])
    return np.diff(corners[:, 0]), np.diff(corners[:, 1])


def _is_below(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether ``middle`` lies on or below the line from ``first`` to ``last``."""
    return (middle[1] - first[1]) * (last[0] - first[0]) <= (last[1] - first[1]) * (middle[0] - first[0])


def _ordered(hulls: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    if not hulls:
        return np.zeros(0), np.zeros(0)
    cost, saving = np.concatenate([h[0] for h in hulls]), np.concatenate([h[1] for h in hulls])
    order = np.argsort(-np.divide(saving, cost, out=np.full(cost.size, np.inf), where=cost > 0), kind="stable")
    return cost[order], saving[order]


def _relaxed(hulls: Sequence[tuple[Floats, Floats]], left: Integers) -> Floats:
    """What the areas of ``hulls`` could save at most with each sum ``left``, if works could be done in part."""
    cost, saving = _ordered(hulls)
    spent, saved = np.concatenate(([0.0], np.cumsum(cost))), np.concatenate(([0.0], np.cumsum(saving)))
    last = np.append(np.diff(spent) > 0, True)  # of several points at one cost the last, which has the most
    return np.asarray(np.interp(left, spent[last], saved[last]))


def _greedy(hulls: Sequence[tuple[Floats, Floats]], budget: int) -> float:
    """What is saved by taking the steepest increments while they fit; an area's later ones need its earlier ones."""
    cost = np.concatenate([h[0] for h in hulls]) if hulls else np.zeros(0)
    saving = np.concatenate([h[1] for h in hulls]) if hulls else np.zeros(0)
    area = np.repeat(np.arange(len(hulls)), [h[0].size for h in hulls])
    order = np.argsort(-np.divide(saving, cost, out=np.full(cost.size, np.inf), where=cost > 0), kind="stable")
    left, total, closed = float(budget), 0.0, set()
    for i in order:
        if area[i] in closed:
            continue
        if cost[i] > left:
            closed.add(area[i])
            continue
        left, total = left - cost[i], total + saving[i]
    return total
