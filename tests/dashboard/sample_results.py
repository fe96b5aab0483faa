"""Plausible result tables of a seeded provider: four areas with a bad network, one new and small."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from dashboard.measures import LENGTHS, longer_than
from dashboard.results import stored_results
from dashboard.tables import ranking_tables
from dashboard.tables.schema import CATEGORIES

from .sample_measures import not_taken

CUT_OFF = date(2026, 10, 19)
NAMES = (
    "Alder Row",
    "Bellweir",
    "Copper Quay",
    "Dunmere",
    "Eastfold",
    "Fennel Park",
    "Gaslight",
    "Harrow Bank",
    "Inkerman",
    "Juniper Rise",
    "Kestrel Hill",
    "Lantern Yard",
    "Millrace",
    "Northgate",
    "Old Tannery",
    "Pearl Dock",
    "Quarry End",
    "Rookwood",
    "Saltmarsh",
    "Thornfield",
    "Upper Lock",
    "Vinegar Hill",
    "Westering",
    "Yarrow Green",
)
EMPTY_NOTE = "too little data: fewer than two leavers expected"


def frames(seed: int, *, is_found: bool = True) -> dict[str, pd.DataFrame]:
    """Every table of RESULT_TABLES; four areas have a bad network, one is new and small."""
    rng = np.random.default_rng(seed)
    ids = [f"n{i:02d}" for i in range(len(NAMES))]
    bad = dict(zip(rng.permutation(ids)[:4], (2.6, 2.0, 1.6, 1.4), strict=True))
    customers = dict(zip(ids, rng.integers(220, 900, len(ids)), strict=True))
    customers[ids[22]] = 64
    customers[ids[5]] = 21
    weeks = _area_weeks(rng, customers, bad)
    return {
        "areas": _areas(rng, ids),
        "area_weeks": weeks,
        "area_rates": _area_rates(customers, weeks),
        "ranking": _ranking(rng, customers, bad, is_found=is_found),
        "area_drivers": _drivers(rng, ids, bad, is_found=is_found),
        "effects": _effects(is_found=is_found),
        "joint_tests": pd.DataFrame(
            {
                "model": ["complaints", "leaving"],
                "statistic": [14.2 if is_found else 0.7] * 2,
                "numerator_df": [4] * 2,
                "denominator_df": [23] * 2,
                "p_value": [1e-5 if is_found else 0.6] * 2,
                "p_value_above": [1e-6 if is_found else 0.3] * 2,
                "is_found": [is_found] * 2,
            }
        ),
        "avoidable": _avoidable(ids, customers, bad),
        "dose_checks": _dose_checks(),
        "dose_bins": _dose_bins(),
        **_loyalty(customers),
    }


def _areas(rng: np.random.Generator, ids: list[str]) -> pd.DataFrame:
    """A grid of 6 x 4 blocks whose shared corners are moved at random."""
    corners = np.stack(np.meshgrid(np.arange(7.0), np.arange(5.0), indexing="ij"), axis=-1)
    corners += rng.uniform(-0.28, 0.28, corners.shape)
    places = corners * (0.016, 0.011) + (4.42, 51.89)
    outlines = []
    for i in range(len(ids)):
        x, y = i % 6, i // 6
        ring = [places[x, y], places[x + 1, y], places[x + 1, y + 1], places[x, y + 1], places[x, y]]
        rounded = [[round(float(a), 5), round(float(b), 5)] for a, b in ring]
        outlines.append(json.dumps({"type": "Polygon", "coordinates": [rounded]}))
    return pd.DataFrame({"area": ids, "name": NAMES, "timezone": None, "geometry": outlines})


def _area_weeks(rng: np.random.Generator, customers: dict[str, int], bad: dict[str, float]) -> pd.DataFrame:
    rows = []
    for area, people in customers.items():
        trouble = bad.get(area, 1.0) - 1
        for w in range(56):
            week = CUT_OFF - timedelta(weeks=52 - w)
            down = float(
                rng.exponential(0.12)
                + (rng.exponential(2.5 + 3 * trouble) if rng.random() < 0.05 + 0.12 * trouble else 0)
            )
            latency = float(0.022 + 0.018 * trouble + rng.normal(0, 0.002) + 0.006 * trouble * w / 56)
            expected = people / 1000
            quality = rng.poisson(expected * (3.2 + 5.0 * down + 90 * max(0, latency - 0.02)))
            split = int(rng.binomial(quality, 0.6))
            other = rng.poisson(expected * np.array([2.1, 1.2, 0.8, 1.5]))
            rows.append(
                {
                    "area": area,
                    "week": week,
                    "is_complete": week < CUT_OFF,
                    "customer_days": float(people * 7),
                    "joiners": int(rng.poisson(expected * 3)),
                    "leavers_voluntary": int(rng.poisson(expected * 2.3 * (1 + trouble))),
                    "leavers_other": int(rng.poisson(expected)),
                    **dict(
                        zip(
                            (f"complaints_{c}" for c in CATEGORIES),
                            (split, quality - split, *map(int, other)),
                            strict=True,
                        )
                    ),
                    "quiet_customer_days": float(people * 6),
                    "quiet_complaints_billing": int(other[0]) // 2,
                    "quiet_complaints_price": int(other[1]) // 2,
                    "observed_ratio": float(rng.uniform(0.97, 1)),
                    "down_hours_per_customer": down,
                    "down_hours_variance": down**2,
                    "down_ratio": min(1.0, down),
                    "long_down_ratio": 0.1 * (down > 1),
                    "long_down_hours_per_customer": 0.6 * (down > 1),
                    **{longer_than(hours): down * (down > hours / 8) for hours in LENGTHS},
                    "planned_hours_per_customer": 0.0,
                    "evening_rtt_p95_mean_seconds": latency if w != 20 else None,
                    "loss_ratio": float(rng.gamma(2, 0.001 + 0.002 * trouble)),
                    **not_taken("area_column"),
                    "evening_utilization_mean_ratio": float(np.clip(0.48 + 0.2 * trouble + rng.normal(0, 0.03), 0, 1)),
                    "price_gap_mean": float(3 + rng.normal(0, 0.1)),
                    "nps_answers": int(rng.poisson(4)),
                    "nps_promoters": 1,
                    "nps_detractors": 1,
                    "reviews": w % 2,
                    "review_rating_mean": 3.5 if w % 2 else None,
                }
            )
    return pd.DataFrame(rows)


def _area_rates(customers: dict[str, int], weeks: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for area, people in customers.items():
        mine = weeks[(weeks["area"] == area) & weeks["is_complete"]]
        days = float(mine["customer_days"].sum())
        quality = mine[["complaints_connection", "complaints_slow"]].to_numpy().sum()
        every = mine[[f"complaints_{c}" for c in CATEGORIES]].to_numpy().sum()
        for outcome, events in (
            ("leaving", mine["leavers_voluntary"].sum()),
            ("complaints_quality", quality),
            ("complaints_all", every),
        ):
            rate = float(events) / days * 90
            rows.append(
                (
                    area,
                    outcome,
                    people,
                    days,
                    int(events),
                    float(events) * 0.9,
                    rate,
                    rate * 0.95,
                    rate * 0.75,
                    rate * 1.25,
                )
            )
    return pd.DataFrame(rows, columns=list(ranking_tables.AREA_RATES.column_names))


def _ranking(
    rng: np.random.Generator, customers: dict[str, int], bad: dict[str, float], *, is_found: bool
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for area, people in customers.items():
        expected = people * 0.028 * bad.get(area, 1.0) * float(rng.uniform(0.85, 1.15))
        excess = expected - people * 0.028
        spread = 0.32 * expected + 1.2
        small = people < 70
        rows.append(
            {
                "area": area,
                "verdict": "too_little_data" if small else _verdict(excess, spread, is_found),
                "customers": int(people),
                "leavers": int(rng.poisson(expected * 3.4)),
                **{f"expected_leavers_90d{k}": None if small else expected + s * spread for k, s in _ENDS},
                **{f"excess_leavers_90d{k}": None if small else excess + s * spread for k, s in _ENDS},
                "monthly_revenue_at_risk": None if small else max(0.0, excess) * 41.5,
                "is_found": is_found and not small and excess > 1.05 * spread,
                "outage_minutes_per_customer": float(rng.gamma(2, 60) * bad.get(area, 1.0) ** 2),
                "note": EMPTY_NOTE if small else None,
            }
        )
    table = pd.DataFrame(rows).sort_values("excess_leavers_90d", ascending=False, na_position="last")
    ranked = table["excess_leavers_90d"].notna()
    position = pd.Series(range(1, len(table) + 1), index=table.index)
    table["rank"] = position.where(ranked).astype("Int64")
    table["rank_low"] = (position - 4).clip(lower=1).where(ranked).astype("Int64")
    table["rank_high"] = (position + 5).clip(upper=int(ranked.sum())).where(ranked).astype("Int64")
    return table[list(ranking_tables.RANKING.column_names)].reset_index(drop=True)


_ENDS = (("", 0.0), ("_low", -1.0), ("_high", 1.0))


def _verdict(excess: float, spread: float, is_found: bool) -> str:
    if is_found and excess > 1.05 * spread:
        return "at_risk"
    return "watch" if excess > 0.4 * spread else "ordinary"


_DRIVERS: tuple[tuple[str, str, float, float, float], ...] = (
    ("down_hours", "hours per customer-week", 0.25, 0.35, 1.22),
    ("evening_latency", "seconds", 0.024, 0.018, 1.10),
    ("loss", "ratio", 0.003, 0.004, 1.04),
    ("evening_utilization", "ratio", 0.5, 0.2, 1.03),
    ("price_gap", "currency per month", 3.0, 0.4, np.nan),
    ("locked_in", "ratio", 0.42, 0.05, np.nan),
)


def _drivers(rng: np.random.Generator, ids: list[str], bad: dict[str, float], *, is_found: bool) -> pd.DataFrame:
    rows = []
    for area in ids:
        trouble = bad.get(area, 1.0) - 1
        mine = []
        for driver, unit, provider, step, effect in _DRIVERS:
            standing = float(rng.normal(0, 0.6) + 3 * trouble * (driver not in {"price_gap", "locked_in"}))
            ratio = effect ** max(0.1, standing) if is_found else 1 + 0.01 * standing
            found = is_found and driver in {"down_hours", "evening_latency"}
            value = max(0.0, provider + step * standing / 2)
            half = 0.06 if found else 0.15
            ends = (ratio, ratio * (1 - half), ratio * (1 + half), found)
            mine.append((area, driver, 0, value, provider, unit, standing, *ends, *ends))
        mine.sort(key=lambda row: -row[6])
        rows += [(*row[:2], i, *row[3:]) for i, row in enumerate(mine, 1)]
    return pd.DataFrame(rows, columns=list(ranking_tables.AREA_DRIVERS.column_names))


def _avoidable(ids: list[str], customers: dict[str, int], bad: dict[str, float]) -> pd.DataFrame:
    """Savings by measure: where the network is bad, by loss of service first."""
    rows = []
    for area in ids:
        trouble = bad.get(area, 1.0) - 1
        saved = [customers[area] * 0.012 * trouble * share for share in (0.8, 0.5, 0.1, 0.05)]
        for (term, unit, value, step, _), leavers in zip(_DRIVERS, saved, strict=False):
            rows.append((area, term, value, unit, value + step * trouble, *_saving(leavers)))
        rows.append((area, "everything", None, None, None, *_saving(sum(saved) * 0.8)))
    table = pd.DataFrame(rows, columns=list(ranking_tables.AVOIDABLE.column_names)[:-2])
    single = table[table["measure"] != "everything"].sort_values("avoidable_leavers_90d", ascending=False)
    table["position"] = pd.Series(range(1, len(single) + 1), index=single.index).reindex(table.index).astype("Int64")
    return table.astype({"target": float, "value": float}).assign(is_withheld=False)


def _dose_checks() -> pd.DataFrame:
    """Each measure passes."""
    rows = [(term, "passes", 8, 0, 3, 1.1, 0.41, None) for term, *_ in _DRIVERS[:4]]
    return pd.DataFrame(rows, columns=list(stored_results.RESULT_TABLES["dose_checks"].column_names))


def _dose_bins() -> pd.DataFrame:
    rows = [
        (term, place, unit, step * (place - 1), step * place, 100.0 + gap, 100.0, 1 + gap / 100, 0.8, 1.2)
        for term, unit, _, step, _ in _DRIVERS[:4]
        for place, gap in enumerate((2.0, -5.0, 3.0), 1)
    ]
    return pd.DataFrame(rows, columns=list(stored_results.RESULT_TABLES["dose_bins"].column_names))


def _loyalty(customers: dict[str, int]) -> dict[str, pd.DataFrame]:
    """Loyalty, contracts, surveys, prices, returners and outages; the provider's rows have a blank area."""
    everybody = {"": sum(customers.values()), **customers}
    who = [
        {
            "area": area,
            "customers": people,
            "judged": people,
            **dict(
                zip(
                    ("held_bad", "held_good", "free_bad", "free_good"),
                    (people // 9, people // 3, people // 20, people // 2),
                    strict=True,
                )
            ),
            **dict.fromkeys(("contract_unknown", "unhappy_held", "quality_complaints_judged"), people // 30),
            **dict.fromkeys(
                ("unhappy", "silent_sufferers", "quality_complaints", "quality_complaints_clean"), people // 40
            ),
            **dict.fromkeys(("unhappy_monthly_revenue", "silent_sufferers_monthly_revenue"), people * 1.5),
            "clean_ratio": 0.4,
            "clean_ratio_low": 0.3,
            "clean_ratio_high": 0.5,
            "price_gap_mean": 3.0,
        }
        for area, people in everybody.items()
    ]
    cliff = [
        (
            "",
            month,
            CUT_OFF + timedelta(days=30 * month),
            300 - 9 * month,
            9000.0,
            40 - month,
            1200.0,
            7 * (month == 12),
        )
        for month in range(1, 13)
    ]
    nps = [
        (area, 400, 120, 90, 7.5, 1.0, 14.0, 6.0, -1.0, 13.0, 380, -24.0, 31.0, 1.9, 1.1, 3.2, "a mood that nothing on record shows", 40, 5.0, 44, 20.0,
         -15.0, -28.0, -2.0, 0.01, 0.04, area == "n03", None)
        for area in ("", "n03", "n05", "n07")
    ]  # fmt: skip
    outages = [_outages(outcome, kind) for outcome in ("complaints_quality", "leaving") for kind in ("over_4h", "all")]
    made = {
        "contract_cliff": cliff,
        "area_nps": nps,
        "incident_effects": outages,
        "local_changes": [
            (area, CUT_OFF - timedelta(days=55), 8, 31, 18.2, 1.6, 1.2, 2.1, area == "n03", None)
            for area in ("n03", "n05", "n07")
        ],
        "shared_nodes": [
            *((area, "core-east", 3, 3, 1.34, 1.12, 1.61, 0.004, 0.41, True, None) for area in ("n02", "n03", "n07")),
            *((area, "core-west", 4, 2, 0.96, 0.81, 1.13, 0.8, 0.3, False, None) for area in ("n05", "n08")),
        ],
        "price_gaps": [("", 9000, 4000, 41.0, 37.0, 4.0, 0.7, 1.02, 1.01, 1.03, 0.001, True, "an association")],
        "returners": [("", "all", 900, 45, 30, 700.0, 6.4, 4.7, 8.6, 120.0, 30, 380)],
    }
    specs = stored_results.RESULT_TABLES
    tables = {name: pd.DataFrame(rows, columns=list(specs[name].column_names)) for name, rows in made.items()}
    return tables | {"loyalty": pd.DataFrame(who), "incident_weeks": _weeks_since()}


def _outages(outcome: str, kind: str) -> dict[str, object]:
    """What was found to follow outages of a kind."""
    names = ("excess", "excess_per_1000", "excess_per_1000_hours", "monthly_revenue")
    sizes = (10.0, 2.5, 0.4, 400.0 if outcome == "leaving" else None)
    ends = {"": 1.0, "_low": 0.2, "_high": 1.8}
    return dict.fromkeys(stored_results.RESULT_TABLES["incident_effects"].column_names) | {
        "outage": f"pooled:{kind}", "outcome": outcome, "design": "following_weeks", "is_pooled": True, "kind": "outage",
        "source": "incidents", "size": kind, "outages": 9, "customers": 4000, "customer_minutes": 6e5, "hours_each": 6.2,
        "weeks_after": 12, "expected": 40.0, "smallest_detectable": 8.0, "placebo_p_value": 0.4, "p_value": 0.01,
        "p_adjusted": 0.03, "verdict": "found",
        **{f"{name}{end}": part * size if size else None for name, size in zip(names, sizes, strict=True) for end, part in ends.items()},
    }  # fmt: skip


def _weeks_since() -> pd.DataFrame:
    rows = [
        (kind, "leaving", week, week < 0, 9, 0.01 if week < 0 else 0.2, -0.1, 0.4)
        for kind in ("all", "over_4h")
        for week in range(-8, 13)
    ]
    return pd.DataFrame(rows, columns=list(stored_results.RESULT_TABLES["incident_weeks"].column_names))


def _saving(leavers: float) -> tuple[float, ...]:
    return leavers, leavers * 0.4, leavers * 1.7


def _effects(*, is_found: bool) -> pd.DataFrame:
    terms = (
        ("down_hours", 1.0, "hours per customer-week", 1.22),
        ("evening_latency", 0.01, "seconds", 1.10),
        ("loss", 0.01, "ratio", 1.04),
        ("evening_utilization", 0.1, "ratio", 1.03),
    )
    rows = []
    for model, kind in (
        ("complaints", "effect"),
        ("complaints_placebo", "placebo"),
        ("complaints_control", "negative_control"),
        ("leaving", "effect"),
        ("leaving_control", "negative_control"),
    ):
        for i, (term, per, unit, ratio) in enumerate(terms):
            real = ratio if kind == "effect" and is_found else 1.005
            found = kind == "effect" and is_found and i < 2
            half = 1.05 if found else 1.12
            p = 0.001 if found else 0.4
            rows.append(
                (
                    model,
                    term,
                    kind,
                    per,
                    unit,
                    real,
                    real / half,
                    real * half,
                    p,
                    min(1.0, 4 * p),
                    found,
                    24,
                    "CR3, t(23)",
                )
            )
    return pd.DataFrame(rows, columns=list(ranking_tables.EFFECTS.column_names))
