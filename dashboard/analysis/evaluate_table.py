"""`bairro evaluate`: a provider's own customer table read, judged, told in words and written as files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from dashboard import spreadsheet
from dashboard.models.customer_table import evaluation
from dashboard.models.customer_table.evaluation import Evaluation, EvaluationError, Options, Rows
from dashboard.models.statistics import tabular
from dashboard.models.statistics.accuracy import Estimate
from dashboard.models.statistics.crossfit import Search
from dashboard.tables import customer_table
from dashboard.tables.customer_table import CustomerTable, CustomerTableError
from dashboard.tables.mappings import customer_mapping

FAULTS_SHOWN = 20
AREAS_SHOWN = 10
TENTH_COLUMNS = ["customers", "predicted", "observed", "observed_low", "observed_high"]


@dataclass(frozen=True)
class Wanted:
    """What `bairro evaluate` was asked: the files, the true rate, the folds and the seed."""

    table: Path
    mapping: Path
    out: Path
    holdout: Path | None = None
    score: Path | None = None
    true_rate: float | None = None
    folds: int = 5
    inner: int = 3
    seed: int = 1


@threadpool_limits.wrap(limits=1, user_api="blas")  # as model_runs.fit
def evaluate(wanted: Wanted) -> tuple[str, bool]:
    """Judge and write; returns the report and whether any row was refused.

    Raises settings_file.SettingsError (the mapping), CustomerTableError (a table) and EvaluationError (nothing to judge).
    """
    mapping = customer_mapping.load(wanted.mapping)
    table = customer_table.read(wanted.table, mapping)
    others = {name: path for name, path in (("holdout", wanted.holdout), ("score", wanted.score)) if path is not None}
    read = {name: customer_table.read(path, mapping, like=table) for name, path in others.items()}
    quality = tuple(customer_mapping.normal(column) for column in mapping.quality)
    options = Options(wanted.true_rate, quality, Search(wanted.folds, wanted.inner), wanted.seed)
    rows = _rows(table)
    scorer: tabular.Scorer | None = None
    try:
        if "holdout" in read:
            found, scorer = evaluation.on_holdout(rows, _rows(_with_outcome(read["holdout"])), options)
        else:
            found = evaluation.cross_validated(rows, options)
        if "score" in read and scorer is None:
            _, scorer = evaluation.learn(rows, options)
    except EvaluationError as error:
        raise EvaluationError(f"{wanted.table}: {error}") from None
    wanted.out.mkdir(parents=True, exist_ok=True)
    parts = [_told_table(t) for t in (table, *read.values())]
    parts += [told(found), *_write(found, wanted.out, (table, *read.values()))]
    if "score" in read and scorer is not None:
        parts.append(_write_scores(read["score"], scorer, rows, options, wanted.out))
    return "\n".join(parts), any(t.faults for t in (table, *read.values()))


def told(found: Evaluation) -> str:
    """The evaluation in words."""
    rate = found.leavers / found.customers
    model, plain, calibration = found.model, found.plain, found.calibration
    lines = [
        f"{found.customers:,} customers, {found.leavers:,} of whom left ({rate:.1%}); judged on {found.how}",
        "  order             of two customers, one who left and one who stayed, the one who left is ranked higher in",
        f"                    {_percent(model.auc)} of pairs (AUC; 50% is chance),",
        f"                    by a plain logistic regression {_percent(plain.auc)}:"
        f" difference {_percent(found.auc_gain, ' points')}",
        f"  likeliest tenth   leaves {_shown(model.lift, 2, ' times')} as often as all together (lift){_at(found)},",
        f"                    by a plain logistic regression {_shown(plain.lift, 2, ' times')}:"
        f" difference {_shown(found.lift_gain, 2)}",
        f"                    (it holds {model.capture:.0%} of those who leave; in the table as it is the lift"
        f" is {model.lift_in_sample:.2f}, of at most {min(10.0, 1 / rate):.2f})",
        f"  chances           odds of leaving are {_shown(_as_factor(calibration.intercept), 2, ' times')} those predicted"
        f" (1 is right){_at(found)}",
        f"                    slope {_shown(calibration.slope, 2)} (1 is right; below 1 high chances are too high and low"
        " ones too low)",
        f"  method            {_models(found)}",
        "  tenth of customers, by chance:  predicted  observed (95%)",
    ]
    lines += [
        f"    {place:2d}  {row[0]:8.0f}                {row[1]:8.2%}  {row[2]:.2%} ({row[3]:.2%} to {row[4]:.2%})"
        for place, row in enumerate(found.calibration.tenths, start=1)
        if not math.isnan(row[0])
    ]
    return "\n".join([*lines, *_told_areas(found), *_told_quality(found)])


def _told_areas(found: Evaluation) -> list[str]:
    if found.areas is None:
        return ["  areas             none are named: no ranking of areas"]
    rows = found.areas.rows
    spread, low, high = found.areas.spread
    lines = [
        f"  areas             {len(rows):,}, {int(rows['rank'].isna().sum())} of them with too few customers to rank;"
        f" {int(rows['is_found'].sum())} stand out above the others (one in ten of these may be chance)",
        f"    beyond what their customers' columns explain, odds differ between areas by a factor of about {math.exp(spread):.2f}"
        f" ({math.exp(low):.2f} to {math.exp(high):.2f}; 1 is not at all)",
    ]
    return lines + [
        f"    {row.rank:4d} ({row.rank_low} to {row.rank_high})  {row.area}: {row.customers:,} customers, odds of leaving"
        f" {row.odds_ratio:.2f} times the usual ones ({row.odds_ratio_low:.2f} to {row.odds_ratio_high:.2f})"
        for row in rows.dropna(subset=["rank"]).head(AREAS_SHOWN).itertuples()
    ]


def _told_quality(found: Evaluation) -> list[str]:
    lines = []
    for effect in found.quality:
        where = "within areas" if effect.kind == "within" else "between areas"
        how = "all else the same" if effect.is_adjusted else "by itself"
        odds = f"with {effect.per:.3g} more the odds of leaving are {effect.odds_ratio:.3f} times as high"
        ratio = f"{odds} ({effect.low:.3f} to {effect.high:.3f})"
        if math.isnan(effect.odds_ratio):
            ratio = "cannot be estimated: it does not vary, or no area has ten customers"
        elif math.isnan(effect.low):
            ratio = f"{odds}; no interval: fewer than ten areas"
        verdict = "not tested" if math.isnan(effect.low) else "an association" if effect.is_found else "none found"
        lines.append(f"    {effect.column}, {where}, {how}: {ratio}: {verdict}")
    heading = "  quality           by its standard deviation; an association is no proof of an effect"
    return [heading, *lines] if lines else []


def _models(found: Evaluation) -> str:
    names = [choice.name for choice in found.choices]
    words = {"logit": "logistic regression with curves", "trees": "boosted trees", "both": "both together"}
    return ", ".join(f"{words[n]} ({names.count(n)} of {len(names)} times)" for n in sorted(set(names)))


def _at(found: Evaluation) -> str:
    return "" if found.true_rate is None else f", at a true rate of {found.true_rate:.3g}"


def _shown(estimate: Estimate, digits: int, unit: str = "") -> str:
    return f"{estimate.value:.{digits}f}{unit} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f}{unit})"


def _percent(ratio: Estimate, unit: str = "%") -> str:
    return _shown(Estimate(*(100 * value for value in (ratio.value, ratio.low, ratio.high))), 1, unit)


def _as_factor(log_odds: Estimate) -> Estimate:
    return Estimate(*(math.exp(value) for value in (log_odds.value, log_odds.low, log_odds.high)))


def _told_table(table: CustomerTable) -> str:
    lines = [f"{table.path}: {table.rows_read:,} rows read, {len(table):,} used"]
    lines += [f"  {count:,} left out: {reason}" for reason, count in table.refused.items()]
    lines += [f"  {note}" for note in table.notes]
    lines += [
        f"  line {fault.line}{'' if fault.column is None else f', {fault.column}'}: {fault.reason}"
        for fault in table.faults[:FAULTS_SHOWN]
    ]
    if len(table.faults) > FAULTS_SHOWN:
        lines.append(f"  and {len(table.faults) - FAULTS_SHOWN} more")
    return "\n".join(lines)


def _rows(table: CustomerTable) -> Rows:
    outcome = np.zeros(len(table)) if table.outcome is None else table.outcome
    return Rows(table.predictors, outcome, table.area)


def _with_outcome(table: CustomerTable) -> CustomerTable:
    if table.outcome is None or bool(np.isnan(table.outcome).any()):
        unknown = len(table) if table.outcome is None else int(np.isnan(table.outcome).sum())
        raise CustomerTableError(f"{table.path}: {unknown} rows do not tell who left: nothing to judge by")
    return table


def _write(found: Evaluation, out: Path, tables: tuple[CustomerTable, ...]) -> list[str]:
    """evaluation.json, calibration.csv, areas.csv and quality.csv, and how they are told."""
    stored: dict[str, Any] = {
        "inputs": [
            {
                "file": t.path.name,
                "rows_read": t.rows_read,
                "rows_used": len(t),
                "left_out": t.refused,
                "notes": t.notes,
            }
            for t in tables
        ],
        **{name: getattr(found, name) for name in ("how", "customers", "leavers", "true_rate", "model", "plain")},
        **{name: getattr(found, name) for name in ("auc_gain", "lift_gain", "choices")},
        "calibration": {"slope": found.calibration.slope, "intercept": found.calibration.intercept},
    }
    files = {"calibration.csv": pd.DataFrame(found.calibration.tenths, columns=TENTH_COLUMNS)}
    if found.areas is not None:
        stored["area_spread"] = found.areas.spread
        files["areas.csv"] = found.areas.rows
    if found.quality:
        files["quality.csv"] = pd.DataFrame([{**asdict(e), "is_found": e.is_found} for e in found.quality])
    (out / "evaluation.json").write_text(
        json.dumps(_plain(stored), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    for name, frame in files.items():
        (out / name).write_text(spreadsheet.table(frame, float_format=None), encoding="utf-8", newline="")
    return [f"written: {', '.join(str(out / name) for name in ('evaluation.json', *files))}"]


def _plain(value: Any) -> Any:
    """Records as dicts, and numbers that are not known as null."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_scores(table: CustomerTable, scorer: tabular.Scorer, rows: Rows, options: Options, out: Path) -> str:
    """scores.csv: who is likely to leave, the likeliest first."""
    chance = evaluation.chances(scorer.log_odds(table.predictors), rows, options)
    frame = pd.DataFrame({"id": table.ids, "line": table.lines})
    if table.area is not None:
        frame["area"] = table.area
    frame["chance"] = chance
    frame = frame.sort_values("chance", ascending=False, kind="stable", ignore_index=True)
    frame["tenth"] = np.minimum(np.arange(len(frame)) * 10 // max(len(frame), 1), 9) + 1
    path = out / "scores.csv"
    path.write_text(spreadsheet.table(frame, float_format=None), encoding="utf-8", newline="")
    return f"{path}: {len(frame):,} customers scored, {chance.sum():.1f} of whom are expected to leave"
