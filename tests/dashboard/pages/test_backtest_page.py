"""*Looking back*: what a manager reads of a backtest, and what to do where none was run."""

from __future__ import annotations

import pytest

from dashboard.figures import backtest as figures
from dashboard.pages import areas, backtest, evidence
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
    assert told.sentences[2].startswith(
        "Of the 3 of 24 neighbourhoods ranked highest, 45% were among the 3 that then lost most (by chance it would be 12.5%;"
    )
    assert figures._worst_found("45%", [20, 24]).startswith(
        "Of the tenth of neighbourhoods (rounded up) ranked highest, 45% were among the tenth that then lost most (by chance it would be 11.2%"
    )
    assert "single customers better than" in told.sentences[3]
    assert told.verdict == (
        "It is not shown that Bairro ranks neighbourhoods better than boosted trees or last quarter's departures; it was better than "
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
    assert better.verdict == (
        "Bairro ranked neighbourhoods better than every simpler ranking, beyond chance; it is not shown to be better than boosted trees."
    )
    trees = tables["backtest"]["scorer"].eq(figures.CHALLENGER)
    beyond = tables["backtest"].copy()
    beyond.loc[trees, ["gain", "gain_low", "gain_high"]] = (-0.2, -0.3, -0.1)
    backtest_results.write(tmp_path, tables | {"backtest": beyond}, {})
    worse = figures.hindsight(backtest_results.load(tmp_path), {})
    assert worse.verdict.startswith("Boosted trees ranked better than Bairro, beyond chance")
    assert not worse.is_better
    assert "Inputs have changed since" in better.made
    tables["backtest"].loc[:, ["low", "high", "gain_low", "gain_high"]] = float("nan")
    backtest_results.write(tmp_path, tables, {})
    few = figures.hindsight(backtest_results.load(tmp_path), {})
    assert "too few neighbourhoods to say" in few.verdict
    assert "too few areas for an interval" in few.sentences[1]
    assert not few.is_better


def test_a_tenth_that_was_predicted_wrong_is_said_beside_the_overall_verdict(sample, tmp_path):
    tables = sample.backtest_frames()
    right = figures._calibration(tables["backtest_calibration"], is_by_areas=True)
    assert right.endswith("In each tenth the prediction lies within the 95% interval of what happened.")
    table = tables["backtest_calibration"]
    table.loc[table["tenth"].eq(10), "predicted"] = 0.06
    table.loc[table["tenth"].isin([2, 3]), "predicted"] = 0.001
    said = figures._calibration(table, is_by_areas=True)
    assert "about right (slope 1.04; 1 is right), and the chances are about right overall" in said
    assert "In 3 tenths the prediction lies outside" in said
    assert said.endswith("it is too high in tenth 1 and too low in tenths 8 and 9.")
    assert "too short" in figures._calibration(table, is_by_areas=False)
    none = table.assign(observed_low=float("nan"), observed_high=float("nan"))
    assert "too few neighbourhoods" in figures._calibration(none, is_by_areas=True)


def test_the_page_says_how_to_run_one_and_then_shows_it(sample, tmp_path):
    settings = sample.make(tmp_path)
    source = Source(settings)
    asked = visit(source)
    for page in (backtest, evidence):
        assert "No backtest has been run yet" in str(page.layout(asked))
    assert "bairro backtest" in str(backtest.layout(asked))
    assert "has not been tested with your records" in str(areas.layout(asked))
    sample.write_backtest(settings.data)
    shown = str(backtest.layout(asked))
    for phrase in (
        "Worst tenth found",
        "Date by date",
        "Predicted and actual",
        "2025-12-08: left out",
        "Best simple rule, in hindsight",
        "Worst tenth found, the share of the neighbourhoods that then lost most",
    ):
        assert phrase in shown, phrase
    assert "It is not shown that Bairro ranks neighbourhoods better than" in str(areas.layout(asked))
    assert "then lost 1.62 times as many" in str(evidence.layout(asked))


def test_it_is_shown_before_any_build_too(sample, scratch):
    sample.write_backtest(scratch.data, origins=1)
    seen = visit(Source(scratch))
    assert "For one day, 5 Jan 2026" in str(backtest.layout(seen))
