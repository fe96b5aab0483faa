"""Which works to do for a sum of money, from whom the last build says that each would keep.

Savings of several measures in one area do not add up: who stays because of one cannot be kept again by another. With
e the leavers expected in the area and s_m the share of them that measure m keeps, several keep the share

    s = 1 - product over m of (1 - s_m),   at most that of all measures together

as if each kept its share of whoever the others did not keep. Between areas savings do add up.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bairro_error import BairroError
from dashboard import spreadsheet
from dashboard.figures import fixes as figures
from dashboard.figures.findings import area_names
from dashboard.figures.style import numbers, suppression, words
from dashboard.models.fixes import knapsack
from dashboard.tables.readers import delimited_text, sheets

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

COLUMNS = ("area", "measure", "cost")
MOST_SHOWN = 20
CENTS = 100
ENDS = ("", "_low", "_high")


class CostsError(BairroError, ValueError):
    """A cost file that cannot be used; the message names file, line and column of every fault."""


@dataclass(frozen=True, slots=True)
class Work:
    """One line of the cost file: a measure in an area, and its cost in hundredths of the currency."""

    area: str
    measure: str
    cost: int


@dataclass(frozen=True, slots=True)
class Package:
    """Some works in one area: what they cost (hundredths) and whom they keep in 90 days (middle, low, high)."""

    area: str
    measures: tuple[str, ...]
    cost: int
    leavers: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """The packages that keep most customers within the budget, the best value first; no other choice keeps ``gap`` more."""

    packages: tuple[Package, ...]
    cost: int
    gap: float
    left_out: tuple[str, ...]


# --- the cost file ---


def read_costs(path: Path, results: Results) -> list[Work]:
    """The works of a CSV with the columns area (id or name), measure and cost. Raises CostsError."""
    try:
        sheet = delimited_text.read_sheet(delimited_text.read_bytes(path))
    except sheets.UnreadableError as error:
        raise CostsError(f"{path}: {error}") from None
    missing = [name for name in COLUMNS if name not in sheet.columns]
    if missing:
        raise CostsError(f"{path}, line 1: there is no column {' and no column '.join(missing)} ({', '.join(COLUMNS)})")
    rows = zip(sheet.lines.tolist(), *(sheet.columns[name].to_pylist() for name in COLUMNS), strict=True)
    faults = [(fault.line, f"{path}, line {fault.line}: {fault.reason}") for fault in sheet.faults]
    areas, measures = _areas(results), _measures(results)
    works: dict[tuple[str, str], Work] = {}
    for line, *cells in rows:
        try:
            work = _work(cells, areas, measures)
            _refuse_double(work, works)
        except ValueError as error:
            faults += [(line, f"{path}, line {line}, column {one}") for one in str(error).split("\n")]
        else:
            works[work.area, work.measure] = work
    if faults:
        told = [text for _, text in sorted(faults)]
        more = [f"and {len(told) - MOST_SHOWN} more"] if len(told) > MOST_SHOWN else []
        raise CostsError("\n".join([*told[:MOST_SHOWN], *more]))
    if not works:
        raise CostsError(f"{path}: it has a header and no rows")
    return list(works.values())


def _refuse_double(work: Work, works: Mapping[tuple[str, str], Work]) -> None:
    if (work.area, work.measure) in works:
        raise ValueError("measure: is there twice for this area")


def _areas(results: Results) -> dict[str, str]:
    """Ids and names, in lower case, to ids; a name that several areas bear leads to none."""
    known = set(results.ranking["area"])
    names = {area: name for area, name in area_names(results).items() if area in known}
    spoken = [name.casefold() for name in names.values()]
    by_name = {name.casefold(): area for area, name in names.items() if spoken.count(name.casefold()) == 1}
    return by_name | {area.casefold(): area for area in known}


def _measures(results: Results) -> dict[str, str]:
    """Codes and the words of the pages, in lower case, to codes."""
    codes = set(results.avoidable["measure"])
    spoken = {words.driver(code).name.casefold(): code for code in codes - {figures.EVERYTHING}}
    return spoken | {code: code for code in sorted(codes)}


def _work(cells: Sequence[str | None], areas: Mapping[str, str], measures: Mapping[str, str]) -> Work:
    """Raises ValueError: a line '<column>: <reason>' for each cell that cannot be used."""
    area, measure, cost = cells
    found: list[Any] = []
    wrong = []
    for read in (
        lambda: _known("area", area, areas, "the results know no area"),
        lambda: _known("measure", measure, measures, "the results know no measure"),
        lambda: amount("cost", cost),
    ):
        try:
            found.append(read())
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("\n".join(wrong))
    return Work(*found)


def _known(column: str, cell: str | None, known: Mapping[str, str], unknown: str) -> str:
    if cell is None:
        raise ValueError(f"{column}: is empty")
    found = known.get(cell.casefold())
    if found is None:
        close = {known[one]: one for one in reversed(difflib.get_close_matches(cell.casefold(), known, n=4))}
        near = list(reversed(close.values()))[:2] or sorted(set(known.values()) if column == "measure" else ())
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"{column}: {unknown} {cell!r}{hint}")
    return found


def amount(column: str, cell: str | None) -> int:
    """An amount in hundredths. Raises ValueError: '<column>: <reason>'."""
    if cell is None:
        raise ValueError(f"{column}: is empty")
    try:
        amount = float(cell)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < 1e15:
        raise ValueError(f"{column}: must be a number from 0 on, such as 12500 or 12500.50, not {cell!r}")
    return round(amount * CENTS)


# --- what works save, alone and together ---


def plan(results: Results, works: Iterable[Work], budget: int, *, minimum: int, with_unproven: bool = False) -> Plan:
    """The packages that keep most customers for ``budget`` (hundredths); what was not considered is said."""
    by_area, left_out = _considered(results, list(works), minimum, with_unproven)
    offered = [packages(results, area, mine) for area, mine in by_area.items()]
    options = [
        knapsack.Options(
            np.array([p.cost for p in mine], dtype=np.int64), np.array([p.leavers[0] for p in mine], dtype=float)
        )
        for mine in offered
    ]
    choice = knapsack.choose(options, budget)
    chosen = [mine[i] for mine, i in zip(offered, choice.chosen, strict=True) if i is not None]
    chosen.sort(key=lambda p: -p.leavers[0] / max(p.cost, 1))
    return Plan(tuple(chosen), choice.cost, choice.gap, tuple(left_out))


def _considered(
    results: Results, works: Sequence[Work], minimum: int, with_unproven: bool
) -> tuple[dict[str, list[Work]], list[str]]:
    """Works by area that there is ground to choose among, and in words what was left out and why."""
    found, hidden = figures.found_measures(results), suppression.small_areas(results, minimum)
    withheld = figures.why_withheld(results)
    saving = results.avoidable.set_index(["area", "measure"])["avoidable_leavers_90d"]
    by_area: dict[str, list[Work]] = {}
    reasons: dict[str, int] = {}
    for work in works:
        if work.area in hidden:
            why = "in areas with too few customers to show separately"
        elif not with_unproven and work.measure not in found and not (work.measure == figures.EVERYTHING and found):
            why = "of measures that were not found to affect leaving (--unproven includes them)"
        elif work.measure in withheld:
            why = f"whose numbers are withheld: {withheld[work.measure]}"
        elif not saving.get((work.area, work.measure), math.nan) > 0:
            why = "that would keep no customers, as far as is known"
        else:
            by_area.setdefault(work.area, []).append(work)
            continue
        reasons[why] = reasons.get(why, 0) + 1
    return by_area, [f"{numbers.of(count, 'work')} {why}" for why, count in reasons.items()]


def packages(results: Results, area: str, works: Sequence[Work]) -> list[Package]:
    """Every combination of the area's ``works``; all measures together is one by itself."""
    rows = results.avoidable[results.avoidable["area"] == area].set_index("measure")
    ranking = results.ranking.set_index("area")
    expected = float(ranking["expected_leavers_90d"].loc[area])
    single = [work for work in works if work.measure != figures.EVERYTHING]
    sets = itertools.chain.from_iterable(itertools.combinations(single, n) for n in range(1, len(single) + 1))
    together = [[work] for work in works if work.measure == figures.EVERYTHING]
    made = []
    for chosen in (*sets, *together):
        measures = tuple(work.measure for work in chosen)
        leavers = [_combined(rows, measures, expected, end) for end in ENDS]
        made.append(Package(area, measures, sum(work.cost for work in chosen), (leavers[0], leavers[1], leavers[2])))
    return made


def _combined(rows: pd.DataFrame, measures: Sequence[str], expected: float, end: str) -> float:
    """Leavers in 90 days that ``measures`` keep together, at one end of the interval or in the middle."""
    column = f"avoidable_leavers_90d{end}"
    saved = [float(one) for one in rows.loc[list(measures), column]]
    if len(saved) == 1:
        return saved[0]
    kept = expected * (1 - math.prod(1 - min(one / expected, 1.0) for one in saved)) if expected > 0 else max(saved)
    everything = float(rows[column].get(figures.EVERYTHING, math.nan))
    return kept if math.isnan(everything) else min(kept, max(everything, *saved))


def total(made: Plan) -> tuple[float, float, float]:
    """Customers kept over all packages: (middle, low, high)."""
    middle, low, high = np.sum([p.leavers for p in made.packages], axis=0).tolist()
    return middle, low, high


def write_csv(made: Plan, results: Results, path: Path) -> None:
    """The plan for a spreadsheet, a row per area, the best value first."""
    names = area_names(results)
    columns = ["area", "name", "measures", "cost", *(f"avoidable_leavers_90d{end}" for end in ENDS), "intervals"]
    rows = []
    for p in made.packages:
        name = names.get(p.area, p.area)
        rows.append([p.area, name, "; ".join(p.measures), f"{p.cost / CENTS:.2f}", *p.leavers, figures.HELD])
    path.write_text(spreadsheet.table(pd.DataFrame(rows, columns=columns)), encoding="utf-8", newline="")
