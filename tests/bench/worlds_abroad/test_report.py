"""The tables and verdicts over rows that are written by hand."""

from bench.worlds_abroad import report, verdicts


def row(mechanism: str, held: int, *, p_value: float = 0.5, seed: int = 1) -> dict:
    """A world of ten areas in which so many intervals hold the truth."""
    told = {
        "areas": 10,
        "intervals": 10,
        "held": held,
        "below": 10 - held,
        "above": 0,
        "told": 9.5,
        "true": 10.0,
        "width": 5.0,
    }
    is_null = mechanism == "null"
    kinds = {"future": told, "continuing": told, "from_now": told, "nothing": 4, "promised": 1}
    test = {"p_value": p_value, "is_found": p_value < 0.05, "named": [], "false": []}
    return {
        "mechanism": mechanism, "seed": seed, "seeds": "looked at", "analysis": 1, "commit": "abc", "areas": 10,
        "matters": [] if is_null else ["down_hours"], "failed": [], "cpu_seconds": 1.0,
        "expected": {"future": told, "continuing": told},
        "avoidable": {"everything": kinds, "down_hours": kinds},
        "oracle": {"expected": 4.0, "kept": 4.0},
        "ranking": {} if is_null else {"customers": 0.2, "ours": 0.3, "best": 0.4},
        "at_risk": {"called": 2, "false": 0},
        "steps": {kind: told | {"areas": 0, "at_risk": 0} for kind in ("launch", "campaign")},
        "tests": {"leaving": test, "complaints": test},
        "nps": told, "outages": {"leaving": "found", "hours": {"all": {"told": 2.0, "told_low": 1.0, "told_high": 3.0, "true": 2.5, "held": held > 8, "verdict": "found", "placebo_p_value": p_value}}},
    }  # fmt: skip


def test_a_share_is_sum_over_sum_with_its_standard_error_over_worlds():
    rows = [{"pair": (1, 2)}, {"pair": (2, 2)}]
    assert report._told(lambda one: one["pair"], rows) == "0.750 (0.250)"
    assert report._told(lambda one: None, rows) == ""


def test_every_miss_is_told_with_the_mechanisms_below_their_bound():
    told = list(verdicts.verdicts([row("additive", 7), row("power", 10), row("null", 10)]))
    assert "NOT met: intervals of what is kept hold the truth in 85.0% (93% to 97%)" in told
    assert "NOT met: and in at least 88% of each mechanism; below it: additive 70%" in told
    assert "met: told over true of what is kept is 0.95 (0.9 to 1.1)" in told
    assert told[5].endswith("not in additive (+0.100 over customers), power (+0.100 over customers)"), (
        "one world has no interval"
    )
    assert "NOT met: of areas with nothing to save, 25.0% are promised some (at most 5%)" in told


def test_the_outage_study_is_held_to_answers_coverage_and_placebos():
    told = list(verdicts.verdicts([row("additive", 7), row("power", 10, p_value=0.01)]))
    assert "met: the outage study answers in 100.0% of worlds (at least 80%)" in told
    assert "NOT met: intervals of an hour's cost hold the truth in 50.0% (93% to 97%)" in told
    assert "NOT met: its placebo sounds in 50.0% of worlds (at most 5%)" in told


def test_a_p_value_that_is_stored_as_none_is_not_taken_for_zero_nor_zero_for_none():
    worlds = [row("additive", 7, p_value=0.0), row("power", 10), row("power", 10, seed=3)]
    worlds[2]["outages"]["hours"]["all"]["placebo_p_value"] = None
    assert "NOT met: its placebo sounds in 50.0% of worlds (at most 5%)" in list(verdicts.verdicts(worlds))


def test_worlds_without_effects_are_few_until_their_bound_says_that_they_are_enough():
    few, many = ([row("null", 10, seed=n) for n in range(count)] for count in (20, 60))
    assert any(line.startswith("NOT met: leaving: joint finds in 0 of 20") for line in verdicts.verdicts(few))
    assert any(line.startswith("met: leaving: joint finds in 0 of 60") for line in verdicts.verdicts(many))


def test_the_report_names_versions_and_every_mechanism(capsys):
    report.report([row("additive", 9), row("null", 10)])
    told = capsys.readouterr().out
    assert "2 worlds, seeds looked at, analysis 1 (abc)" in told
    assert "| additive | 1 | 0.900 |" in told
    assert "NOT met" in told
