"""Net promoter scores against published intervals, falls against simulated surveys, weights against planted ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dashboard.models.loyalty import survey_scores, survey_selection


def quartic(n: float, b: float, c: float) -> np.ndarray:
    """The ends of Tango's interval as the outer roots of the quartic of Yang, Sun and Hardin (2013, Statistics in Medicine 32)."""
    g = stats.norm.ppf(0.975) ** 2
    m = [
        n**2 * (n / g + 1) ** 2,
        -n * (b - c) * (n / g + 1) * (4 * n / g + 1),
        2 * n * (b - c) ** 2 * (3 * n / g + 2) / g - n**2 * ((b + c) / g + 1),
        n * (b - c) * (2 * (b + c) / g + 1) - (b - c) ** 3 * (4 * n / g + 1) / g,
        (b - c) ** 2 * ((b - c) ** 2 / g - (b + c)) / g,
    ]
    roots = np.roots(m)
    real = roots[np.abs(roots.imag) < 1e-9].real
    return np.array([real.min(), real.max()])


@pytest.mark.parametrize(("b", "c", "n"), [(12, 2, 50), (30, 25, 90), (4, 11, 40), (1, 7, 21)])
def test_the_interval_is_tangos(b, c, n):
    score = survey_scores.score_interval(b, c, n)
    assert (score.low, score.high) == pytest.approx(tuple(quartic(n, b, c)), abs=1e-8)


def test_the_interval_of_a_published_table():
    # Fagerland, Lydersen and Laake 2014 (Statistics in Medicine 33): 1, 1, 7, 12 gives -0.517 to -0.026.
    score = survey_scores.score_interval(1, 7, 21)
    assert (score.value, score.low, score.high) == pytest.approx((-0.286, -0.517, -0.026), abs=5e-4)


def test_agreement_of_few_is_no_certainty():
    all_promoters, all_passive = survey_scores.score_interval(5, 0, 5), survey_scores.score_interval(0, 0, 5)
    assert all_promoters.high == 1.0
    assert all_promoters.low < 0.2
    assert all_passive.low == pytest.approx(-all_passive.high)
    assert all_passive.high > 0.4
    assert np.isnan(survey_scores.score_interval(0, 0, 0).low)


@pytest.mark.parametrize(("n", "shares"), [(10, (0.6, 0.3, 0.1)), (40, (0.1, 0.1, 0.8)), (100, (0.5, 0.3, 0.2))])
def test_the_interval_holds_the_truth(n, shares):
    random = np.random.default_rng(4)
    counts, times = np.unique(random.multinomial(n, shares, size=4000), axis=0, return_counts=True)
    truth = shares[0] - shares[2]
    held = [(s := survey_scores.score_interval(p, d, n)).low <= truth <= s.high for p, _, d in counts]
    assert 0.93 <= np.average(held, weights=times) <= 0.97


def answers(random: np.random.Generator, areas: int, each: int, fallen: int = 0) -> pd.DataFrame:
    """``each`` answers per area in the last four weeks and in the four before; the first ``fallen`` areas fell."""
    rows = []
    for area in range(areas):
        for age in (0, 28):
            mean = 4.5 if area < fallen and age == 0 else 7.5
            score = np.clip(np.round(random.normal(mean, 2.0, each)), 0, 10).astype(int)
            day = pd.Timestamp("2026-05-01") - pd.to_timedelta(age + random.integers(0, 28, each), unit="D")
            rows.append(pd.DataFrame({"area": f"a{area:02}", "answered_on": day, "score": score}))
    frame = pd.concat(rows, ignore_index=True)
    frame.loc[0, "answered_on"] = pd.Timestamp("2026-05-01")
    return frame.assign(technology="cable", tenure_days=pd.array([500] * len(frame), "Int64"), complaints_before=0)


NOBODY = pd.DataFrame({"area": [], "technology": [], "tenure_days": [], "complaints_before": []})


def test_real_falls_are_flagged_and_no_others():
    made = survey_scores.area_nps(answers(np.random.default_rng(1), 12, 60, fallen=3), NOBODY)
    assert set(made[made["is_real_fall"]]["area"]) >= {"a00", "a01", "a02"}
    flagged = made[made["is_real_fall"] & (made["area"] != "")]
    assert len(flagged) <= 4
    row = made[made["area"] == "a00"].iloc[0]
    assert row["change_high"] < 0
    assert row["change"] == pytest.approx(row["recent_nps"] - row["earlier_nps"])


def test_where_nothing_fell_false_alarms_are_held():
    """Benjamini and Hochberg at 10%: any flag at all in at most one of ten surveys in which nothing fell."""
    random = np.random.default_rng(2)
    alarms = []
    for _ in range(400):
        votes = random.choice([-1.0, 0.0, 1.0], p=[0.45, 0.3, 0.25], size=(20, 2, 35))
        p_values = [survey_scores.fall_p_value(recent, earlier) for recent, earlier in votes]
        alarms.append((survey_scores.benjamini_hochberg(p_values) < survey_scores.FALSE_SHARE).any())
    share = np.mean(alarms)
    assert share <= 0.10 + 2 * np.sqrt(0.1 * 0.9 / len(alarms))
    assert share > 0.03  # it is not silent either


def test_too_few_answers_are_said():
    made = survey_scores.area_nps(answers(np.random.default_rng(3), 4, 29, fallen=2), NOBODY)
    areas = made[made["area"] != ""]
    assert areas["change"].isna().all()
    assert not areas["is_real_fall"].any()
    assert areas["note"].str.contains("too few answers").all()
    assert made["not_correctable"].str.contains("not correctable").all()


def test_weights_undo_who_answers_as_far_as_it_is_on_record():
    """Newcomers are happy and answer four times as often: the raw score flatters, the weighted one does not."""
    random = np.random.default_rng(5)
    new = random.random(20000) < 0.5
    customers = pd.DataFrame(
        {
            "area": "a",
            "technology": "cable",
            "tenure_days": pd.array(np.where(new, 100, 2000), "Int64"),
            "complaints_before": 0,
        }
    )
    score = np.where(random.random(new.size) < np.where(new, 0.7, 0.2), 10, 3)
    said = random.random(new.size) < np.where(new, 0.08, 0.02)
    given = customers[said].assign(answered_on=pd.Timestamp("2026-05-01"), score=score[said])
    row = survey_scores.area_nps(given, customers).set_index("area").loc["a"]
    truth = 100 * (0.45 - 0.55)
    assert row["nps_low"] > truth + 10
    assert row["weighted_nps_low"] < truth < row["weighted_nps_high"]
    assert row["weighted_nps_high"] - row["weighted_nps_low"] > row["nps_high"] - row["nps_low"]


def test_answers_of_unknown_customers_count_raw_only():
    frame = answers(np.random.default_rng(6), 1, 40)
    frame["tenure_days"] = pd.array([None] * len(frame), "Int64")
    row = survey_scores.area_nps(frame, NOBODY).iloc[1]
    assert (row["answers"], row["weighted_answers"]) == (80, 0)
    assert np.isnan(row["weighted_nps"])


def test_no_answers_at_all_is_a_row_without_numbers():
    nothing = answers(np.random.default_rng(6), 1, 1).iloc[:0]
    made = survey_scores.area_nps(nothing, NOBODY)
    assert made["area"].tolist() == [""]
    assert np.isnan(made["nps"].iloc[0])


def surveyed(seed: int, customers: int, willing: str) -> tuple[float, pd.Series]:
    """The true score of a provider whose customers' mood moves complaints and votes, and what its survey says of it."""
    random = np.random.default_rng(seed)
    mood, tenure = random.normal(size=customers), random.exponential(1200, customers)
    complained = random.random(customers) < 1 / (1 + np.exp(2.2 + 1.2 * mood))
    score = np.clip(np.rint(7.6 + 1.9 * mood - complained + random.normal(size=customers)), 0, 10)
    vote = np.select([score >= 9, score <= 6], [1, -1], 0)
    readiness = {
        "all alike": np.ones(customers),
        "by the score": np.select([vote == -1, vote == 0], [2.5, 1.0], 0.5),
        "by a mood that the score shows in part": np.exp(-0.55 * mood),
        "who complained": np.where(complained, 2.5, 0.9),
        "long there": np.where(tenure > 1461, 2.0, 0.7),
        "the very happy and the very unhappy": np.where(vote == 0, 0.5, 1.5),
    }[willing]
    frame = pd.DataFrame(
        {
            "area": "a",
            "score": score,
            "technology": "cable",
            "tenure_days": tenure,
            "complaints_before": complained.astype(int),
            "answered_on": pd.Timestamp("2026-05-01") - pd.to_timedelta(random.integers(0, 180, customers), unit="D"),
        }
    )
    answered = random.random(customers) < 0.15 * readiness
    return 100 * float(vote.mean()), survey_scores.area_nps(frame[answered], frame).iloc[0]


@pytest.mark.parametrize(
    "willing",
    [
        "all alike",
        "by the score",
        "by a mood that the score shows in part",
        "who complained",
        "long there",
        "the very happy and the very unhappy",
    ],
)
@pytest.mark.parametrize("customers", [1500, 10000])
def test_the_bounds_hold_the_truth_whoever_answers(willing, customers):
    """The weighted score, beside them, holds in none of the worlds where answering depends on mood."""
    worlds = [surveyed(seed, customers, willing) for seed in range(1, 21)]
    held = [row["bounded_nps_low"] <= truth <= row["bounded_nps_high"] for truth, row in worlds]
    assert np.mean(held) >= 0.95
    weighted = [row["weighted_nps_low"] <= truth <= row["weighted_nps_high"] for truth, row in worlds]
    assert np.mean(weighted) >= 0.8 or "score" in willing


def test_how_much_more_readily_the_unhappy_answer_is_found():
    ratios = [surveyed(seed, 10000, "by the score")[1] for seed in range(1, 21)]
    assert np.mean([row["answering_ratio_low"] <= 5.0 <= row["answering_ratio_high"] for row in ratios]) >= 0.9
    assert np.median([row["answering_ratio"] for row in ratios]) == pytest.approx(5.0, rel=0.15)
    alike = [surveyed(seed, 10000, "all alike")[1] for seed in range(1, 21)]
    assert np.mean([row["answering_ratio_low"] <= 1.0 <= row["answering_ratio_high"] for row in alike]) >= 0.9


def test_without_customers_to_compare_with_the_bounds_are_wide():
    row = survey_scores.area_nps(answers(np.random.default_rng(6), 1, 40), NOBODY).iloc[0]
    assert np.isnan(row["answering_ratio"])
    assert row["bounded_nps_high"] - row["bounded_nps_low"] > 90


def votes(detractors: int, passives: int, promoters: int) -> np.ndarray:
    return np.repeat([-1.0, 0.0, 1.0], [detractors, passives, promoters])


@pytest.mark.parametrize(
    "counts", [(2, 36, 12), (25, 35, 30), (7, 13, 1), (21, 0, 0), (0, 5, 0), (0, 0, 5), (16, 5, 0)]
)
def test_where_all_answer_as_readily_the_customers_interval_is_tangos(counts):
    score = survey_scores.score_interval(counts[2], counts[0], sum(counts))
    assert survey_selection.customers_score(votes(*counts), 1.0) == pytest.approx((score.low, score.high), abs=1e-7)


def test_an_area_of_detractors_only_is_not_the_firmest():
    """By hand: 3.84 of 24.84 answers (15.5%) may be promoters'; ten times as many customers make 64.7% of all."""
    low, high = survey_selection.customers_score(votes(21, 0, 0), 10.0)
    share = 10 * 3.8415 / (10 * 3.8415 + 21)
    assert (low, high) == pytest.approx((-1.0, 2 * share - 1), abs=1e-4)
    assert survey_selection.customers_score(votes(0, 0, 21), 0.1) == pytest.approx((1 - 2 * share, 1.0), abs=1e-4)
    made = survey_scores.area_nps(answers(np.random.default_rng(3), 2, 40).assign(score=2), NOBODY)
    assert (made["bounded_nps_high"] > made["nps_high"] + 10).all()


@pytest.mark.parametrize("shares", [(0.90, 0.06, 0.04), (0.3, 0.3, 0.4), (0.70, 0.28, 0.02)])
@pytest.mark.parametrize("ratio", [0.2, 5.0])
def test_the_customers_interval_holds_the_truth_if_moods_answer_so(shares, ratio):
    random = np.random.default_rng(8)
    counts, times = np.unique(random.multinomial(30, shares, size=1000), axis=0, return_counts=True)
    weight = ratio ** np.array([-0.5, 0.0, 0.5]) * shares
    truth = (weight[2] - weight[0]) / weight.sum()
    held = [(s := survey_selection.customers_score(votes(*c), ratio))[0] <= truth <= s[1] for c in counts]
    assert np.average(held, weights=times) >= 0.93
