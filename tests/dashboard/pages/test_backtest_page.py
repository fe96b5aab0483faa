"""*Looking back*: what a manager reads of a backtest, and what to do where none was run."""

from __future__ import annotations

import pytest

from dashboard.figures import backtest as figures
from dashboard.pages import backtest, evidence
from dashboard.pages.source import Source, visit
from dashboard.results import backtest_results


@pytest.fixture
def told(sample, tmp_path) -> figures.Hindsight:
    sample.write_backtest(tmp_path)
    stored = backtest_results.load(tmp_path)
    assert stored is not None
    return figures.hindsight(stored, {"customers": "a"})


def test_it_says_how_often_what_was_named_then_lost_most_and_beside_what(told):
    assert told.sentences[1] == (
        "The neighbourhoods that Bairro had ranked highest, a tenth of the customers, then lost 1.62 times as many as the "
        "average (95%: 1.46 to 1.78)."
    )
    assert "45% were among the tenth that then lost most (by chance it would be one in ten" in told.sentences[2]
    assert told.verdict == (
        "It is not shown that this ranks neighbourhoods better than last quarter's departures would; it was better than "
        "outage minutes, last month's complaints and newest customers first."
    )
    assert not told.is_better
    assert [row[0][0] for row in told.rows] == list(figures.SCORERS.values())
    assert told.rows[4][3] == ("+0.13", "−0.09 to +0.35")
    assert told.days[0][-1] == ("×1.34", "last quarter's departures")
    assert told.tenths[0][0][0] == "1"
    assert told.tenths[0][2][0] == "4.0%"
    assert "Inputs have changed" not in told.made


def test_only_what_every_interval_says_is_claimed(sample, tmp_path):
    tables = sample.backtest_frames()
    own = tables["backtest"]["scorer"].isin(figures.NAIVE)
    tables["backtest"].loc[own, "gain_low"] = 0.01
    backtest_results.write(tmp_path, tables, {"inputs": {"customers": "a"}})
    better = figures.hindsight(backtest_results.load(tmp_path), {"customers": "b"})
    assert better.is_better
    assert "better than every simpler ranking, beyond chance" in better.verdict
    assert "Inputs have changed since" in better.made
    tables["backtest"].loc[:, ["low", "high", "gain_low", "gain_high"]] = float("nan")
    backtest_results.write(tmp_path, tables, {})
    few = figures.hindsight(backtest_results.load(tmp_path), {})
    assert "too few neighbourhoods to say" in few.verdict
    assert "too few areas for an interval" in few.sentences[1]
    assert not few.is_better


def test_the_page_says_how_to_run_one_and_then_shows_it(sample, tmp_path):
    settings = sample.make(tmp_path)
    source = Source(settings)
    asked = visit(source)
    for page in (backtest, evidence):
        assert "No backtest has been run yet" in str(page.layout(asked))
    assert "bairro backtest" in str(backtest.layout(asked))
    sample.write_backtest(settings.data)
    shown = str(backtest.layout(asked))
    for phrase in (
        "Worst tenth found",
        "Date by date",
        "Predicted and actual",
        "2025-12-08: left out",
    ):
        assert phrase in shown, phrase
    assert "then lost 1.62 times as many" in str(evidence.layout(asked))


def test_it_is_shown_before_any_build_too(sample, scratch):
    sample.write_backtest(scratch.data, origins=1)
    seen = visit(Source(scratch))
    assert "For one day, 5 Jan 2026" in str(backtest.layout(seen))
