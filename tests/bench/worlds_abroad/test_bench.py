"""The bench itself: one small world through import and build, and which seeds it takes."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.checks_abroad import customer_weeks
from bench.worlds_abroad import __main__ as bench
from bench.worlds_abroad.simulation import worlds

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_a_small_world_is_imported_built_and_held_to_its_truth(tmp_path, capsys):
    output = tmp_path / "rows.jsonl"
    asked = ["--mechanism", "additive", "--seeds", "1", "--areas", "10", "--output", str(output)]
    assert bench.main([*asked, "--keep", str(tmp_path / "kept")]) == 0
    (row,) = (json.loads(line) for line in output.read_text(encoding="utf-8").splitlines())
    assert row["seeds"] == "looked at"
    expected = row["expected"]["future"]
    assert expected["intervals"] == expected["areas"] == 10
    assert 0.5 < expected["told"] / expected["true"] < 2.0
    assert row["failed"] == []
    kept = tmp_path / "kept" / "additive-1"
    assert {"dashboard.toml", "customers.csv", "truth.csv", "truth.json", "data"} <= {p.name for p in kept.iterdir()}
    _same_as_in_memory(pd.read_parquet(next(kept.glob("data/results/*/area_weeks.parquet"))))
    told = capsys.readouterr().out
    assert "| additive | 1 |" in told
    assert bench.main(asked) == 0, "a second run reads the row and measures nothing"
    assert len(output.read_text(encoding="utf-8").splitlines()) == 1


def _same_as_in_memory(built: pd.DataFrame) -> None:
    """Counts and days to the last; what is measured as far as echoes and noise of an hour go."""
    made = customer_weeks.area_weeks(worlds.simulate("additive", 1, areas=10, customers=2500))
    for name in made.columns[3:]:
        tolerance = {"loss_ratio": 0.003, "evening_utilization_mean_ratio": 0.02, "down_hours_variance": 1.0}.get(name)
        own = built.dropna(subset=[name]) if tolerance else built
        told = made.loc[own.index, name].to_numpy(dtype=float)
        assert told == pytest.approx(own[name].to_numpy(dtype=float), abs=tolerance or 0.2, rel=0.05), name


@pytest.mark.parametrize(
    ("text", "is_final", "seeds"), [("1,3", False, [1, 3]), ("1-6", False, [1, 3, 5]), ("1-6", True, [2, 4, 6])]
)
def test_odd_seeds_are_looked_at_and_even_ones_are_final(text, is_final, seeds):
    assert bench.seeds_of(text, is_final=is_final) == seeds


@pytest.mark.parametrize("arguments", [["--seeds", "2"], ["--seeds", "3", "--final"], ["--mechanism", "additiv"]])
def test_seeds_of_the_other_kind_and_unknown_mechanisms_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert "final" in capsys.readouterr().err or "additiv" in arguments


def test_the_generator_knows_nothing_of_the_demo_or_of_the_dashboard():
    code = "import sys, bench.worlds_abroad.simulation.exports; print([m for m in sys.modules if m.split('.')[0] in ('demo', 'dashboard')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
