"""Maintenance windows: who is in one, when, and which outages are planned."""

from __future__ import annotations

from math import inf

import pytest

from collector.quality.maintenance import Calendar, Window
from collector.quality.planned import PlannedOutages
from collector.reading import Device, IncidentChange, IncidentKind, OpenIncident
from recurrence import Weekly

DAY = 86_400.0
MONDAY = 1_772_409_600.0  # 2026-03-02 00:00 UTC
DEVICES = {
    device.device_id: device
    for device in (
        Device("core", "127.0.0.1", "router", "centro", site="exchange"),
        Device("olt", "127.0.0.2", "olt", "harbour", parent="core", site="hut"),
        Device("cpe-1", "127.0.0.3", "cpe", "harbour", parent="olt"),
        Device("cpe-2", "127.0.0.4", "cpe", "hill", parent="olt"),
    )
}


def once(target: str, start: float, end: float, *, kind: str = "device", cancelled_at: float = inf) -> Window:
    return Window(f"{target}-{start}", kind, target, start, end, cancelled_at=cancelled_at)  # type: ignore[arg-type]


def calendar(*windows: Window) -> Calendar:
    return Calendar(windows, DEVICES)


@pytest.mark.parametrize(
    ("kind", "target", "inside"),
    [
        ("device", "olt", {"olt"}),
        ("site", "hut", {"olt"}),
        ("area", "harbour", {"olt", "cpe-1"}),
        ("area", "nowhere", set()),
        ("device", "harbour", set()),
        ("site", "harbour", set()),
    ],
)
def test_a_window_holds_for_a_device_a_site_or_an_area(kind: str, target: str, inside: set[str]) -> None:
    windows = calendar(once(target, 100.0, 200.0, kind=kind))
    for name in DEVICES:
        assert (windows.until(name, 150.0) == 200.0) == (name in inside)
        assert windows.spans([name], 0.0, 1000.0) == ([(100.0, 200.0)] if name in inside else [])
    assert windows.under_way(150.0) == dict.fromkeys(inside, 200.0)
    assert windows.under_way(99.0) == windows.under_way(200.0) == {}


@pytest.mark.parametrize(
    ("top", "inside"),
    [
        ("core", {"core", "olt", "cpe-1", "cpe-2"}),
        ("olt", {"olt", "cpe-1", "cpe-2"}),
        ("cpe-2", {"cpe-2"}),
        ("gone", set()),
    ],
)
def test_a_window_on_a_subtree_holds_for_the_device_and_all_behind_it(top: str, inside: set[str]) -> None:
    found = calendar(once(top, 100.0, 200.0, kind="subtree"))
    assert found.under_way(150.0) == dict.fromkeys(inside, 200.0)
    assert {name for name in ("core", "olt", "cpe-1", "cpe-2") if found.covers(name, 100.0, 200.0)} == inside
    assert found.under_way(200.0) == {}


def test_a_subtree_whose_top_another_shard_polls_and_a_ring_end_too() -> None:
    away = Device("b", "127.0.0.2", "olt", "harbour", parent="elsewhere")
    ring = [Device(name, "127.0.0.3", "olt", "harbour", parent=parent) for name, parent in (("x", "y"), ("y", "x"))]
    devices = {device.device_id: device for device in (away, *ring)}
    found = Calendar(
        [once("elsewhere", 100.0, 200.0, kind="subtree"), once("x", 100.0, 200.0, kind="subtree")], devices
    )
    assert found.under_way(150.0) == {"b": 200.0, "x": 200.0, "y": 200.0}


def test_the_end_is_outside() -> None:
    windows = calendar(once("olt", 100.0, 200.0))
    assert [windows.until("olt", at) for at in (99.9, 100.0, 199.9, 200.0)] == [None, 200.0, 200.0, None]
    assert [windows.covers("olt", 100.0, end) for end in (100.0, 200.0, 200.1)] == [True, True, False]
    assert not windows.covers("olt", 99.9, 150.0)


def test_windows_that_overlap_or_touch_are_one() -> None:
    windows = calendar(once("olt", 100.0, 200.0), once("hut", 150.0, 300.0, kind="site"), once("olt", 300.0, 400.0))
    assert windows.spans(["olt"], 0.0, 1000.0) == [(100.0, 400.0)]
    assert windows.spans(["olt"], 120.0, 350.0) == [(120.0, 350.0)]
    assert windows.until("olt", 120.0) == 400.0
    assert windows.covers("olt", 100.0, 400.0)
    assert windows.spans(["olt", "core"], 0.0, 1000.0) == [(100.0, 400.0)]


def test_what_is_called_off_held_until_then() -> None:
    windows = calendar(once("olt", 100.0, 200.0, cancelled_at=150.0), once("core", 100.0, 200.0, cancelled_at=50.0))
    assert windows.spans(["olt"], 0.0, 1000.0) == [(100.0, 150.0)]
    assert windows.until("olt", 120.0) == 150.0
    assert windows.spans(["core"], 0.0, 1000.0) == []
    assert windows.under_way(120.0) == {"olt": 150.0}


def test_a_weekly_window_from_and_until() -> None:
    """Mondays and Thursdays at 02:00 UTC for an hour; from Tuesday on, and none begins from the second Monday on."""
    weekly = Weekly(("MO", "TH"), "02:00", 3600, "UTC")
    window = Window("w", "device", "olt", MONDAY + DAY, MONDAY + 7 * DAY, weekly)
    thursday = MONDAY + 3 * DAY + 7200
    assert calendar(window).spans(["olt"], MONDAY, MONDAY + 21 * DAY) == [(thursday, thursday + 3600)]
    assert calendar(window).until("olt", thursday + 1800) == thursday + 3600
    assert calendar(window).until("olt", MONDAY + 7200) is None
    cut = Window("w", "device", "olt", MONDAY, inf, weekly, cancelled_at=thursday + 60)
    spans = calendar(cut).spans(["olt"], MONDAY, MONDAY + 21 * DAY)
    assert spans == [(MONDAY + 7200, MONDAY + 10_800), (thursday, thursday + 60)]


def test_a_window_every_night_without_a_break_has_an_end_all_the_same() -> None:
    always = Weekly(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), "00:00", 24 * 3600, "UTC")
    windows = calendar(Window("w", "area", "hill", MONDAY, inf, always))
    until = windows.until("cpe-2", MONDAY + 60)
    assert until is not None
    assert until >= MONDAY + 30 * DAY
    assert windows.covers("cpe-2", MONDAY, MONDAY + 200 * DAY)


def test_a_long_window_is_told_to_its_end() -> None:
    assert calendar(once("olt", 0.0, 90 * DAY)).until("olt", DAY) == 90 * DAY


def test_the_next_change() -> None:
    windows = calendar(once("olt", 100.0, 200.0), once("core", 150.0, 5000.0))
    assert [windows.next_change(at) for at in (0.0, 100.0, 150.0, 200.0)] == [100.0, 150.0, 200.0, 5000.0]
    assert calendar().next_change(7.0) == 7.0 + DAY


def test_a_device_that_left_the_inventory_is_known_by_its_own_name_alone() -> None:
    windows = calendar(once("gone", 0.0, 100.0))
    assert windows.spans(["gone"], 0.0, 1000.0) == [(0.0, 100.0)]
    assert windows.under_way(50.0) == {}


# --- outages ---


def outage(started: float, ended: float | None = None, root: str | None = "olt") -> IncidentChange:
    return IncidentChange("i-1", "outage", "subtree", root, started, ended, ((root or "x", started),))


def kinds(changes: tuple[IncidentChange, ...]) -> list[str]:
    return [change.kind for change in changes]


@pytest.mark.parametrize(
    ("started", "ended", "kind"),
    [
        (100.0, None, "planned"),
        (150.0, 199.0, "planned"),
        (150.0, 200.0, "planned"),
        (99.0, None, "outage"),
        (150.0, 201.0, "outage"),
        (200.0, 230.0, "outage"),
    ],
)
def test_an_outage_inside_a_window_of_its_root_is_planned(started: float, ended: float | None, kind: str) -> None:
    windows = calendar(once("hut", 100.0, 200.0, kind="site"))
    assert PlannedOutages().restate(outage(started, ended), windows).kind == kind


def test_an_outage_that_outlasts_its_window_is_one_from_then_on() -> None:
    windows, planned = calendar(once("olt", 100.0, 200.0)), PlannedOutages()
    assert planned.restate(outage(110.0), windows).kind == "planned"
    assert planned.review(windows, 200.0) == ()
    assert kinds(planned.review(windows, 200.5)) == ["outage"]
    assert planned.review(windows, 260.0) == ()
    late = IncidentChange("i-1", "outage", "subtree", "olt", 110.0, None, (("cpe-1", 150.0),))
    assert planned.restate(late, windows).kind == "outage"


def test_a_window_that_is_entered_late_counts_also_after_the_end() -> None:
    planned = PlannedOutages()
    planned.restate(outage(110.0), calendar())
    told = planned.restate(outage(110.0, 180.0), calendar())
    assert (told.kind, told.ended_at) == ("outage", 180.0)
    windows = calendar(once("olt", 100.0, 200.0))
    (change,) = planned.review(windows, 3000.0)
    assert (change.kind, change.ended_at, change.joined, change.left) == ("planned", 180.0, (), ())
    assert planned.review(calendar(), 180.0 + 7200 + 1) == ()


def test_a_window_called_off_makes_it_an_outage() -> None:
    planned = PlannedOutages()
    planned.restate(outage(110.0), calendar(once("olt", 100.0, 200.0)))
    assert kinds(planned.review(calendar(once("olt", 100.0, 200.0, cancelled_at=150.0)), 160.0)) == ["outage"]


@pytest.mark.parametrize("kind", ["blind", "degradation"])
def test_other_kinds_stay(kind: IncidentKind) -> None:
    windows, planned = calendar(once("olt", 100.0, 200.0)), PlannedOutages()
    change = IncidentChange("i-1", kind, "device", "olt", 110.0, None)
    assert planned.restate(change, windows) is change
    assert planned.review(windows, 120.0) == ()


def test_one_with_no_root_stays_an_outage() -> None:
    assert PlannedOutages().restate(outage(110.0, root=None), calendar(once("olt", 100.0, 200.0))).kind == "outage"


def test_a_restart_takes_up_a_planned_outage_as_one() -> None:
    planned, windows = PlannedOutages(), calendar(once("olt", 100.0, 200.0))
    found = planned.restore(OpenIncident("i-1", "planned", "subtree", "olt", 110.0, (("olt", 110.0),)))
    assert (found.kind, found.members) == ("outage", (("olt", 110.0),))
    assert planned.review(windows, 150.0) == ()
    assert kinds(planned.review(windows, 201.0)) == ["outage"]
