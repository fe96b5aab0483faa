"""The registry of quality measures: what it refuses, and that one entry more is all that another measure takes."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dashboard import measures
from dashboard.figures.charts import weeks
from dashboard.figures.style import words
from dashboard.measures import DOWN, MEASURES, Mean, Measure, MeasureError, ShareOfCounts, Words
from dashboard.panel import statements

ROOT = Path(__file__).parents[2]
JITTER = Measure(
    name="tried_jitter",
    column="tried_jitter_mean_seconds",
    made=Mean("jitter_seconds", "tried"),
    what="mean of the hourly jitter, 18:00 to 24:00 local",
    unit="seconds",
    per=0.001,
    words=Words(
        name="Tried jitter",
        short="Tried",
        look_at="queues and air links in the evening",
        form="milliseconds",
        places=1,
        chart="Tried jitter",
    ),
    target="tried_jitter_seconds",
)


def program_in(folder: Path, entry: str) -> Path:
    """A copy of the program with one ``entry`` more in its registry, and nothing else changed."""
    for package in ("collector", "dashboard", "demo"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ("bairro.py", "bairro_error.py", "settings_file.py", "recurrence.py"):
        shutil.copy(ROOT / module, folder)
    registry = folder / "dashboard" / "measures.py"
    text = registry.read_text(encoding="utf-8")
    assert text.count("\n)\nWINDOWS") == 1
    registry.write_text(text.replace("\n)\nWINDOWS", f"\n    {entry},\n)\nWINDOWS"), encoding="utf-8")
    return folder


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join((str(program), str(ROOT / "tests" / "dashboard" / "panel")))
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=program,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a program with tried_jitter makes of a small world, and of a demo provider."""
    folder = tmp_path_factory.mktemp("jitter")
    program = program_in(folder / "program", repr(JITTER))
    ended = run(program, str(ROOT / "tests" / "dashboard" / "build_with_a_measure_more.py"), str(folder))
    assert ended.returncode == 0, ended.stderr
    told: dict[str, Any] = json.loads((folder / "found.json").read_text())
    assert told["program"] == str(program)
    return told


@pytest.mark.slow
def test_a_measure_more_is_added_up_from_the_hours_by_its_entry_alone(found: dict[str, Any]) -> None:
    """Of evenings only, weighted by time observed: 0.9 by day is left out."""
    assert found["area"] == pytest.approx([(3 * 3600 * 0.004 + 1800 * 0.010) / (3 * 3600 + 1800)])
    assert found["customers"] == pytest.approx({"0": 0.004, "1": 0.004, "2": 0.004, "3": 0.010})
    assert found["complaint"] == pytest.approx([0.010])


@pytest.mark.slow
def test_a_measure_more_reaches_models_drivers_targets_and_words(found: dict[str, Any]) -> None:
    assert found["codes"] == [0] * 6
    models = ["complaints", "complaints_control", "complaints_placebo", "leaving", "leaving_control"]
    assert found["models"] == models
    assert found["measured"] > 0
    assert found["targets"] == [0.002]
    ((name, value, look_at),) = found["drivers"]
    assert (name, value.endswith("ms"), look_at) == ("Tried jitter", True, JITTER.words.look_at)
    assert found["evidence"] == [["Tried jitter", "per 1\u202fms"]]
    assert "Tried jitter" in found["charts"]
    assert found["drawn"] > 0
    assert (found["may_be_promised"], found["short"]) == (True, "Tried")


def test_a_measure_without_words_ends_every_command_in_a_sentence_that_names_the_file(tmp_path: Path) -> None:
    program = program_in(tmp_path, repr(dataclasses.replace(JITTER, words=Words())))
    ended = run(program, "-m", "bairro", "build")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "bairro: dashboard/measures.py: tried_jitter: has no words: give it name and short and look_at in words=Words(...)"
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"words": dataclasses.replace(JITTER.words, short=" ")}, "has no words: give it short in words=Words(...)"),
        (
            {"words": dataclasses.replace(JITTER.words, form="furlongs")},
            "nothing writes values as 'furlongs'; known: hours",
        ),
        ({"per": 0.0}, "per is 0: say for which step its ratios are told"),
        (
            {"made": Mean("jitter_seconds", "jitter", in_evenings=False, on_path=True)},
            "on_path is known of evenings only",
        ),
        ({"made": Mean("jitter_seconds", "latency")}, "latency_sum is taken by evening_latency; take another word"),
        ({"column": "loss_ratio"}, "loss_ratio is taken by loss; take another word"),
        ({"target": "loss_ratio"}, "loss_ratio is taken by loss; take another word"),
        (
            {"made": ShareOfCounts("codewords_uncorrectable", "codewords_total", "lost", "echoes_sent")},
            "echoes_sent is taken by loss; take another word",
        ),
    ],
)
def test_what_a_measure_lacks_is_said_with_its_name(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(MeasureError) as refused:
        measures.check([*MEASURES, dataclasses.replace(JITTER, **changes)])
    assert str(refused.value).startswith(f"dashboard/measures.py: tried_jitter: {says}")


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(MeasureError, match="down_hours is taken by down_hours"):
        measures.check([*MEASURES, dataclasses.replace(JITTER, name="down_hours")])


def test_every_form_has_its_writer_and_its_unit() -> None:
    assert set(words.FORMS) == set(weeks.DRAWN) == set(measures.FORMS)


def test_a_step_of_less_says_so() -> None:
    assert words.step("down_hours", -2.0) == "per 2.0 hours less a week"
    assert words.step("loss", -0.01) == "per point less"
    assert words.step("evening_latency", -0.0005) == "per 0.5\u202fms less"


def test_a_line_is_written_once_for_each_thing_that_its_name_goes_through() -> None:
    text = "SELECT\n    sum(days.$category) AS $category,\n    days.$category\nFROM days -- $category\n".replace(
        " -- $category", ""
    )
    made = statements.expanded(text)
    assert made.splitlines()[1] == "    sum(days.connection) AS connection,"
    assert made.splitlines()[-2:] == ["    days.other", "FROM days"]
    assert made.count("days.slow") == 2
    assert statements.expanded("-- $nothing\n") == "-- $nothing\n"
    with pytest.raises(KeyError):
        statements.expanded("    $nothing\n")


def test_the_stamp_of_the_statements_changes_with_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    before = statements.stamp()
    monkeypatch.setattr(statements, "MEASURES", (dataclasses.replace(DOWN, per=2.0), *MEASURES[1:]))
    assert statements.stamp() != before
