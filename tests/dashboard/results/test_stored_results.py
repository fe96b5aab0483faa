from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from dashboard.models.areas.local_changes import local_changes
from dashboard.results import stored_results
from dashboard.results.stored_results import RESULT_TABLES

JOINT = pd.DataFrame(
    {
        "model": ["complaints", "complaints_placebo"],
        "statistic": [2.5, np.nan],
        "numerator_df": pd.array([4, None], dtype="Int64"),
        "denominator_df": [11.7, np.nan],
        "p_value": [0.04, np.nan],
        "p_value_above": [0.02, np.nan],
        "is_found": [True, False],
    }
)


def _write(data, *, seed=1, tables=None):
    return stored_results.write(data, {"joint_tests": JOINT} if tables is None else tables, {"seed": seed})


def test_what_is_written_is_loaded(tmp_path):
    folder = _write(tmp_path)
    loaded = stored_results.load(tmp_path)
    assert loaded.folder == folder
    assert loaded.manifest["seed"] == 1
    assert loaded.manifest["tables"] == {name: 2 if name == "joint_tests" else 0 for name in RESULT_TABLES}
    pd.testing.assert_frame_equal(loaded.joint_tests, JOINT, check_dtype=False)
    for name, spec in RESULT_TABLES.items():
        assert tuple(getattr(loaded, name).columns) == spec.column_names


def test_dates_and_whole_numbers_that_may_be_missing_keep_their_kind(tmp_path):
    areas = pd.DataFrame({"area": ["a"], "name": ["A"], "timezone": [None], "geometry": [None]})
    ranking = {c.name: [None] for c in RESULT_TABLES["ranking"].columns}
    ranking |= {"area": ["a"], "verdict": ["too_little_data"], "customers": [3], "leavers": [0], "is_found": [False]}
    weeks = {c.name: [0] for c in RESULT_TABLES["area_weeks"].columns}
    weeks |= {"area": ["a"], "week": [pd.Timestamp("2026-01-05")], "is_complete": [True]}
    frames = {"areas": areas, "ranking": pd.DataFrame(ranking), "area_weeks": pd.DataFrame(weeks)}
    _write(tmp_path, tables=frames)
    loaded = stored_results.load(tmp_path)
    assert loaded.area_weeks["week"].iloc[0] == pd.Timestamp("2026-01-05")
    assert loaded.ranking["rank"].isna().all()
    assert str(loaded.ranking["rank"].dtype) == "Int64"
    assert loaded.ranking["is_found"].dtype == bool


def test_dates_none_of_which_is_known_are_kept_as_missing(tmp_path):
    """A history of ten weeks is too short for local changes; pandas makes numbers of dates that are missing throughout."""
    changes = local_changes(pd.DataFrame({"a": [1] * 10, "b": [0] * 10}), pd.DataFrame({"a": [1] * 10}), seed=1)
    assert changes["since_week"].dtype == float
    _write(tmp_path, tables={"local_changes": changes})
    loaded = stored_results.load(tmp_path).local_changes
    assert loaded["since_week"].isna().all()
    assert list(loaded["area"]) == ["a", "b"]


def test_nothing_yet(tmp_path):
    assert stored_results.load(tmp_path) is None
    assert stored_results.load_manifest(tmp_path) is None


def test_the_newest_build_counts_and_five_are_kept(tmp_path):
    folders = [_write(tmp_path, seed=seed) for seed in range(7)]
    assert stored_results.load(tmp_path).manifest["seed"] == 6
    assert [f.exists() for f in folders] == [False, False, True, True, True, True, True]
    assert sorted(folders) == folders


@pytest.mark.parametrize("spoil", ["remove_table", "truncate_table", "remove_manifest", "truncate_manifest"])
def test_a_build_that_is_not_whole_is_passed_over(tmp_path, spoil):
    _write(tmp_path, seed=1)
    newest = _write(tmp_path, seed=2)
    file = newest / ("manifest.json" if "manifest" in spoil else "ranking.parquet")
    if spoil.startswith("remove"):
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:20])
    assert stored_results.load(tmp_path).manifest["seed"] == 1


def test_a_build_under_way_is_not_seen_and_yesterdays_remains_go(tmp_path):
    whole = _write(tmp_path)
    under_way = tmp_path / "results" / ".building-1-1"
    stale = tmp_path / "results" / ".building-2-2"
    shutil.copytree(whole, under_way)
    shutil.copytree(whole, stale)
    os.utime(stale, (0, 0))
    assert stored_results.builds(tmp_path) == [whole]
    _write(tmp_path)
    assert under_way.exists()
    assert not stale.exists()


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    with pytest.raises(TypeError):
        stored_results.write(tmp_path, {}, {"seed": object()})
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("frames", "error", "words"),
    [
        ({"rankings": pd.DataFrame()}, KeyError, "rankings"),
        ({"joint_tests": JOINT.drop(columns="p_value")}, ValueError, "joint_tests: no column p_value"),
        ({"joint_tests": JOINT.assign(p_value="small")}, ValueError, "joint_tests"),
        ({"joint_tests": JOINT.assign(model=[None, "a"])}, ValueError, "joint_tests: model is missing in 1 rows"),
    ],
)
def test_tables_that_do_not_fit_their_declaration_are_refused(tmp_path, frames, error, words):
    with pytest.raises(error, match=words):
        stored_results.write(tmp_path, frames, {})
    assert stored_results.load(tmp_path) is None


def test_the_same_tables_are_the_same_bytes(tmp_path):
    first, second = _write(tmp_path), _write(tmp_path)
    for name in RESULT_TABLES:
        assert (first / f"{name}.parquet").read_bytes() == (second / f"{name}.parquet").read_bytes()
    assert json.loads((first / "manifest.json").read_text()) == json.loads((second / "manifest.json").read_text())
