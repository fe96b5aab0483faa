"""What would have been predicted on past dates, with only what was known then, compared with simple rankings.

Rolling origin (Tashman 2000): at each origin the models are fitted to departures up to the reporting lag before it,
score the customers of that day, and are judged by who left in the twelve weeks after. It assumes that departures are
entered within the lag, as every build does, and that who left within it and is not yet entered is few.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN
from dashboard.models.leaving import challenger, churn, standardise
from dashboard.models.leaving.forecast import drifting_ratio, expected_leavers
from dashboard.models.statistics import accuracy
from dashboard.models.statistics.interval_sides import Side, side_in

Floats = npt.NDArray[np.float64]

PERIOD_DAYS = 28
AHEAD_PERIODS = 3
AHEAD_DAYS = AHEAD_PERIODS * PERIOD_DAYS
OUTAGE_WEEKS, COMPLAINT_WEEKS, CHURN_PERIODS = 13, 4, 3
MOST_BINS = 512
BOOTSTRAPS = 1000
FEWEST_AREAS = 5
MODELS = ("hazard", "challenger")
NAIVE = ("outage_minutes", "complaints", "churn", "tenure")
MEASURES = ("auc", "lift", "capture", "area_lift", "precision")
"""Of customers: AUC, lift and capture at the top tenth. Of areas: lift of the tenth of customers in the areas ranked
highest, and the share of the tenth of areas ranked highest that truly lost most."""


@dataclass(frozen=True, slots=True)
class Past:
    """The panel's tables, as `schema.py` declares them, with the lag within which departures are entered."""

    customer_weeks: pd.DataFrame
    customer_periods: pd.DataFrame
    area_weeks: pd.DataFrame
    cut_off: datetime.date
    lag_days: int


@dataclass(frozen=True, slots=True)
class Origin:
    """One day of the past: its customers (n,), who of them left in the time after, their area's code, and by scorer
    the scores of customers and of areas (areas,); ``chances`` are those scores that are chances."""

    day: pd.Timestamp
    outcome: Floats
    area: npt.NDArray[np.int64]
    areas: tuple[str, ...]
    by_customer: Mapping[str, Floats]
    by_area: Mapping[str, Floats]
    chances: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Backtest:
    """``measures``: a row per scorer and measure, over all origins: value, low, high, and the hazard's gain over that
    scorer with its interval. ``origins``: the same by origin, without intervals. ``calibration``: tenths by model.
    ``areas``: by origin how many had customers.
    """

    measures: pd.DataFrame
    origins: pd.DataFrame
    calibration: pd.DataFrame
    notes: tuple[str, ...]
    areas: tuple[int, ...] = ()

    def beats_naive(self, measure: str) -> bool:
        """Whether the hazard is better than every naive ranking: each interval of the gain lies above zero.

        All have to, so that looking at four needs no correction (Berger 1982). One that is not known is none of them.
        """
        own = self.measures[(self.measures["measure"] == measure) & self.measures["scorer"].isin(NAIVE)]
        return len(own) > 0 and all(side is Side.ABOVE for side in _gains(own))

    @property
    def ranker(self) -> str:
        """Who should rank areas: the challenger where it is shown better at it, else the hazard."""
        own = self.measures[(self.measures["measure"] == "area_lift") & (self.measures["scorer"] == "challenger")]
        return "challenger" if len(own) and all(side is Side.BELOW for side in _gains(own)) else "hazard"


def _gains(measures: pd.DataFrame) -> list[Side]:
    """On which side of no gain each row's interval lies."""
    return [side_in(row, "gain") for row in measures.to_dict("records")]


def origins_of(past: Past, most: int) -> list[pd.Timestamp]:
    """The last ``most`` starts of four-week periods after which twelve weeks are on record; earliest first."""
    end = pd.Timestamp(past.cut_off) + pd.Timedelta(days=1)
    starts = sorted(past.customer_periods["period"].unique())
    return [day for day in starts if day + pd.Timedelta(days=AHEAD_DAYS) <= end][-most:]


def backtest(past: Past, *, most: int, seed: int, progress: Callable[[str], None] = lambda _: None) -> Backtest:
    """Go back to each origin, score, and judge. An origin before which too few had left is left out, and said."""
    origins, notes = [], []
    for day in origins_of(past, most):
        progress(f"{day:%Y-%m-%d}: fitting with what was known on that day")
        found = at_origin(past, day, seed=seed)
        if found is None:
            notes.append(
                f"{day:%Y-%m-%d}: left out: too few customers left before it to fit a model, or nobody left after it"
            )
        else:
            origins.append(found)
    if not origins:
        notes.append("no date is far enough back: 12 weeks of records after it and 50 departures before it are needed")
    return judge(origins, tuple(notes), seed=seed)


def at_origin(past: Past, day: pd.Timestamp, *, seed: int) -> Origin | None:
    """Score the customers of ``day``, with departures known only up to the lag before it; None where there are too few."""
    known_by = day - pd.Timedelta(days=past.lag_days)
    weeks = past.customer_weeks[past.customer_weeks["week"] + pd.Timedelta(days=7) <= known_by]
    periods = past.customer_periods[past.customer_periods["period"] + pd.Timedelta(days=PERIOD_DAYS) <= known_by]
    area_weeks = past.area_weeks[past.area_weeks["week"] + pd.Timedelta(days=7) <= day]
    customers = _customers(past.customer_periods, day)
    outcome = _outcome(past.customer_periods, customers, day)
    predictor = churn.predictor(weeks, with_doses=False) if len(weeks) else None
    trees = challenger.fit(weeks, seed=seed)
    if predictor is None or trees is None or not 0 < outcome.sum() < outcome.size:
        return None
    areas = sorted(set(customers["area"]) | set(periods["area"]))
    code = np.asarray(pd.Index(areas).get_indexer(pd.Index(customers["area"].astype(object))), dtype=np.int64)
    ahead = expected_leavers.expect(predictor, periods, customers, areas, area_weeks=area_weeks)
    ratio = drifting_ratio.ratios_now(ahead.counts, ahead.past).mean
    chances = {
        "hazard": _in_time(np.minimum(ahead.customers * ratio[code], 1.0)),
        "challenger": _in_time(trees.chance(customers)),
    }
    by_area = {name: _area_means(chance, code, len(areas)) for name, chance in chances.items()}
    by_area |= _naive_areas(area_weeks, periods, customers, areas)
    by_customer = {**chances, **_naive_customers(customers, by_area["churn"][code])}
    if (
        len(area_weeks) and area_weeks["complaints_other"].isna().any()
    ):  # withheld: a ranking by them would be one by nothing
        del by_area["complaints"], by_customer["complaints"]
    return Origin(day, outcome, code, tuple(areas), by_customer, by_area, chances)


def _customers(periods: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Who was a customer on the morning of ``day``, as known then, without what the period brought."""
    rows = periods[periods["period"] == day]
    was_there = rows["tenure_days"].to_numpy(dtype=float) == (day - rows["started_on"]).dt.days.to_numpy(dtype=float)
    later = ["period", "left_voluntarily", "left_otherwise", "days_at_risk"]
    return rows[was_there].drop(columns=later).reset_index(drop=True)


def _outcome(periods: pd.DataFrame, customers: pd.DataFrame, day: pd.Timestamp) -> Floats:
    """1 for those who left of their own will within the twelve weeks from ``day`` on."""
    inside = (periods["period"] >= day) & (periods["period"] < day + pd.Timedelta(days=AHEAD_DAYS))
    left = periods[inside & periods["left_voluntarily"].astype(bool)]
    key = ["customer_id", "started_on"]
    return np.asarray(pd.MultiIndex.from_frame(customers[key]).isin(pd.MultiIndex.from_frame(left[key])), dtype=float)


def _in_time(chance: Floats) -> Floats:
    """A chance within the models' 90 days as one within twelve weeks."""
    return np.asarray(1 - (1 - chance) ** (AHEAD_DAYS / standardise.HORIZON_DAYS))


def _naive_customers(customers: pd.DataFrame, churn_of_area: Floats) -> dict[str, Floats]:
    hours = customers[DOWN.trailing].to_numpy(dtype=float, na_value=np.nan)
    complaints = customers["complaints_before"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return {
        "outage_minutes": np.nan_to_num(hours, nan=float(np.nanmean(hours)) if np.isfinite(hours).any() else 0.0),
        "complaints": np.nan_to_num(complaints),
        "churn": churn_of_area,
        "tenure": -customers["tenure_days"].to_numpy(dtype=float),
    }


def _naive_areas(
    area_weeks: pd.DataFrame, periods: pd.DataFrame, customers: pd.DataFrame, areas: list[str]
) -> dict[str, Floats]:
    """By area: minutes down and complaints lately, departures in the last quarter on record, and how new customers are."""
    recent = sorted(area_weeks["week"].unique())
    outages = area_weeks[area_weeks["week"].isin(recent[-OUTAGE_WEEKS:])]
    last_month = area_weeks[area_weeks["week"].isin(recent[-COMPLAINT_WEEKS:])]
    counts = last_month.filter(regex="^complaints_").astype(float).sum(axis=1).groupby(last_month["area"]).sum()
    quarter = periods[periods["period"].isin(sorted(periods["period"].unique())[-CHURN_PERIODS:])].groupby("area")
    scores = {
        "outage_minutes": outages.groupby("area")[DOWN.area_column].sum().astype(float) * 60,
        "complaints": counts / last_month.groupby("area")["customer_days"].sum(),
        "churn": quarter["left_voluntarily"].sum() / quarter["days_at_risk"].sum(),
        "tenure": -customers.groupby("area")["tenure_days"].mean().astype(float),
    }
    return {name: _filled(values.reindex(areas)) for name, values in scores.items()}


def _filled(values: pd.Series) -> Floats:
    """What is not known of an area is the mean of the others."""
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    return np.nan_to_num(numbers, nan=float(known.mean()) if known.size else 0.0, posinf=0.0)


def _area_means(values: Floats, area: npt.NDArray[np.int64], areas: int) -> Floats:
    size = np.bincount(area, minlength=areas)
    return np.asarray(np.bincount(area, weights=values, minlength=areas) / np.maximum(size, 1))


def judge(origins: list[Origin], notes: tuple[str, ...], *, seed: int) -> Backtest:
    """Measures over all origins, with intervals from drawing the areas again, the same areas in every origin."""
    scorers = _scorers(origins)
    if origins and "complaints" not in scorers:
        notes = (*notes, "complaints are not known, so there is no ranking by complaints")
    by_origin = [_by_origin(origin) for origin in origins]
    names = sorted({area for origin in origins for area in origin.areas})
    has_intervals = len(names) >= FEWEST_AREAS
    if origins and not has_intervals:
        notes = (*notes, f"fewer than {FEWEST_AREAS} areas: no intervals, so no comparison is made")
    times = _times(len(names), seed) if origins and has_intervals else None
    draws = _draws(origins, names, times) if times is not None else {}
    rows = []
    for measure in MEASURES if origins else ():
        values = {name: float(np.nanmean([o[name, measure] for o in by_origin])) for name in scorers}
        for name in scorers:
            own, hazard = draws.get((name, measure)), draws.get(("hazard", measure))
            ends = _ends(own)
            gain_ends = _ends(hazard - own if own is not None and hazard is not None and name != "hazard" else None)
            gain = float("nan") if name == "hazard" else values["hazard"] - values[name]
            rows.append((name, measure, values[name], *ends, gain, *gain_ends, len(origins)))
    columns = ["scorer", "measure", "value", "low", "high", "gain", "gain_low", "gain_high", "origins"]
    by_day = [
        (origin.day, name, measure, found[name, measure], origin.outcome.size, int(origin.outcome.sum()))
        for origin, found in zip(origins, by_origin, strict=True)
        for name in scorers
        for measure in MEASURES
    ]
    return Backtest(
        pd.DataFrame(rows, columns=columns),
        pd.DataFrame(by_day, columns=["origin", "scorer", "measure", "value", "customers", "leavers"]),
        _calibration(origins, names, times),
        notes,
        tuple(int((np.bincount(origin.area) > 0).sum()) for origin in origins),
    )


def _scorers(origins: list[Origin]) -> tuple[str, ...]:
    """The models and the naive rankings that are known on every day."""
    return tuple(name for name in (*MODELS, *NAIVE) if all(name in origin.by_customer for origin in origins))


def _by_origin(origin: Origin) -> dict[tuple[str, str], float]:
    found = {}
    size = np.bincount(origin.area, minlength=len(origin.areas))
    rate = np.bincount(origin.area, weights=origin.outcome, minlength=len(origin.areas)) / np.maximum(size, 1)
    lived_in = size > 0
    count = max(1, int(np.ceil(lived_in.sum() * accuracy.TOP_SHARE)))
    for name, score in origin.by_customer.items():
        of_area = origin.by_area[name]
        found[name, "auc"] = accuracy.auc(origin.outcome, score)
        found[name, "capture"] = accuracy.capture(origin.outcome, score)
        found[name, "lift"] = found[name, "capture"] / accuracy.TOP_SHARE
        found[name, "area_lift"] = accuracy.lift(origin.outcome, of_area[origin.area])
        found[name, "precision"] = accuracy.precision_at(rate[lived_in], of_area[lived_in], count)
    return found


def _times(areas: int, seed: int) -> Floats:
    """How often each area is drawn (bootstraps, areas)."""
    random = np.random.default_rng(seed)
    return random.multinomial(areas, np.full(areas, 1 / areas), size=BOOTSTRAPS).astype(float)


def _draws(origins: list[Origin], names: list[str], times: Floats) -> dict[tuple[str, str], Floats]:
    """By scorer and measure the mean (bootstraps,) over origins with the areas drawn again; precision has none."""
    found: dict[tuple[str, str], Floats] = {}
    for scorer in _scorers(origins):
        parts: dict[str, list[Floats]] = {"auc": [], "capture": [], "area_lift": []}
        for origin in origins:
            own = times[:, pd.Index(names).get_indexer(pd.Index(origin.areas))]
            left, stayed = _by_bin(origin, origin.by_customer[scorer])
            parts["auc"].append(_auc(own @ left, own @ stayed))
            parts["capture"].append(_capture(own @ left, own @ stayed))
            left, stayed = _by_bin(origin, origin.by_area[scorer][origin.area])
            parts["area_lift"].append(_capture(own @ left, own @ stayed) / accuracy.TOP_SHARE)
        found |= {(scorer, measure): np.nanmean(np.stack(values), axis=0) for measure, values in parts.items()}
        found[scorer, "lift"] = found[scorer, "capture"] / accuracy.TOP_SHARE
    return found


def _by_bin(origin: Origin, score: Floats) -> tuple[Floats, Floats]:
    """Who left and who stayed (areas, bins), by at most 512 bins of the score: a bootstrap is then one product."""
    distinct = np.unique(score)
    if distinct.size > MOST_BINS:
        distinct = np.unique(np.quantile(score, np.linspace(0, 1, MOST_BINS + 1)[1:]))
    cell = origin.area * distinct.size + np.searchsorted(distinct, score)
    shape = len(origin.areas), distinct.size
    left = np.bincount(cell, weights=origin.outcome, minlength=shape[0] * shape[1]).reshape(shape)
    everybody = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    return np.asarray(left, dtype=float), np.asarray(everybody - left, dtype=float)


def _auc(left: Floats, stayed: Floats) -> Floats:
    """(draws,) from counts (draws, bins), ascending."""
    below = np.cumsum(stayed, axis=1) - stayed / 2
    pairs = left.sum(axis=1) * stayed.sum(axis=1)
    return np.divide((left * below).sum(axis=1), pairs, out=np.full(len(left), np.nan), where=pairs > 0)


def _capture(left: Floats, stayed: Floats) -> Floats:
    """(draws,) the part of who left that the top tenth holds, from counts (draws, bins), ascending."""
    left, size = left[:, ::-1], (left + stayed)[:, ::-1]
    before = np.cumsum(size, axis=1) - size
    border = accuracy.TOP_SHARE * size.sum(axis=1, keepdims=True)
    taken = np.clip((border - before) / np.maximum(size, 1e-300), 0.0, 1.0)
    total = left.sum(axis=1)
    return np.divide((left * taken).sum(axis=1), total, out=np.full(len(left), np.nan), where=total > 0)


def _ends(draws: Floats | None) -> tuple[float, float]:
    """The 95% interval of draws; nan without them."""
    if draws is None or not np.isfinite(draws).any():
        return float("nan"), float("nan")
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return float(low), float(high)


def _calibration(origins: list[Origin], names: list[str], times: Floats | None) -> pd.DataFrame:
    """By model: tenths of all origins' customers by chance, predicted against observed, slope and level beside them.

    Customers count once per origin. Intervals are of the areas drawn again ``times``, and nowhere shorter than Wilson's; none without draws.
    """
    columns = [
        "scorer",
        "tenth",
        "customers",
        "predicted",
        "observed",
        "observed_low",
        "observed_high",
        "slope",
        "level",
    ]
    rows = []
    for name in MODELS if origins else ():
        outcome = np.concatenate([origin.outcome for origin in origins])
        chance = np.concatenate([origin.chances[name] for origin in origins])
        found = accuracy.calibration(outcome, chance)
        found.tenths[:, 3:] = _tenth_ends(origins, names, times, found.tenths, accuracy.tenth_of(chance))
        rows += [
            (name, tenth, int(row[0]), *row[1:], found.slope.value, found.intercept.value)
            for tenth, row in enumerate(found.tenths, start=1)
            if np.isfinite(row[0])
        ]
    return pd.DataFrame(rows, columns=columns)


def _tenth_ends(
    origins: list[Origin], names: list[str], times: Floats | None, tenths: Floats, tenth: npt.NDArray[np.int64]
) -> Floats:
    """Ends (tenths, 2) of the intervals of what was observed; ``tenth`` (n,) is that of each customer of each origin."""
    if times is None:
        return np.full((accuracy.TENTHS, 2), np.nan)
    area = np.concatenate([pd.Index(names).get_indexer(pd.Index(origin.areas))[origin.area] for origin in origins])
    cell, shape = area * accuracy.TENTHS + tenth, (len(names), accuracy.TENTHS)
    outcome = np.concatenate([origin.outcome for origin in origins])
    left = np.bincount(cell, weights=outcome, minlength=shape[0] * shape[1]).reshape(shape)
    size = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    there = times @ size
    shares = np.divide(times @ left, there, out=np.full(there.shape, np.nan), where=there > 0)
    ends = np.array([_ends(share) for share in shares.T])
    return np.column_stack([np.fmin(ends[:, 0], tenths[:, 3]), np.fmax(ends[:, 1], tenths[:, 4])])
