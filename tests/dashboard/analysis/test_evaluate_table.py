"""`bairro evaluate` as it is called, on a small table with a known truth and on real tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

import bairro
from dashboard.analysis.evaluate_table import told
from dashboard.models.customer_table import evaluation
from dashboard.models.statistics import accuracy, tabular
from dashboard.models.statistics.crossfit import Search
from dashboard.tables import customer_table
from dashboard.tables.mappings import customer_mapping
from dashboard.tables.mappings.customer_mapping import Mapping, Outcome

MAPPING = 'id = "id"\narea = "area"\nquality = ["loss"]\n[outcome]\ncolumn = "left"\nyes = "1"\n'
BOUNDED = Search(3, 2, (3.0, 30.0), (tabular.QUICK,))


def _write_table(path: Path, seed: int, size: int, rate: float | None) -> pd.DataFrame:
    """Customers who leave by price and loss; with ``rate`` stayers are left out until that share has left."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": np.arange(size), "area": [f"a{i}" for i in random.integers(0, 25, size)]})
    frame["loss"], frame["price"] = random.gamma(2, 1, size).round(3), random.normal(30, 5, size).round(2)
    odds = -4.0 + 0.5 * frame["loss"] + 0.1 * (frame["price"] - 30)
    left = random.random(size) < special.expit(odds)
    frame["left"] = left.astype(int)
    if rate is not None:
        frame = frame[left | (random.random(size) < left.sum() * (1 - rate) / rate / (~left).sum())]
    frame.to_csv(path, index=False)
    return frame


def _run(folder: Path, *arguments: str) -> int:
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    common = ["--mapping", str(folder / "mapping.toml"), "--out", str(folder / "out"), "--folds", "2", "--inner", "2"]
    return bairro.main(["evaluate", str(folder / "table.csv"), *common, *arguments])


def test_an_oversampled_table_scores_customers_at_the_true_rate(tmp_path, capsys):
    _write_table(tmp_path / "table.csv", 1, 30_000, rate=0.5)
    new = _write_table(tmp_path / "new.csv", 2, 20_000, rate=None)
    rate = float(new["left"].mean())
    assert _run(tmp_path, "--true-rate", f"{rate:.4f}", "--score", str(tmp_path / "new.csv")) == 0
    printed = capsys.readouterr().out
    assert "AUC" in printed
    assert f"at a true rate of {rate:.3g}" in printed
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert stored["model"]["auc"]["low"] < stored["model"]["auc"]["value"] < stored["model"]["auc"]["high"]
    assert stored["inputs"][0]["rows_read"] == stored["inputs"][0]["rows_used"] == stored["customers"]
    slope = stored["calibration"]["slope"]
    assert slope["low"] - 0.05 < 1 < slope["high"] + 0.05
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert len(scores) == 20_000
    joined = scores.merge(new, on="id")
    assert scores["chance"].sum() == pytest.approx(new["left"].sum(), rel=0.15)
    found = accuracy.auc(joined["left"].to_numpy(float), joined["chance"].to_numpy())
    assert found == pytest.approx(stored["model"]["auc"]["value"], abs=0.04)
    assert scores["chance"].is_monotonic_decreasing
    assert scores["tenth"].value_counts().to_dict() == dict.fromkeys(range(1, 11), 2000)
    areas = pd.read_csv(tmp_path / "out" / "areas.csv")
    assert len(areas) == 25
    assert set(pd.read_csv(tmp_path / "out" / "quality.csv")["kind"]) == {"within", "between"}


def test_a_table_kept_aside_is_judged_by_a_model_that_did_not_see_it(tmp_path, capsys):
    _write_table(tmp_path / "table.csv", 3, 12_000, rate=0.5)
    aside = _write_table(tmp_path / "aside.csv", 4, 12_000, rate=None)
    rate = f"{aside['left'].mean():.4f}"
    assert _run(tmp_path, "--holdout", str(tmp_path / "aside.csv"), "--true-rate", rate) == 0
    assert "a table kept aside" in capsys.readouterr().out
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert stored["customers"] == 12_000
    assert stored["model"]["lift"]["value"] == pytest.approx(stored["model"]["lift_in_sample"], rel=0.02)
    level = stored["calibration"]["intercept"]
    assert level["low"] - 0.1 < 0 < level["high"] + 0.1


def test_rows_left_out_are_told_and_change_the_exit_code(tmp_path, capsys):
    _write_table(tmp_path / "table.csv", 5, 6000, rate=0.4)
    with (tmp_path / "table.csv").open("a") as file:
        file.write("1,a1,0.5,30,0\n999999,a1,much,30,0\n")
    lines = (tmp_path / "table.csv").read_text().count("\n")
    assert _run(tmp_path) == 1
    assert f"line {lines}, loss: is not a number" in capsys.readouterr().out


def test_what_cannot_be_done_is_said(tmp_path, capsys):
    assert _run(tmp_path) == 2
    assert "table.csv: no such file" in capsys.readouterr().err
    _write_table(tmp_path / "table.csv", 6, 400, rate=None)
    assert _run(tmp_path) == 2
    assert "at least 50 of each are needed" in capsys.readouterr().err
    _write_table(tmp_path / "table.csv", 7, 6000, rate=0.4)
    pd.DataFrame({"id": [1], "area": ["a"], "loss": [1], "price": [2]}).to_csv(tmp_path / "aside.csv", index=False)
    assert _run(tmp_path, "--holdout", str(tmp_path / "aside.csv")) == 2
    assert "do not tell who left" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        _run(tmp_path, "--true-rate", "2")


def _real(path: Path, mapping: Mapping) -> evaluation.Rows:
    table = customer_table.read(path, mapping)
    assert table.rows_read == len(table) + sum(table.refused.values())
    assert table.outcome is not None
    return evaluation.Rows(table.predictors, table.outcome, table.area)


@pytest.mark.shared
@pytest.mark.slow
def test_forty_thousand_real_customers(shared):
    mapping = Mapping(id="customer", outcome=Outcome("churn", "1"), left_out=("calibrat",))
    rows = _real(shared / "data" / "cell2cell" / "calibration_40000.csv", mapping)
    assert len(rows.outcome) == 40_000
    found = evaluation.cross_validated(rows, evaluation.Options(0.02, (), BOUNDED, 1))
    assert found.model.auc.value >= 0.675
    assert found.auc_gain.low > 0.04
    assert found.model.lift_in_sample <= 2.0
    assert found.model.lift.value > found.plain.lift.value
    assert found.lift_gain.low > 0.2
    assert 0.9 < found.calibration.slope.value < 1.1
    assert "likeliest tenth" in told(found)


@pytest.mark.shared
@pytest.mark.slow
def test_dropped_calls_of_real_areas_are_told_as_about_nothing(shared):
    mapping = Mapping(
        id="CustomerID", area="ServiceArea", outcome=Outcome("Churn", "Yes"), quality=("DroppedCalls", "BlockedCalls")
    )
    rows = _real(shared / "data" / "cell2cell" / "areas_calibration_28771.csv", mapping)
    quality = tuple(customer_mapping.normal(name) for name in mapping.quality)
    search = Search(2, 2, (10.0,), (tabular.QUICK,))
    found = evaluation.cross_validated(rows, evaluation.Options(0.02, quality, search, 1))
    between = [effect for effect in found.quality if effect.kind == "between"]
    assert len(between) == 4
    assert not any(effect.is_found for effect in between)
    assert all(effect.low < 1 < effect.high and effect.low > 0.9 and effect.high < 1.1 for effect in between)
    assert found.areas is not None
    assert found.areas.spread[0] < 0.15
    assert found.areas.rows["is_found"].sum() <= 3
    assert "droppedcalls, between areas, all else the same" in told(found)
