"""Which message is due: a table of what stands, what was told, and what is to be told next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.notices import due
from dashboard.notices.stories import Incident

from .conftest import receiver_of

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
OPEN = Incident(
    incident_id="i-1",
    kind="outage",
    scope="subtree",
    measure=None,
    root="olt-7",
    areas=("Ribeira", "Vila"),
    started_at=AT - timedelta(minutes=10),
    ended_at=None,
    detected_by="shard 0",
    devices=12,
    devices_now=12,
    customers=40,
    customers_now=40,
    minutes_lost=0.0,
    is_root_in=True,
    is_at_customer=False,
    is_silenced=False,
    taken_up_by=None,
    into=None,
)
OVER = replace(OPEN, ended_at=AT - timedelta(minutes=1))
TAKEN = replace(OPEN, taken_up_by="ana")
SILENT = replace(OPEN, is_silenced=True)


@pytest.mark.parametrize(
    ("found", "told", "expected"),
    [
        (OPEN, (), "opened"),
        (OPEN, ("opened",), None),
        (TAKEN, (), "opened"),
        (TAKEN, ("opened",), "taken_up"),
        (TAKEN, ("opened", "taken_up"), None),
        (OVER, (), None),
        (OVER, ("opened",), "ended"),
        (OVER, ("opened", "taken_up"), "ended"),
        (OVER, ("opened", "taken_up", "ended"), None),
        (OPEN, ("opened", "ended"), "reopened"),
        (OVER, ("opened", "ended", "reopened"), "ended"),
        (TAKEN, ("opened", "taken_up", "ended", "reopened"), None),
        (replace(OPEN, kind="planned"), (), None),
        (replace(OPEN, kind="planned", ended_at=AT), ("opened",), "ended"),
        (replace(OPEN, kind="blind", areas=(), customers=None), (), "opened"),
        (SILENT, (), None),
        (replace(OVER, is_silenced=True), ("opened",), None),
    ],
)
def test_each_stage_is_told_once(found, told, expected):
    assert due.event(found, receiver_of(), told, AT) == expected


@pytest.mark.parametrize(
    ("fields", "found", "is_due"),
    [
        ({"delay_minutes": 10}, OPEN, True),
        ({"delay_minutes": 10.5}, OPEN, False),
        ({"areas": ("Vila",)}, OPEN, True),
        ({"areas": ("Elsewhere",)}, OPEN, False),
        ({"areas": ("Vila",)}, replace(OPEN, kind="blind", areas=()), False),
        ({"minimum_customers": 40}, OPEN, True),
        ({"minimum_customers": 41}, OPEN, False),
        ({"minimum_customers": 41}, replace(OPEN, customers=None), True),
        ({"incidents": ("degradation",)}, OPEN, False),
        ({"quiet_hours": "22:00-07:00"}, OPEN, True),
        ({"quiet_hours": "12:00-13:00"}, OPEN, False),
        ({"quiet_hours": "11:00-12:00"}, OPEN, True),
        ({"quiet_hours": "22:00-12:01"}, OPEN, False),
    ],
)
def test_filters_delay_and_quiet_hours_keep_the_first_message_back(fields, found, is_due):
    assert (due.event(found, receiver_of(**fields), (), AT) == "opened") == is_due


def test_who_was_told_of_the_beginning_is_told_of_the_end_whatever_the_filters_say():
    assert due.event(OVER, receiver_of(areas=("Elsewhere",), delay_minutes=60), ("opened",), AT) == "ended"
