"""Scores and stars of another scale are never stored as if they were of ours."""

from __future__ import annotations

import random

import pytest

from dashboard.tables.imports.records import read

CHANCE = random.Random(1)
SAME_NAMES = "".join(
    f'[columns.{name}]\nsource = "{name}"\n' for name in ("response_id", "area", "answered_on", "score")
)


def answers(scores: list[int]) -> str:
    rows = "".join(f"{number},A,2025-01-01,{score}\n" for number, score in enumerate(scores))
    return "response_id,area,answered_on,score\n" + rows


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([CHANCE.randrange(1, 6) for _ in range(200)], "all 200 answers are 1 to 5, and none is above 5"),
        ([1, 2, 3, 4, 5] * 2, "none is above 5"),
        ([CHANCE.randrange(1, 8) for _ in range(200)], "all 200 answers are 1 to 7, and none is above 7"),
        ([CHANCE.randrange(101) for _ in range(200)], "are not from 0 to 10 (they are 0 to 100)"),
        ([0, 100, 50, 10, 5], "2 of 5 are not from 0 to 10"),
        ([-100, 0, 100] * 20, "40 of 60 are not from 0 to 10 (they are -100 to 100)"),
        ([-1, 0, 1] * 20, "are not from 0 to 10 (they are -1 to 1)"),
        ([0, 1] * 20, "none is above 5"),
        ([2, 4, 6, 8, 10, 10] * 5, "all 30 answers are 2, 4, 6, 8 or 10, as of a shorter scale"),
        ([0, 5, 10, 10] * 5, "all 20 answers are 0, 5 or 10"),
        ([1, 4, 7, 10] * 8, "all 32 answers are 1, 4, 7 or 10"),
    ],
)
def test_another_scale_is_refused(import_text, scores, said):
    report = import_text("nps", answers(scores))
    assert report.exit_code == 2
    assert said in str(report)
    assert 'under [columns.score] scale = "0-10"' in str(report)


@pytest.mark.parametrize("scores", [[9, 8, 10] * 30 + [100], [11, 12, 9], [CHANCE.randrange(11) for _ in range(60)]])
def test_slips_are_refused_one_by_one(import_text, scores):
    assert import_text("nps", answers(scores)).added == sum(score <= 10 for score in scores)


@pytest.mark.parametrize("scores", [[0, 10, 10, 10, 10] * 6, [2, 8, 10, 4] * 3])
def test_two_values_alone_and_few_answers_are_asked_about(import_text, scores):
    report = import_text("nps", answers(scores))
    assert (report.exit_code, report.added) == (1, len(scores))
    assert "are they of a shorter scale" in str(report)


@pytest.mark.parametrize("scores", [[9, 10] * 20, [10] * 30, [8, 9, 10, 3] * 9, [6, 10, 8, 9, 2] * 6])
def test_glad_customers_are_not_asked_about(import_text, scores):
    assert import_text("nps", answers(scores)).exit_code == 0


def test_few_low_scores_are_told(import_text):
    report = import_text("nps", answers([5, 4, 5]))
    assert (report.exit_code, report.added) == (1, 3)
    assert "all 3 answers are 4 to 5, as on a scale that ends at 5" in str(report)


def test_a_mapping_confirms_the_scale_or_says_what_its_answers_stand_for(provider, import_text):
    low = answers([0, 3, 5, 2] * 10)
    assert import_text("nps", low, f'kind = "nps"\n{SAME_NAMES}scale = "0-10"\n').exit_code == 0
    assert import_text("nps", low, f'kind = "nps"\n{SAME_NAMES}scale = "1-5"\n').exit_code == 2
    stars = answers([1, 3, 5, 4] * 10)
    told = 'values = { "1" = "0", "3" = "5", "4" = "8", "5" = "10" }\n'
    assert import_text("nps", stars, f'kind = "nps"\n{SAME_NAMES}{told}').exit_code == 0
    assert read("nps", provider.data).column("score").to_pylist().count(10) == 10


def test_stars_of_ten_are_no_stars_of_five(import_text):
    rows = "".join(f"2025-01-{1 + n % 28:02},{CHANCE.randrange(1, 11)},maps\n" for n in range(50))
    report = import_text("reviews", "posted_on,rating,source\n" + rows)
    assert report.exit_code == 2
    assert "are not from 1 to 5 (they are 1 to 10)" in str(report)


@pytest.mark.parametrize(
    "ends", [("0 - Not at all likely", "10 - Extremely likely"), ("0 (never)", "10 = sure"), ("0", "10")]
)
def test_words_beside_a_score_do_not_cost_its_row(provider, import_text, ends):
    """Only the ends of the scale have words, so their loss would leave the middle."""
    rows = "".join(f"{n},{n},2025-05-01,{[*ends, '7'][n % 3]}\n" for n in range(12))
    report = import_text("nps", f"response_id,customer_id,answered_on,score\n{rows}")
    assert report.added == 12
    assert sorted(set(read("nps", provider.data).column("score").to_pylist())) == [0, 7, 10]


@pytest.mark.parametrize("blank", ["-1", "99"])
def test_a_number_for_no_answer_costs_its_own_rows(import_text, blank):
    rows = "".join(f"{n},{n},2025-05-01,{blank if n % 4 == 0 else n % 11}\n" for n in range(24))
    report = import_text("nps", f"response_id,customer_id,answered_on,score\n{rows}")
    assert (report.exit_code, report.added, report.rejected) == (1, 18, 6)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 3, "3 of 30 answers are 1 and none is 0, as on a scale from 1 to 10"),
        ([0] * 20 + [9, 10, 8, 7] * 3, "20 of 32 answers are 0 and 0 are 1 to 4: does 0 stand for no answer?"),
    ],
)
def test_zeros_that_nobody_gives_or_nearly_everybody_are_told(import_text, scores, said):
    report = import_text("nps", answers(scores))
    assert (report.exit_code, report.added) == (1, len(scores))
    assert said in report.warnings[0]
    confirmed = import_text("nps", answers(scores), _confirmed())
    assert confirmed.warnings == ()


def _confirmed() -> str:
    return f'kind = "nps"\n{SAME_NAMES}scale = "0-10"\n'


@pytest.mark.parametrize(
    "scores", [[9, 10, 8, 7, 6, 5] * 10, [0, 1, 2, 5, 9, 10, 10, 9, 8, 7] * 5, [0] * 9 + [1, 2, 3, 4] * 4]
)
def test_usual_answers_are_taken_without_a_word(import_text, scores):
    assert import_text("nps", answers(scores)).warnings == ()
