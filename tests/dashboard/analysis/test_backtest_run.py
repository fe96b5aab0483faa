"""What `bairro backtest` stores, prints and refuses."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dashboard.analysis import backtest_run
from dashboard.commands import backtest_lines
from dashboard.models.leaving import rolling_origin
from dashboard.models.leaving.rolling_origin import MODELS, NAIVE, Backtest
from dashboard.results import backtest_results


def _found(gain_low: float = 0.1, challenger_gain_high: float = 0.1) -> Backtest:
    nan = float("nan")
    rows = []
    for measure in rolling_origin.MEASURES:
        rows.append(("hazard", measure, 0.7, 0.6, 0.8, nan, nan, nan, 2))
        gain = (challenger_gain_high - 0.2) / 2
        rows.append(("challenger", measure, 0.7, 0.6, 0.8, gain, -0.2, challenger_gain_high, 2))
        rows += [(name, measure, 0.5, 0.4, 0.6, 0.2, gain_low, 0.3, 2) for name in NAIVE]
    columns = ["scorer", "measure", "value", "low", "high", "gain", "gain_low", "gain_high", "origins"]
    day = pd.Timestamp("2026-01-05")
    origins = pd.DataFrame(
        {"origin": [day], "scorer": ["hazard"], "measure": ["auc"], "value": [0.7], "customers": [9], "leavers": [2]}
    )
    tenths = [(name, 1, 9, 0.02, 0.03, 0.01, 0.05, 0.9, 0.1) for name in MODELS]
    names = ["scorer", "tenth", "customers", "predicted", "observed", "observed_low", "observed_high", "slope", "level"]
    return Backtest(pd.DataFrame(rows, columns=columns), origins, pd.DataFrame(tenths, columns=names), ("a note",))


def _trees_worse() -> Backtest:
    found = _found()
    of_trees = found.measures["scorer"] == "challenger"
    ends = found.measures.assign(gain=0.1, gain_low=0.05, gain_high=0.15)
    return replace(found, measures=found.measures.where(~of_trees, ends))


def _write(data, found):
    tables = {
        "backtest": found.measures,
        "backtest_origins": found.origins,
        "backtest_calibration": found.calibration,
    }
    return backtest_results.write(data, tables, {"verdict": backtest_run.verdict(found)})


def test_what_is_stored_is_loaded_and_the_newest_two_are_kept(tmp_path):
    assert backtest_results.load(tmp_path) is None
    folders = [_write(tmp_path, _found()) for _ in range(3)]
    loaded = backtest_results.load(tmp_path)
    assert loaded is not None
    assert loaded.folder == folders[-1]
    assert not folders[0].exists()
    pd.testing.assert_frame_equal(loaded.backtest, _found().measures, check_dtype=False)
    pd.testing.assert_frame_equal(loaded.backtest_origins, _found().origins, check_dtype=False)
    (folders[-1] / "manifest.json").write_text("{")
    older = backtest_results.load(tmp_path)
    assert older is not None
    assert older.folder == folders[1]


def test_the_verdict_claims_what_every_interval_says():
    assert "customers: better than every simpler ranking" in backtest_run.verdict(_found())
    text = backtest_run.verdict(_found(gain_low=-0.01))
    assert "better than every" not in text
    assert "customers: not shown to be better than outage minutes, last month's complaints" in text
    assert "not shown to differ from boosted trees" in text
    assert "ranks neighbourhoods better than boosted trees" in backtest_run.verdict(_trees_worse())
    assert "trees rank neighbourhoods better" in backtest_run.verdict(_found(challenger_gain_high=-0.01))
    told = backtest_lines.told(_found())
    assert told.startswith("a note\n")
    for line in (
        "  Bairro                       ×0.70 (×0.60 to ×0.80)",
        "  outage minutes               50% (40% to 60%); Bairro's gain +20 points (+10 to +30)",
        "  outage minutes               0.50 (0.40 to 0.60); Bairro's gain +0.20 (+0.10 to +0.30)",
        "chances given by Bairro: slope 0.90 (1 is right); the odds of leaving were in fact 11% higher",
    ):
        assert line in told.splitlines()
    for term in ("hazard", "naive", "lift", "log odds"):
        assert term not in told, term


@pytest.mark.parametrize("measure", rolling_origin.MEASURES)
def test_every_measure_and_scorer_has_words(measure):
    assert {measure, *MODELS, *NAIVE} <= set(backtest_run.WORDS)
