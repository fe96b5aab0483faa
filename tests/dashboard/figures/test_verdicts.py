"""Every verdict that an estimate and its interval lead to, over all that these two can be."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dashboard.figures import backtest, effects, evidence, findings, loyalty, outages, ranking
from dashboard.figures.style import intervals, numbers, words
from dashboard.figures.style.palette import LIGHT
from dashboard.models.statistics.interval_sides import Side, side_of

NAN, INF = math.nan, math.inf
CASES: dict[str, tuple[object, object, object, Side]] = {
    "all above": (2.0, 1.0, 3.0, Side.ABOVE),
    "all below": (-2.0, -3.0, -1.0, Side.BELOW),
    "both sides": (0.5, -1.0, 2.0, Side.EITHER),
    "both sides, below": (-0.5, -2.0, 1.0, Side.EITHER),
    "touches from above": (1.0, 0.0, 2.0, Side.EITHER),
    "touches from below": (-1.0, -2.0, 0.0, Side.EITHER),
    "no end above": (2.0, 1.0, INF, Side.ABOVE),
    "no end below": (-2.0, -INF, -1.0, Side.BELOW),
    "no end above, both sides": (2.0, -1.0, INF, Side.EITHER),
    "no end at all": (2.0, -INF, INF, Side.EITHER),
    "no lower end known": (2.0, None, 3.0, Side.UNKNOWN),
    "no upper end known": (-2.0, -3.0, NAN, Side.UNKNOWN),
    "no interval": (2.0, NAN, NAN, Side.UNKNOWN),
    "no estimate": (None, 1.0, 3.0, Side.UNKNOWN),
    "estimate not a number": (NAN, -3.0, -1.0, Side.UNKNOWN),
    "missing as pandas has it": (pd.NA, 1.0, 3.0, Side.UNKNOWN),
    "nothing": (None, None, None, Side.UNKNOWN),
    "infinite estimate": (INF, 1.0, INF, Side.UNKNOWN),
    "estimate beyond its interval": (5.0, 1.0, 3.0, Side.UNKNOWN),
    "estimate on the other side": (-1.0, 1.0, 3.0, Side.UNKNOWN),
    "ends in the wrong order": (2.0, 3.0, 1.0, Side.UNKNOWN),
    "no width, above": (2.0, 2.0, 2.0, Side.ABOVE),
    "no width, below": (-2.0, -2.0, -2.0, Side.BELOW),
    "no width, none": (0.0, 0.0, 0.0, Side.EITHER),
}
every_case = pytest.mark.parametrize(("estimate", "low", "high", "side"), CASES.values(), ids=list(CASES))


def as_ratio(value):
    """The same case for a ratio: its logarithm is the difference."""
    if value is None or value is pd.NA or math.isnan(value):
        return value
    return math.exp(value) if value != INF else value


@every_case
def test_the_side_of_an_interval(estimate, low, high, side):
    assert side_of(estimate, low, high) is side
    assert side_of(*map(as_ratio, (estimate, low, high)), none=1.0) is side


@every_case
@pytest.mark.parametrize("is_found", [True, False])
def test_the_certainty_of_an_excess(estimate, low, high, side, is_found):
    row = {"verdict": "watch", "is_found": is_found, "rank_low": 2, "rank_high": 9}
    row |= dict(zip((f"excess_leavers_90d{end}" for end in ("", "_low", "_high")), (estimate, low, high), strict=True))
    said = findings.certainty(row, 24)
    chance_is_open = "so it may be chance" in said
    assert ("is not known" in said or "No interval is given" in said) == (side is Side.UNKNOWN)
    assert chance_is_open == (side is Side.EITHER and not is_found)
    assert ("fewer customers leave here" in said) == (side is Side.BELOW)
    assert ("holds after correction" in said) == (side is Side.ABOVE and is_found)
    assert ("such result can be chance" in said) == (side is Side.BELOW or (side is Side.ABOVE and not is_found))
    assert "nan" not in said.lower()
    assert "inf" not in said.lower()


def test_what_was_seen_once_is_said_right():
    row = {"verdict": "ordinary", "is_found": False, "rank_low": 20, "rank_high": 24}
    row |= {"excess_leavers_90d": -1.2, "excess_leavers_90d_low": -2.1, "excess_leavers_90d_high": -0.4}
    assert findings.certainty(row, 24).startswith(
        "The excess lies between −2.1 and −0.4 (95% interval), so fewer customers leave here than"
    )


@every_case
def test_an_excess_is_drawn_as_an_alarm_only_above_zero(built, estimate, low, high, side):
    table = built.ranking.copy().head(1).assign(excess_leavers_90d=estimate)
    table = table.assign(excess_leavers_90d_low=low, excess_leavers_90d_high=high)
    row = ranking.ranking_rows(replace(built, ranking=table), "EUR")[0]
    assert row["is_above"] == (side is Side.ABOVE)
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in row.values())
    said = findings.finding(replace(built, ranking=table), row["area"], "EUR")
    assert said is not None
    if said.excess is not None:
        drawn = intervals.interval_svg(*said.excess, label="excess")
        assert (LIGHT.alarm in drawn) == (side is Side.ABOVE)


@every_case
@pytest.mark.parametrize("is_found", [True, False])
def test_a_terms_verdict(built, estimate, low, high, side, is_found):
    ends = [as_ratio(value) for value in (estimate, low, high)]
    table = built.effects[built.effects["model"] == "leaving"].head(1).assign(is_found=is_found)
    table[["rate_ratio", "low", "high"]] = [np.array([value if value is not pd.NA else NAN for value in ends], float)]
    results = replace(built, effects=table, joint_tests=built.joint_tests.assign(is_found=False, p_value=0.6))
    verdict = evidence.outcome(results, "leaving").groups[0].terms[0].verdict
    counts = is_found and side in {Side.ABOVE, Side.BELOW}
    expected = {Side.ABOVE: words.FOUND, Side.BELOW: words.OTHER_WAY, Side.EITHER: words.NOT_PROVEN}
    assert verdict == (words.UNTESTED if side is Side.UNKNOWN else expected[side] if counts else words.NOT_PROVEN)
    summary = effects.effects(results, "leaving")
    assert summary.is_found == counts
    assert ("less leaving" in summary.sentence) == (counts and side is Side.BELOW)
    assert (effects.found_terms(results, "leaving") == ("down_hours",)) == (counts and side is Side.ABOVE)
    assert "nan" not in " ".join(summary.details).lower()


@every_case
@pytest.mark.parametrize("is_found", [True, False])
def test_the_link_of_prices(estimate, low, high, side, is_found):
    ends = [as_ratio(value) for value in (estimate, low, high)]
    row = dict(zip(("rate_ratio", "rate_ratio_low", "rate_ratio_high"), ends, strict=True))
    said = loyalty.price_link(row | {"is_found": is_found}, "€1")
    assert ("could not be tested" in said) == (side is Side.UNKNOWN)
    assert ("goes with less" in said) == (side is Side.BELOW and is_found)
    assert ("goes with leaving" in said) == (side is Side.ABOVE and is_found)
    assert ("was not shown" in said) == (side is Side.EITHER or (side is not Side.UNKNOWN and not is_found))
    assert "nan" not in said.lower()


@every_case
@pytest.mark.parametrize("is_real_fall", [True, False])
def test_the_change_of_a_score(estimate, low, high, side, is_real_fall):
    row = {"change": estimate, "change_low": low, "change_high": high, "note": None, "is_real_fall": is_real_fall}
    said = loyalty.change(row)
    if side is Side.UNKNOWN:
        assert said == "too few answers to say"
    elif is_real_fall and estimate < 0:
        assert said == "a clear fall"
    else:
        assert said == loyalty.CHANGES[side]


@pytest.mark.parametrize(
    ("ending", "unhappy", "unjudged", "said"),
    [
        (161, 4, 157, ("4", "not known for 157")),
        (20, 9, 0, ("9", "")),
        (20, 9, None, ("9", "")),
        (20, 0, 20, ("not known", "")),
        (0, 0, 0, ("0", "")),
    ],
)
def test_contracts_that_end_of_customers_of_whom_nobody_knows(built, ending, unhappy, unjudged, said):
    counts = {"ending": ending, "unhappy_ending": unhappy, "unjudged_ending": unjudged}
    month = loyalty.cliff(replace(built, contract_cliff=built.contract_cliff.head(1).assign(**counts)), "EUR")[0]
    assert (month.unhappy, month.unknown) == said
    assert (month.revenue == numbers.NONE) == (month.unhappy == "not known")


def test_a_fine_connection_is_said_as_it_is_judged():
    said = loyalty.fine_connection().replace("\u202f", " ")
    for part in ("5 minutes or less, planned work included", "5 ms of evening latency", "0.5 points of lost packets"):
        assert part in said


@pytest.mark.parametrize(
    ("note", "said"), [(None, loyalty.TOO_FEW_ANSWERS), ("too few answers to judge a change", numbers.NONE)]
)
def test_too_few_answers_are_told_once(built, note, said):
    few = replace(built, area_nps=built.area_nps.assign(change=NAN, change_low=NAN, change_high=NAN, note=note))
    assert {cells[4][0] for _, cells in loyalty.nps_rows(few, 1)} == {said}
    assert bool(loyalty.why_too_few(few)) == (note is not None)


def test_reviews_that_are_not_on_record_are_told(built):
    counts = [row for row in built.manifest["counts"] if row["table"] != "reviews"]
    assert loyalty.reviews(replace(built, manifest=built.manifest | {"counts": counts})) == loyalty.NO_REVIEWS
    assert loyalty.reviews(replace(built, manifest=built.manifest | {"counts": []})) == ""


@every_case
def test_an_outage_that_was_found_to_do_something(estimate, low, high, side):
    said = outages.verdict({"verdict": "found", "excess": estimate, "excess_low": low, "excess_high": high})
    is_more = not numbers.is_missing(estimate) and estimate > 0
    assert said == ("found" if is_more else outages.FEWER)
    for other in ("not_found", "too_small", "too_early", "no_match", "no_answer", "not_separable"):
        told = outages.verdict({"verdict": other, "excess": estimate, "excess_low": low, "excess_high": high})
        assert told == outages.VERDICTS[other]


@every_case
def test_the_gain_over_another_ranking(estimate, low, high, side):
    values = {
        (name, "area_lift"): {"gain": estimate, "gain_low": low, "gain_high": high} for name in backtest.NAIVE[:1]
    }
    said = backtest._verdict(values)
    assert ("too few" in said) == (side is Side.UNKNOWN)
    assert ("better than every simpler ranking" in said) == (side is Side.ABOVE)
    assert ("Outage minutes ranked better than Bairro, beyond chance" in said) == (side is Side.BELOW)
    assert ("It is not shown" in said) == (side is Side.EITHER)
    everywhere = {
        (name, "area_lift"): {"gain": estimate, "gain_low": low, "gain_high": high} for name in backtest.NAIVE
    }
    assert backtest._beats_all(everywhere, "area_lift") == (side is Side.ABOVE)


@pytest.mark.parametrize(
    ("slope", "level", "said"),
    [
        (1.0, 0.0, "about right (slope 1.00; 1 is right), and the chances are about right overall"),
        (0.5, 0.3, "too large (slope 0.50; 1 is right), and the chances are too low overall"),
        (1.5, -0.3, "too small (slope 1.50; 1 is right), and the chances are too high overall"),
        (1.0, 0.01, "about right overall (the odds of leaving were in fact 1% higher)"),
        (1.0, 0.001, "about right overall (the odds of leaving were off by less than 1%)"),
        (1.0, -0.7, "too high overall (the odds of leaving were in fact 50% lower)"),
        (NAN, 0.0, "could not be computed"),
        (1.0, NAN, "could not be computed"),
    ],
)
def test_the_verdict_on_calibration(slope, level, said):
    happened = {"tenth": [1], "predicted": [0.05], "observed_low": [0.04], "observed_high": [0.06]}
    table = pd.DataFrame({"scorer": [backtest.HAZARD], "slope": [slope], "level": [level], **happened})
    assert said in backtest._calibration(table, is_by_areas=True)


def test_an_interval_with_one_end_is_written_as_that():
    assert numbers.interval(-INF, 2.0) == "up to 2.0"
    assert numbers.interval(1.0, INF) == "1.0 and more"
    assert numbers.interval(-INF, INF) == numbers.NONE
    assert numbers.interval(None, 2.0) == numbers.NONE


def test_a_joint_find_counts_only_one_way():
    """The joint test of an effect model must pass the check of signs; that of a placebo must not."""
    from dashboard.models.complaints.effect_model import EffectModel

    kinds = itertools.product(("effect", "placebo"), (0.01, 0.2), (0.01, 0.9), (0.9, 1.2))
    for kind, p_value, p_value_above, high in kinds:
        joint = SimpleNamespace(p_value=p_value, p_value_above=p_value_above)
        term = SimpleNamespace(kind=kind, high=high, is_found=False)
        model = EffectModel("leaving", (term,), joint, (), p_value)
        is_clear = kind == "placebo" or (p_value_above < 0.05 and high > 1)
        assert model.finds_jointly == (p_value < 0.05 and is_clear)
        assert model.finds_something == model.finds_jointly


@pytest.mark.parametrize(
    ("ratio", "low", "high", "word"),
    [
        (2.0, 1.2, 3.1, "unhappy customers answer 2.0 times as readily as happy ones (1.2 to 3.1)"),
        (0.5, 0.25, 0.8, "happy customers answer 2.0 times as readily as unhappy ones (1.2 to 4.0)"),
        (1.1, 0.8, 1.5, "were not seen to answer more or less readily"),
        (1.1, 0.1, 10.0, "is not known"),
        (None, 0.1, 10.0, "is not known"),
        (6.1, 2.7, 10.0, "unhappy customers answer 6.1 times as readily as happy ones (2.7 to 10 or more)"),
        (10.0, 2.7, 10.0, "unhappy customers answer 10 or more times as readily as happy ones (2.7 to 10 or more)"),
        (0.2, 0.1, 0.5, "happy customers answer 5.0 times as readily as unhappy ones (2.0 to 10 or more)"),
        (0.9, 0.1, 1.5, "than happy ones (0.1 or less to 1.5 times as readily)"),
        (6.1, 2.7, 10.0, "and if nobody answers more than ten times as readily as others, the provider's score"),
    ],
)
def test_who_answers_is_said_for_every_side(built, ratio, low, high, word):
    row = {"answering_ratio": ratio, "answering_ratio_low": low, "answering_ratio_high": high}
    told = built.area_nps.assign(**{name: float("nan") if value is None else value for name, value in row.items()})
    assert word in loyalty.who_answers(replace(built, area_nps=told))
    assert not loyalty.who_answers(replace(built, area_nps=told.iloc[:0]))


def test_why_something_is_not_proven_is_said_once():
    twice = f"leaving ×1.1: {words.NOT_AFTER}; complaints ×1.2: {words.NOT_AFTER}"
    assert words.once(("nothing", twice, f"loss: {words.NOT_AFTER}")) == (
        "nothing",
        f"leaving ×1.1: {words.NOT_AFTER}; complaints ×1.2: not proven",
        "loss: not proven",
    )
