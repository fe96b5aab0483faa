"""`bairro import` as it is typed: proposals that can be kept and used, dry runs, history, undo."""

from __future__ import annotations

from pathlib import Path

import pytest

import bairro
from dashboard.config import load
from dashboard.tables.imports.records import read

EXPORT = """Case Number,Account No,Opened,Time,Reason,Via,Agent,Notes
501,C-1,13/02/2025,03:15 PM,Internet down,Phone,Rui Reis,call 912 345 678
502,C-2,04/02/2025,09:05 AM,Too slow,Web,Rui Reis,Ana says it is slow
503,C-3,28/02/2025,11:59 PM,Wrong invoice,Web,Rui Reis,
504,C-4,28/02/2025,12:00 PM,Zebra,Web,Rui Reis,
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\ntimezone = "Europe/Lisbon"\n')
    (tmp_path / "export.csv").write_text(EXPORT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_proposal_is_shown_kept_edited_and_used(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bairro.main(["import", "complaints", "export.csv", "--propose"]) == 1
    text = capsys.readouterr().out
    assert not (folder / "data").exists()
    assert not (folder / "key").exists()
    assert "# Not stored: agent, notes" in text
    assert 'source = ["opened", "time"]\nformat = "%d/%m/%Y %I:%M %p"' in text
    assert '"Internet down" = "connection"' in text
    assert '# "Zebra" = ""  # not recognised, so \'other\' until you say: is it one of connection, slow,' in text
    assert "WARNING: category: 1 of 4 complaints have a category that the mapping does not list" in text
    assert "# complaints: export.csv (UTF-8, comma): 4 rows read: would be 4 added" in text
    (folder / "own.toml").write_text(text.replace('# "Zebra" = ""', '"Zebra" = "installation"'))
    assert bairro.main(["import", "complaints", "export.csv", "--mapping", "own.toml"]) == 0
    rows = read("complaints", load(folder / "dashboard.toml").data).to_pylist()
    assert [row["category"] for row in rows] == ["connection", "slow", "billing", "installation"]
    assert str(rows[0]["opened_at"]) == "2025-02-13 15:15:00+00:00"
    assert bairro.main(["import", "--history"]) == 0
    assert "export.csv with the mapping own.toml by" in capsys.readouterr().out
    assert bairro.main(["import", "complaints", "--undo"]) == 0
    assert "there are none now" in capsys.readouterr().out
    assert bairro.main(["import", "complaints", "--undo"]) == 2


def test_dates_that_can_be_read_in_two_ways_are_left_to_a_person(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "export.csv").write_text("id,area,date,type\n1,a,04/02/2025,slow\n")
    assert bairro.main(["import", "complaints", "export.csv", "--propose"]) == 0
    text = capsys.readouterr().out
    assert "# The dates can be read in several ways: take the # from the one that is right." in text
    assert '# format = "%d/%m/%Y"\n# format = "%m/%d/%Y"' in text
    assert "04/02/2025 is read as 2025-02-04 (day/month/year), since the day comes first where the time zone is" in text
    (folder / "own.toml").write_text(text.replace('# format = "%m/%d/%Y"', 'format = "%m/%d/%Y"'))
    assert bairro.main(["import", "complaints", "export.csv", "--mapping", "own.toml"]) == 0
    (row,) = read("complaints", load(folder / "dashboard.toml").data).to_pylist()
    assert str(row["opened_at"]) == "2025-04-01 23:00:00+00:00"


def test_the_rows_decide_how_dates_are_proposed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "1,a,05/03/24,06/03/24,slow\n2,a,25/12/23,01/02/24,slow\n3,a,11/11/22,12/11/22,slow\n"
    (folder / "export.csv").write_text(f"id,area,created,solved,type\n{rows}")
    assert bairro.main(["import", "complaints", "export.csv", "--propose"]) == 0
    text = capsys.readouterr().out
    assert text.count('format = "%d/%m/%y"') == 2
    assert "in several ways" not in text


def test_what_no_column_looks_like_is_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "export.csv").write_text("Stars,Posted,Words\n5,2025-03-01,lovely\n")
    assert bairro.main(["import", "reviews", "export.csv", "--propose"]) == 2
    text = capsys.readouterr().out
    assert "# source is needed (the site or shop that it stands on), and no column looks like it." in text
    own = text.replace(
        '# [columns.source]\n# source = "..."    # or: constant = "..."', '[columns.source]\nconstant = "maps"'
    )
    (folder / "own.toml").write_text(own)
    assert bairro.main(["import", "reviews", "export.csv", "--mapping", "own.toml"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what to import: areas, customers, prices, complaints, nps, reviews"),
        (["nps"], "say which file to import"),
        (["nps", "export.csv", "--undo"], "leave the file out"),
        (["nps", "--undo"], "nps: nothing has been imported, so there is nothing to take back"),
        (["customers", "export.csv", "--as-of", "2999-01-01"], "--as-of 2999-01-01 lies in the future"),
        (["nps", "nowhere.csv", "--propose"], "nowhere.csv: no such file"),
    ],
)
def test_what_cannot_be_done_is_said(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bairro.main(["import", *words]) == 2
    assert said in capsys.readouterr().err


def test_the_profiles_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bairro.main(["import", "--mappings"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["delighted", "nps"],
        ["freshdesk", "complaints"],
        ["hubspot", "complaints"],
        ["odoo", "complaints"],
        ["osticket", "complaints"],
        ["qualtrics", "nps"],
        ["salesforce", "complaints"],
        ["splynx", "customers"],
        ["uisp", "customers"],
        ["whmcs", "customers"],
        ["zendesk", "complaints"],
    ]
