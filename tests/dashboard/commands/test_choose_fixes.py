"""`bairro fixes`: what works save together, what is bought for a budget, and what a bad cost file is told."""

from __future__ import annotations

import argparse
import csv
import itertools

import pytest

import bairro
from dashboard.commands import choose_fixes, fixes_command
from dashboard.commands.choose_fixes import CostsError, Work
from dashboard.results.stored_results import load

MINIMUM = 30


def ready(sample, folder, **how):
    settings = sample.make(folder, **how)
    (folder / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n', encoding="utf-8")
    return settings, load(settings.data)


@pytest.fixture(scope="module")
def worst(built):
    """Areas in the order of what could be saved in them."""
    rows = built.avoidable[built.avoidable["measure"] == "everything"]
    return rows.sort_values("avoidable_leavers_90d", ascending=False)["area"].tolist()


def costs(folder, text):
    path = folder / "costs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_several_measures_save_less_than_their_sum_and_never_more_than_all_together(built, worst):
    works = [Work(worst[0], m, 100) for m in ("down_hours", "evening_latency", "loss", "everything")]
    made = {p.measures: p for p in choose_fixes.packages(built, worst[0], works)}
    rows = built.avoidable[built.avoidable["area"] == worst[0]].set_index("measure")
    assert len(made) == 2**3 - 1 + 1
    for measures, package in made.items():
        alone = rows.loc[list(measures), "avoidable_leavers_90d"]
        assert package.cost == 100 * len(measures)
        assert package.leavers[0] == pytest.approx(alone.iloc[0]) if len(measures) == 1 else True
        assert max(alone) - 1e-9 <= package.leavers[0] <= sum(alone) + 1e-9
        assert package.leavers[0] <= made["everything",].leavers[0] + 1e-9
        assert package.leavers[1] <= package.leavers[0] <= package.leavers[2]


@pytest.mark.parametrize("budget", [0, 900, 1500, 2600, 4000, 100_000])
def test_the_plan_is_the_best_of_all_subsets(built, worst, budget):
    works = [
        Work(area, measure, cost)
        for (area, measure), cost in zip(
            itertools.product(worst[:4], ("down_hours", "evening_latency")),
            (900, 700, 800, 150, 600, 90, 500, 400),
            strict=True,
        )
    ]
    made = choose_fixes.plan(built, works, budget, minimum=MINIMUM)
    per_area = {a: [None, *choose_fixes.packages(built, a, [w for w in works if w.area == a])] for a in worst[:4]}
    every = [[p for p in way if p is not None] for way in itertools.product(*per_area.values())]
    best = max(sum(p.leavers[0] for p in way) for way in every if sum(p.cost for p in way) <= budget)
    assert sum(p.leavers[0] for p in made.packages) == pytest.approx(best)
    assert made.cost <= budget
    assert made.gap == 0


def test_what_there_is_no_ground_to_buy_is_left_out_and_said(built, worst):
    works = [Work(worst[0], "loss", 1), Work("n05", "down_hours", 1), Work(worst[0], "down_hours", 5)]
    made = choose_fixes.plan(built, works, 100, minimum=MINIMUM)
    assert [p.measures for p in made.packages] == [("down_hours",)]
    assert sorted(made.left_out) == [
        "1 work in areas with too few customers to show separately",
        "1 work of measures that were not found to affect leaving (--unproven includes them)",
    ]
    more = choose_fixes.plan(built, works, 100, minimum=MINIMUM, with_unproven=True)
    assert [p.measures for p in more.packages] == [("loss", "down_hours")]


def test_costs_are_read_by_id_or_name_and_by_code_or_word(built, tmp_path):
    path = costs(tmp_path, "Area;Measure;Cost;remark\nn03;evening_latency;12,5;\n")
    with pytest.raises(CostsError, match="column cost"):
        choose_fixes.read_costs(path, built)
    path = costs(tmp_path, "Area;Measure;Cost;remark\nn03;evening_latency;1200.5;\nDUNMERE;time without service;7;x\n")
    assert choose_fixes.read_costs(path, built) == [
        Work("n03", "evening_latency", 120050),
        Work("n03", "down_hours", 700),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "costs.csv: is empty"),
        ("area,cost\nn03,5\n", "costs.csv, line 1: there is no column measure (area, measure, cost)"),
        ("area,measure,cost\n", "costs.csv: it has a header and no rows"),
        (
            "area,measure,cost\nDunmore,loss,5\n",
            "line 2, column area: the results know no area 'Dunmore'; did you mean dunmere",
        ),
        (
            "area,measure,cost\nn03,speed,5\n",
            "line 2, column measure: the results know no measure 'speed'; did you mean down_hours",
        ),
        (
            "area,measure,cost\nn03,evening latenzy,5\n",
            "no measure 'evening latenzy'; did you mean evening latency or evening_util",
        ),
        (
            "area,measure,cost\nn03,speed,abc\n",
            "line 2, column cost: must be a number from 0 on, such as 12500 or 12500.50, not 'abc'",
        ),
        ("area,measure,cost\nn03,loss,\n", "line 2, column cost: is empty"),
        (
            "area,measure,cost\nn03,loss,-4\n",
            "line 2, column cost: must be a number from 0 on, such as 12500 or 12500.50, not '-4'",
        ),
        ("area,measure,cost\nn03,loss,nan\n", "line 2, column cost: must be a number"),
        ("area,measure,cost\nn03,loss,4\nDunmere,loss,5\n", "line 3, column measure: is there twice for this area"),
        ("area,measure,cost\nn03,loss\n", "line 2: has 2 cells, the header 3"),
    ],
)
def test_a_bad_cost_file_is_told_by_line_and_column(built, tmp_path, text, said):
    with pytest.raises(CostsError) as refused:
        choose_fixes.read_costs(costs(tmp_path, text), built)
    assert said in str(refused.value)


def test_every_fault_is_told_at_once(built, tmp_path):
    path = costs(tmp_path, "area,measure,cost\n" + "nowhere,loss,1\n" * 25)
    with pytest.raises(CostsError) as refused:
        choose_fixes.read_costs(path, built)
    lines = str(refused.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 5 more"


def test_the_command_prints_the_plan_and_writes_it(sample, tmp_path, capsys, worst):
    ready(sample, tmp_path)
    path = costs(
        tmp_path, f"area,measure,cost\n{worst[0]},down_hours,800\n{worst[1]},down_hours,900\n{worst[2]},down_hours,1\n"
    )
    command = [
        "fixes",
        "--config",
        str(tmp_path / "dashboard.toml"),
        "--costs",
        str(path),
        "--out",
        str(tmp_path / "o.csv"),
    ]
    assert bairro.main([*command, "--budget", "1000"]) == 0
    said = capsys.readouterr().out
    assert "Time without service" in said
    assert "For €" in said
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["cost"]) for row in rows) <= 1000
    worth = [float(row["avoidable_leavers_90d"]) / float(row["cost"]) for row in rows]
    assert worth == sorted(worth, reverse=True)
    assert bairro.main([*command, "--budget", "0.5"]) == 1
    assert "None of the works fits the budget." in capsys.readouterr().out
    assert bairro.main([*command, "--budget", "much"]) == 2
    assert "--budget: must be a number" in capsys.readouterr().err


def test_without_an_effect_no_plan_is_made(sample, tmp_path, capsys):
    ready(sample, tmp_path, is_found=False)
    path = costs(tmp_path, "area,measure,cost\nn03,loss,4\n")
    arguments = argparse.Namespace(config=tmp_path / "dashboard.toml", budget="5", costs=path, out=None, unproven=False)
    assert fixes_command.run(arguments) == 1
    assert "No effect of quality on leaving was found." in capsys.readouterr().out


def test_before_the_first_build_the_command_says_so(sample, tmp_path, capsys):
    sample.settings(tmp_path)
    (tmp_path / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n', encoding="utf-8")
    path = costs(tmp_path, "area,measure,cost\nn03,loss,4\n")
    assert (
        bairro.main(["fixes", "--config", str(tmp_path / "dashboard.toml"), "--budget", "5", "--costs", str(path)]) == 2
    )
    assert "bairro build" in capsys.readouterr().err
