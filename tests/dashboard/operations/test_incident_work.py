"""Customers told, handed over, notes and taking back: what is kept, who may, and what is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

import bairro
from collector.published import AUDIT, SCHEMA_VERSION
from dashboard.app import create_app
from dashboard.config import WebSettings
from dashboard.figures import incident_story
from dashboard.operations import acknowledgements, incident_work
from dashboard.operations.audit import EntryError
from dashboard.operations.incident_records import IncidentRecords, Story
from dashboard.pages.sections import incident_work as form
from dashboard.pages.source import Source, visit

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def desk(sample, tmp_path):
    """A database with incidents, and what is on record of i-agg."""
    settings = sample.settings(tmp_path)
    sample.write_incidents(settings.database_url, NOW)
    engine = sa.create_engine(settings.database_url)
    records = IncidentRecords(settings.database_url)
    yield SimpleNamespace(settings=settings, engine=engine, story=lambda: records.story("i-agg"))
    engine.dispose()


def lines(story: Story) -> list[str]:
    return [event.text for event in incident_story.events(story) if event.at >= NOW]


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_every_entry_stands_in_the_story_with_who_made_it(desk):
    acknowledgements.acknowledge(desk.engine, "i-agg", "on my way", by="ana", at=at(0))
    incident_work.told(desk.engine, "i-agg", "by SMS", by="ana", at=at(1))
    incident_work.note(desk.engine, "i-agg", "fuse is blown", by="rui", at=at(2))
    incident_work.hand_over(desk.engine, "i-agg", "eva", "", by="ana", at=at(3))
    story = desk.story()
    assert lines(story) == [
        "ana took it on: on my way",
        "ana told the customers: by SMS",
        "rui noted: fuse is blown",
        "ana handed it over to eva",
    ]
    assert incident_story.told_at(story) == at(1)
    assert story.notes[-1]["acknowledged_by"] == "eva", "it is hers now, for all that read who has it"


def test_only_the_newest_entry_is_taken_back_and_only_by_who_made_it(desk):
    acknowledgements.acknowledge(desk.engine, "i-agg", "", by="ana", at=at(0))
    incident_work.hand_over(desk.engine, "i-agg", "eva", "", by="ana", at=at(1))
    incident_work.told(desk.engine, "i-agg", "", by="rui", at=at(2))
    with pytest.raises(EntryError, match="the newest entry is of rui, who alone may take it back"):
        incident_work.take_back(desk.engine, "i-agg", by="ana", at=at(3))
    incident_work.take_back(desk.engine, "i-agg", by="rui", at=at(3))
    assert incident_story.told_at(desk.story()) is None
    incident_work.take_back(desk.engine, "i-agg", by="ana", at=at(4))
    assert [note["acknowledged_by"] for note in desk.story().notes] == ["ana"]
    incident_work.take_back(desk.engine, "i-agg", by="ana", at=at(5))
    assert desk.story().notes == ()
    assert lines(desk.story()) == []
    with pytest.raises(EntryError, match="there is nothing to take back"):
        incident_work.take_back(desk.engine, "i-agg", by="ana", at=at(6))
    with desk.engine.connect() as connection:
        kept = connection.scalars(sa.select(AUDIT.c.action).order_by(AUDIT.c.audit_id)).all()
    assert len(kept) == 6, "the audit keeps all of it"


def test_two_who_take_it_on_at_once_both_stand_in_the_story(desk):
    for name in ("ana", "rui"):
        acknowledgements.acknowledge(desk.engine, "i-agg", "", by=name, at=at(0))
    assert sorted(lines(desk.story())) == ["ana took it on", "rui took it on"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (lambda e: incident_work.told(e, "i-agg", "", by="  ", at=NOW), "say who you are first"),
        (lambda e: incident_work.note(e, "i-agg", " ", by="ana", at=NOW), "write the note first"),
        (lambda e: incident_work.note(e, "i-agg", "x" * 2001, by="ana", at=NOW), "a note has at most 2,000 letters"),
        (lambda e: incident_work.hand_over(e, "i-agg", "", "", by="ana", at=NOW), "say to whom it is handed over"),
        (lambda e: incident_work.told(e, "nothing", "", by="ana", at=NOW), "there is no incident 'nothing'"),
        (lambda e: incident_work.told(e, "i-agg", "", by="x" * 201, at=NOW), "a name has at most 200 letters"),
    ],
)
def test_what_cannot_be_entered_is_refused_in_words(desk, entry, said):
    with pytest.raises(EntryError, match=said):
        entry(desk.engine)
    assert desk.story().entries == ()


def test_details_that_somebody_else_wrote_do_no_harm(desk):
    with desk.engine.begin() as connection:
        for details in ("no json", "[1]", json.dumps({"note": 7, "to": None}), None):
            row = {"at": NOW, "actor": "x", "action": incident_work.TOLD, "subject": "i-agg", "details": details}
            connection.execute(sa.insert(AUDIT).values(row))
    assert [done.note for done in incident_work.standing(desk.story().entries)] == [""] * 4


# --- the form ---


def press(source: Source, button: str, **given: Any) -> Any:
    filled = {"note": "", "to": "", "typed": "ana"} | given
    return form.enter(source, button, "i-agg", **filled)


def test_each_button_enters_what_it_says(desk):
    source = Source(desk.settings)
    assert press(source, "take", note="coming") == ("You have taken it on.", "")
    assert press(source, "told") == (form.ACTIONS["told"][1], "")
    assert press(source, "add", note="<b>fuse</b>")[1] == ""
    assert press(source, "hand", to="eva")[1] == ""
    assert [text.split(" ", 1)[1] for text in lines(desk.story())] == [
        "took it on: coming", "told the customers", "noted: <b>fuse</b>", "handed it over to eva"
    ]  # fmt: skip
    assert press(source, "back")[0] == "Your last entry is taken back."


def test_a_note_is_kept_in_the_form_where_nothing_was_entered(desk, scratch):
    said, note = press(Source(desk.settings), "take", typed=None, note="long words")
    assert "Say who you are first" in str(said)
    assert type(note).__name__ == "NoUpdate"
    said, _ = press(Source(replace(scratch, data=scratch.data / "gone")), "take")
    assert "There is no operations database" in str(said)
    assert not (scratch.data / "gone").exists(), "none is made by asking"


def test_the_proxys_name_counts_and_nothing_that_is_typed(desk):
    web = WebSettings(behind_proxy=True, hosts=("noc.example",), user_header="X-Forwarded-User")
    settings = replace(desk.settings, web=web)
    app, source = create_app(settings), Source(settings)
    with app.server.test_request_context(headers={"X-Forwarded-User": "eva"}):
        assert press(source, "take", typed="somebody else")[0] == "You have taken it on."
    assert lines(desk.story()) == ["eva took it on"]
    with app.server.test_request_context():
        assert "did not say who you are" in str(press(source, "take", typed="somebody else")[0])


def test_the_command_line_enters_the_same(desk, tmp_path, capsys):
    with desk.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{SCHEMA_VERSION}')")
    config = tmp_path / "dashboard.toml"
    config.write_text(f'data = "data"\ncustomer_key = "customer.key"\ndatabase = "{desk.settings.database_url}"\n')
    for words in (["told", "i-agg", "--note", "by SMS"], ["hand-over", "i-agg", "--to", "eva"], ["take-back", "i-agg"]):
        assert bairro.main(["incident", words[0], "--config", str(config), "--by", "ana", *words[1:]]) == 0
    assert "taken back: incident.hand_over" in capsys.readouterr().out
    assert lines(desk.story()) == ["ana told the customers: by SMS"]


def test_the_form_names_the_command_that_writes_whom_to_call(desk):
    said = form.panel(visit(Source(desk.settings))).to_plotly_json()
    assert "bairro outreach" in str(said)
