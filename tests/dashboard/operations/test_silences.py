"""Silences: what is kept of them, which incidents fall under them, and what is refused in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from collector.published import AUDIT, OPERATIONS, connect
from dashboard.operations import silences
from dashboard.operations.audit import EntryError

AT = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path):
    made = connect(f"sqlite:///{tmp_path}/operations.sqlite")
    OPERATIONS.create_all(made)
    yield made
    made.dispose()


def held(engine, at=AT) -> list[str]:
    with engine.connect() as connection:
        return [row["target"] for row in silences.held(connection, at)]


def test_a_silence_holds_until_its_time_or_until_somebody_ends_it_and_both_are_kept(engine):
    first = silences.add(engine, "device", "olt-7", hours=8, reason="part ordered", by="ana", at=AT)
    silences.add(engine, "area", "ribeira", hours=2, reason="power works", by="rui", at=AT)
    assert held(engine) == ["ribeira", "olt-7"]
    assert held(engine, AT + timedelta(hours=2)) == ["olt-7"]
    assert held(engine, AT - timedelta(seconds=1)) == []
    row = silences.end(engine, first[:8], by="eva", at=AT + timedelta(hours=3))
    assert (row["target"], row["created_by"]) == ("olt-7", "ana")
    assert held(engine, AT + timedelta(hours=3)) == []
    with engine.connect() as connection:
        kept = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.audit_id)).mappings().all()
    assert [(one["action"], one["actor"]) for one in kept] == [
        ("silence.add", "ana"),
        ("silence.add", "rui"),
        ("silence.end", "eva"),
    ]
    assert json.loads(kept[0]["details"])["reason"] == "part ordered"
    with pytest.raises(EntryError, match=r"ended 2026-12-01 01:00 UTC by eva"):
        silences.end(engine, first, by="ana", at=AT + timedelta(hours=4))


@pytest.mark.parametrize(
    ("kind", "target", "hours", "reason", "by", "said"),
    [
        ("subtree", "olt-7", 1, "x", "ana", "name a device, a site or an area"),
        ("device", "  ", 1, "x", "ana", "name a device, a site or an area"),
        ("device", "olt-7", 1, " ", "ana", "give the reason"),
        ("device", "olt-7", 0, "x", "ana", "more than 0 and at most 31 days"),
        ("device", "olt-7", float("nan"), "x", "ana", "more than 0 and at most 31 days"),
        ("device", "olt-7", 745, "x", "ana", "more than 0 and at most 31 days"),
        ("device", "olt-7", 1, "x", " ", "say who you are"),
    ],
)
def test_what_can_be_no_silence_is_refused_and_nothing_is_kept(engine, kind, target, hours, reason, by, said):
    with pytest.raises(EntryError, match=said):
        silences.add(engine, kind, target, hours=hours, reason=reason, by=by, at=AT)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(AUDIT)) == 0


@pytest.mark.parametrize(
    ("kind", "target", "is_covered"),
    [
        ("device", "olt-7", True),
        ("device", "olt-8", False),
        ("site", "mast", True),
        ("site", "", False),
        ("area", "ribeira", False),
    ],
)
def test_an_incident_falls_under_the_silence_of_its_root_and_of_areas_that_hold_all_of_it(kind, target, is_covered):
    rows = [{"target_kind": kind, "target": target, "ends_at": AT}]
    where = {"root": "olt-7", "site": "mast", "areas": ("ribeira", "vila")}
    assert bool(silences.covering(rows, **where)) == is_covered
    both = [{"target_kind": "area", "target": area, "ends_at": AT} for area in ("ribeira", "vila", "centro")]
    assert len(silences.covering(both, **where)) == 2
    assert silences.covering(both, root=None, site=None, areas=()) == []
