"""What the worlds of bench/truth/analysis.py come to: tables in Markdown, and whether the targets are met."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy import stats

from bench.resume import Row
from bench.truth.coverage import wilson
from demo.customers import MEASURES
from demo.rules import QualityEffects, Rules

MEAN_RANGE, EACH_RANGE = (0.93, 0.97), (0.91, 0.99)
MOST_REJECTED, NOMINAL = 0.08, 0.05
LEAST_NOT_NEGATIVE = 0.90
NAMED = ("complaints", "leaving")
ALARMS = ("complaints_placebo", "complaints_control", "leaving_control")


def report(rows: list[Row], part: str) -> bool:
    """Print tables and verdicts; True where the targets are met."""
    areas = sorted({row["areas"] for row in rows})
    made_by = Counter(f"analysis {row.get('analysis')}, commit {row.get('commit')}" for row in rows)
    print("; ".join(f"{count} rows by {version}" for version, count in made_by.items()))
    if len(made_by) > 1:
        print("These are figures of several versions: measure again with another --output where the analysis changed.")
    print(f"\n{len(rows)} worlds of {', '.join(map(str, areas))} neighbourhoods, part: {part}\n")
    parts = [_effects(rows, part)] if part != "ranking" else []
    if part != "ranking":
        parts.append(_rejections(rows, part))
    _price_gap(rows)
    if part != "nothing":
        parts.append(_leavers(rows))
    if part == "ranking":
        parts.append(_scores(rows))
    seconds, panel = (np.mean([row[name] for row in rows]) for name in ("seconds", "panel_seconds"))
    cpu = np.mean([row.get("cpu_seconds", np.nan) for row in rows])
    print(
        f"\n{seconds:.1f} s a world ({cpu:.1f} s of CPU), {panel:.1f} of it world and panel,"
        f" at most {max(row['megabytes'] for row in rows)} MB"
    )
    return all(parts)


def truth(model: str, part: str) -> dict[str, float]:
    """The log rate ratio of every term, by the rules; of placebos and controls it is zero."""
    rules = Rules().without_quality_effects() if part == "nothing" or model in ALARMS else Rules()
    planted: QualityEffects = rules.complaints if model.startswith("complaints") else rules.leaving
    values = (planted.per_down_hour, planted.per_latency_10ms, planted.per_loss_point, planted.per_utilization_tenth)
    return dict(zip(MEASURES, values, strict=True))


def _effects(rows: list[Row], part: str) -> bool:
    print("| model | term | true log ratio | mean estimate (standard error) | intervals that hold it | found |")
    print("|---|---|---|---|---|---|")
    verdicts = []
    for model in (*NAMED, *ALARMS):
        shares = []
        for term, true in truth(model, part).items():
            ends = np.array([row["models"][model]["terms"][term] for row in rows], dtype=float)
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log(ends[~np.isnan(ends).any(axis=1)])
            if not len(logs):
                print(f"| {model} | {term} | {true:.2f} | no estimate | | |")
                continue
            held = (logs[:, 1] <= true) & (true <= logs[:, 2])
            shares.append(held.mean())
            error = logs[:, 0].std(ddof=1) / np.sqrt(len(logs)) if len(logs) > 1 else np.nan
            found = sum(term in row["models"][model]["found"] for row in rows)
            print(
                f"| {model} | {term} | {true:.2f} | {logs[:, 0].mean():.3f} ({error:.3f})"
                f" | {share(int(held.sum()), len(held))} | {found} |"
            )
        if model in NAMED:
            verdicts += shares
    return _verdict("intervals of the named effects hold the truth", verdicts) if verdicts else False


def _price_gap(rows: list[Row]) -> None:
    true = Rules().leaving_per_price_gap
    known = np.array([row["price_gap"] for row in rows if row.get("price_gap") is not None], dtype=float)
    if len(known):
        held = (known[:, 1] <= true) & (true <= known[:, 2])
        mean, error = known[:, 0].mean(), known[:, 0].std(ddof=1) / np.sqrt(len(known)) if len(known) > 1 else np.nan
        print(
            f"\nprice gap: true {true:.3f}, mean estimate {mean:.4f} ({error:.4f}), held by {share(int(held.sum()), len(held))}"
        )


def _verdict(name: str, shares: list[float]) -> bool:
    mean = float(np.mean(shares))
    each = all(EACH_RANGE[0] <= s <= EACH_RANGE[1] for s in shares)
    is_met = MEAN_RANGE[0] <= mean <= MEAN_RANGE[1] and each
    print(
        f"\n{'Met' if is_met else 'NOT met'}: {name}: {mean:.1%} in the mean, {min(shares):.1%} to {max(shares):.1%}\n"
    )
    return is_met


def _rejections(rows: list[Row], part: str) -> bool:
    print("\n| model | joint test below 0.05 | joint test or a term found | a term found |\n|---|---|---|---|")
    is_met = True
    for model in (*NAMED, *ALARMS):
        made = [row["models"][model] for row in rows if row["models"][model]["joint"] is not None]
        if not made:
            continue
        finds = sum(m["finds"] for m in made)
        jointly = sum(m["joint"] < 0.05 for m in made)
        print(
            f"| {model} | {share(jointly, len(made))} | {share(finds, len(made))}"
            f" | {share(sum(bool(m['found']) for m in made), len(made))} |"
        )
        if part == "nothing" and model in NAMED:
            is_met &= wilson(finds, len(made))[1] <= MOST_REJECTED
        if model in ALARMS:
            is_met &= wilson(jointly, len(made))[0] <= NOMINAL
    if part == "nothing":
        print(
            f"\n{'Met' if is_met else 'NOT met'}: false findings, upper bounds at most {MOST_REJECTED:.0%} in both models,"
            f" placebo and controls no more often than {NOMINAL:.0%} allows"
        )
    return is_met


def _leavers(rows: list[Row]) -> bool:
    print("\n| leavers in 90 days | intervals that hold the truth | width over truth | told over true, all areas |")
    print("|---|---|---|---|")
    known = [row for row in rows if "coverage" in row]
    shares = []
    for name in known[0]["coverage"] if known else ():
        hits, trials, width = (np.array([row["coverage"][name][i] for row in known], dtype=float) for i in range(3))
        if not trials.sum():
            continue
        mean = hits.sum() / trials.sum()
        spread = np.nanstd(hits / np.where(trials > 0, trials, np.nan), ddof=1) / np.sqrt(len(known))
        ratio = np.array([row["ratio"].get(name.removesuffix("_leavers_90d"), np.nan) for row in known], dtype=float)
        seen = ratio[~np.isnan(ratio)]
        told = f"{seen.mean():.3f} ({seen.std(ddof=1) / np.sqrt(len(seen)):.3f})" if len(seen) > 1 else ""
        print(f"| {name} | {mean:.1%} ({spread:.1%}) of {int(trials.sum())} | {np.nanmean(width):.2f} | {told} |")
        shares.append(mean)
    return _verdict("leavers", shares) if shares else False


def _scores(rows: list[Row]) -> bool:
    """The share of the true avoidable leavers in the top tenth, ours against each naive ranking."""
    held = {name: np.array([row["held"][name] for row in rows]) for name in rows[0]["held"]}
    print("\n| ranking | holds in its top tenth | ours gains (95% interval) | not negative in |\n|---|---|---|---|")
    is_met = True
    for name, shares in held.items():
        if name in ("ours", "best possible"):
            print(f"| **{name}** | {shares.mean():.1%} | | |")
            continue
        gain = held["ours"] - shares
        error = stats.t.ppf(0.975, max(len(gain) - 1, 1)) * gain.std(ddof=1) / np.sqrt(len(gain))
        kept = float((gain >= 0).mean())
        is_met &= bool(gain.mean() - error > 0 and kept >= LEAST_NOT_NEGATIVE)
        print(
            f"| {name} | {shares.mean():.1%} | {gain.mean():.1%} ({gain.mean() - error:.1%} to {gain.mean() + error:.1%})"
            f" | {kept:.0%} |"
        )
    print(
        f"\n{'Met' if is_met else 'NOT met'}: every mean gain above zero, and not negative in {LEAST_NOT_NEGATIVE:.0%} of worlds"
    )
    return is_met


def share(hits: int, trials: int) -> str:
    """A share with Wilson's 95% interval."""
    low, high = wilson(hits, trials)
    return f"{hits / trials:.1%} ({low:.1%} to {high:.1%})"
