"""*Incident*: what began when and where, whom it struck, how it went, who took it up, and what it did."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pandas as pd
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboard.accounts.identity import current
from dashboard.accounts.rights import Right
from dashboard.figures import incident_list, incident_story
from dashboard.figures import incidents as words
from dashboard.figures.incident_story import Event
from dashboard.figures.live import collector_status
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import DEVICE_STATES, INCIDENT_KINDS
from dashboard.operations.incident_records import Story
from dashboard.operations.live.live_state import Live, shown_states
from dashboard.pages import parts, shared
from dashboard.pages.sections import incident_work, silence_work
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "unknown": "There is no such incident",
    "unknown_why": "The operations database has none of this id. Its address may have been cut off, or the database replaced.",
    "unread": "This incident is not known now",
    "all": "See all incidents",
    "story": "How it went",
    "verdict": "How it was found",
    "hours": "What the hours of {root} recorded",
    "no_hours": "No hour of {root} is on record for this time yet: an hour is written some minutes after it ends.",
    "members": "Whom it struck",
    "no_members": "No device is on record in it.",
    "after": "What it did to complaints and leaving",
    "begin": "Check first",
}
REFRESH_SECONDS = 5
MOST_NAMED = 8
MOST_MEMBERS = 500
MOST_HOURS = 8


def layout(seen: Visit, key: str) -> html.Div:
    """The page of the incident whose id stands in the path."""
    incident_id = unquote(key)
    shown = renew(seen, incident_id, None)
    timers = [
        dcc.Store(id="incident-key", data=incident_id),
        dcc.Interval(id="incident-tick", interval=REFRESH_SECONDS * 1000),
        dcc.Store(id="incident-seen", data=shown[-1]),
    ]
    age = parts.age("incident-age", shown[4])
    return html.Div(
        [
            *timers,
            html.Div([html.Div(shown[0], id="incident-head", className="title-line"), age], className="title-line"),
            html.Div(shown[1], id="incident-now", className="column"),
            html.Div(
                [
                    html.Div(
                        [html.Div(shown[2], id="incident-story", className="column"), *_static(seen, incident_id)],
                        className="column",
                    ),
                    html.Div(
                        [html.Div(shown[3], id="incident-members", className="column"), *_work(seen, incident_id)],
                        className="column",
                    ),
                ],
                className="beside",
            ),
        ],
        className="page incident-page",
    )


def is_known(seen: Visit, incident_id: str) -> bool:
    """Whether there is something to say of it: it is on record, or whether it is cannot be known now."""
    story = seen.source.incidents.story(incident_id)
    return story.row is not None or story.problem is not None


def meant(source: Source, start: str) -> str | None:
    """The address of the one incident whose id begins with ``start``, as cards and commands shorten it; else None."""
    found = source.incidents.begin_with(start) if len(start) >= words.ID_CHARACTERS else ()
    return parts.incident_href(found[0]) if len(found) == 1 else None


def renew(seen: Visit, incident_id: str, digests: list[str] | None) -> tuple[Any, ...]:
    """What changed since ``digests``: head, numbers, story, members, freshness (as JSON); then always the new digests."""
    story, now, live = seen.source.incidents.story(incident_id), _local(seen), seen.source.live(seen.at)
    values = _unknown(story) if story.row is None else _values(seen, story, live, now)
    freshness = json.dumps(collector_status.freshness(live, now))
    fresh, digests = shared.changed([shared.part(value) for value in (*values, freshness)], digests)
    return (*fresh, digests)


def _unknown(story: Story) -> list[Any]:
    link = dcc.Link(TEXT["all"], href="/incidents")
    if story.problem is not None:
        said = f"{story.problem[:1].upper()}{story.problem[1:]}. "
        return [html.H1(TEXT["unread"]), [parts.banner("alarm", "■", [said, link])], [], []]
    return [html.H1(TEXT["unknown"]), [parts.empty(TEXT["unknown"], [TEXT["unknown_why"], " ", link, "."])], [], []]


def _values(seen: Visit, story: Story, live: Live, now: datetime) -> list[Any]:
    return [
        _head(story, seen.source),
        [_tiles(story, live, now), *_silenced(story, live, now), *_begin(story, live)],
        [_verdict(story), _story(story, now)],
        [_members(story, live, now)],
    ]


def _local(seen: Visit) -> datetime:
    return seen.at.astimezone(ZoneInfo(seen.settings.timezone))


def _head(story: Story, source: Source) -> list[Any]:
    row = story.row or {}
    areas = _areas(story)
    links = [item for area in areas[:3] for item in (parts.area_link(area, source.name(area)), ", ")][:-1]
    more = [f" and {len(areas) - 3} more"] if len(areas) > 3 else []
    title = incident_list.what(row)
    return [
        parts.chip(INCIDENT_KINDS[row["kind"]]),
        html.H1(f"{title[:1].upper()}{title[1:]}" if row["kind"] == "blind" else title),
        html.P(["in ", *links, *more] if links else [], className="facts"),
    ]


def _areas(story: Story) -> list[str]:
    own = (story.row or {}).get("area")
    return list(dict.fromkeys([*([own] if own else []), *(m["area"] for m in story.members if m["area"])]))


def _tiles(story: Story, live: Live, now: datetime) -> html.Div:
    row = story.row or {}
    end = row["ended_at"]
    lasted = numbers.duration(((end or now) - row["started_at"]).total_seconds())
    is_counted = live.is_counted or bool(row["subscribers_affected"])
    so_far = " so far" if end is None else ""
    taken = story.notes[-1] if story.notes else None
    tiles = [
        parts.tile(lasted, "lasted" if end else "open for", class_name="fact" if end else "fact alarm"),
        parts.tile(_moment(row["started_at"], now), "began", class_name="fact"),
        *([parts.tile(_moment(end, now), "over", class_name="fact")] if end else []),
    ]
    if row["kind"] != "blind":
        people = numbers.count(row["subscribers_affected"]) if is_counted else "?"
        title = "" if is_counted else "The inventory counts no customers (column subscribers)"
        tiles += [
            parts.tile(people, "customers affected", class_name="fact", title=title),
            parts.tile(numbers.count(row["devices_affected"]), "devices", class_name="fact"),
        ]
    if row["kind"] in incident_list.LOSES:
        lost = incident_list.minutes(row, is_counted=is_counted)
        tiles.append(parts.tile(lost, f"customer-minutes without service{so_far}", class_name="fact"))
    if taken is not None:
        tiles.append(
            parts.tile(
                taken["acknowledged_by"], f"took it on at {_moment(taken['acknowledged_at'], now)}", class_name="fact"
            )
        )
    elif row["kind"] in {"outage", "degradation"}:
        tiles.append(parts.tile("nobody", "has taken it on" if end is None else "took it on", class_name="fact"))
    if (told_at := incident_story.told_at(story)) is not None:
        tiles.append(parts.tile(_moment(told_at, now), "customers told", class_name="fact"))
    return html.Div(tiles, className="tiles")


def _moment(at: datetime, now: datetime) -> str:
    return numbers.moment(at.astimezone(now.tzinfo), now)


def _begin(story: Story, live: Live) -> list[html.P]:
    """Where to look first, while it is open."""
    row = story.row or {}
    found = live.open_incidents[live.open_incidents["incident_id"] == row["incident_id"]]
    if row["ended_at"] is not None or found.empty or row["kind"] == "blind":
        return []
    devices = live.devices.set_index("device_id")
    parent = devices["parent"].get(row["root_device_id"])
    answers = parent if isinstance(parent, str) and devices["state"].get(parent) == "up" else None
    said = words.begin(found.iloc[0].to_dict(), answers)
    return [html.P([html.B(f"{TEXT['begin']}: "), said], className="headline")] if said else []


def _silenced(story: Story, live: Live, now: datetime) -> list[html.P]:
    """That no notice is sent of it and no sound played, by whom and why."""
    found = live.open_incidents[live.open_incidents["incident_id"] == (story.row or {})["incident_id"]]
    said = "" if found.empty else words.silenced(found.iloc[0].to_dict(), now)
    return [html.P(said, className="headline")] if said else []


def _verdict(story: Story) -> html.Section:
    return parts.panel(
        TEXT["verdict"],
        html.P(incident_story.verdict(story.row or {})),
        html.P(incident_story.UNSTORED, className="how"),
    )


def _story(story: Story, now: datetime) -> html.Section:
    items = [_event(event, now) for event in incident_story.events(story)]
    return parts.panel(TEXT["story"], html.Ol(items, className="story"))


def _event(event: Event, now: datetime) -> html.Li:
    local = event.at.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{numbers.day(local)[:-5]} "
    at = html.Time(f"{day}{local:%H:%M:%S}", dateTime=local.isoformat(timespec="seconds"))
    if len(event.devices) < 2:
        return html.Li([at, html.Div(event.text)])
    names = [item for name in event.devices[:MOST_NAMED] for item in (parts.device_link(name), ", ")][:-1]
    more = f" and {numbers.count(len(event.devices) - MOST_NAMED)} more" if len(event.devices) > MOST_NAMED else ""
    folded = html.Details([html.Summary(event.text), html.Div([*names, more], className="names")])
    return html.Li([at, folded])


def _members(story: Story, live: Live, now: datetime) -> html.Section:
    """Its root, and folded under it the devices that it took with it."""
    row = story.row or {}
    root = row["root_device_id"]
    states = dict(zip(live.devices["device_id"], shown_states(live.devices), strict=True))
    top = (
        [html.P([_mark(states.get(root)), parts.device_link(root), " ", html.Small(_role_of_root(row))])]
        if root
        else []
    )
    rows = [_member(m, states, now) for m in story.members[:MOST_MEMBERS]]
    if not rows:
        return parts.panel(TEXT["members"], *top, html.P(TEXT["no_members"], className="quiet"))
    more = len(story.members) - MOST_MEMBERS
    note = [html.P(f"And {numbers.of(more, 'more row')}.", className="how")] if more > 0 else []
    table = parts.table(["Device", "Customers", "From", "Lasted"], rows, label=TEXT["members"])
    behind = len({m["device_id"] for m in story.members} - {root})
    said = numbers.of(behind, "device") + (" behind it" if root else "") if behind else "Its times"
    folded = html.Details([html.Summary(said), table, *note], open=len(rows) <= 12)
    return parts.panel(TEXT["members"], *top, folded)


def _role_of_root(row: Any) -> str:
    return "answered when it began" if row["scope"] == "group" else "where it began"


def _member(member: Any, states: dict[str, str], now: datetime) -> list[Any]:
    end = member["ended_at"]
    lasted = numbers.duration(((end or now) - member["started_at"]).total_seconds())
    return [
        [_mark(states.get(member["device_id"])), parts.device_link(member["device_id"])],
        numbers.count(member["subscribers"]),
        _moment(member["started_at"], now),
        lasted if end else f"{lasted}, still",
    ]


def _mark(state: str | None) -> html.Span:
    """The device's state now; one that is in no table has none."""
    mark = DEVICE_STATES.get(state or "")
    return html.Span(
        f"{mark.shape} " if mark else "– ", title=f"now: {mark.word}" if mark else "no longer in the inventory"
    )


def _static(seen: Visit, incident_id: str) -> list[html.Section]:
    """What does not change from second to second: the hours on record, and what followed."""
    story = seen.source.incidents.story(incident_id)
    row = story.row
    if row is None:
        return []
    zone = ZoneInfo(seen.settings.timezone)
    after = incident_story.aftermath(seen.source.results(), row, _areas(story), zone)
    told = parts.panel(TEXT["after"], html.Ul([html.Li(line) for line in after]))
    return [*([_hours(seen, row)] if row["root_device_id"] and row["kind"] != "blind" else []), told]


def _work(seen: Visit, incident_id: str) -> list[html.Section]:
    """The form; there is none for a time in which the collector was blind, where the incident is not known, and for
    whoever may only read.
    """
    if not current().may(Right.WORK):
        return []
    row = seen.source.incidents.story(incident_id).row
    if row is None or row["kind"] == "blind":
        return []
    root = row["root_device_id"]
    return [incident_work.panel(seen), *([silence_work.panel(seen, root)] if root and row["ended_at"] is None else [])]


def _hours(seen: Visit, row: Any) -> html.Section:
    """The hours of the root from the one before it began until the one after it ended, the first eight of them."""
    root, now = row["root_device_id"], _local(seen)
    first = row["started_at"].replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    last = min((row["ended_at"] or seen.at) + timedelta(hours=1), first + timedelta(hours=MOST_HOURS))
    found = seen.source.hours.read(root, first, last)
    title = TEXT["hours"].format(root=root)
    if found.table.empty:
        return parts.panel(title, html.P(TEXT["no_hours"].format(root=root), className="quiet"))
    table: pd.DataFrame = found.table
    return parts.panel(title, parts.table(incident_story.HOURS, incident_story.hours(table, now), label=title))


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("incident-head", "children"),
        Output("incident-now", "children"),
        Output("incident-story", "children"),
        Output("incident-members", "children"),
        Output("incident-age", parts.FRESHNESS),
        Output("incident-seen", "data"),
        Input("incident-tick", "n_intervals"),
        State("incident-key", "data"),
        State("incident-seen", "data"),
        prevent_initial_call=True,
    )
    def renew_incident(_: int, incident_id: str, digests: list[str] | None) -> tuple[Any, ...]:
        *shown, digests = renew(visit(source), incident_id, digests)
        if all(one is no_update for one in shown):
            raise PreventUpdate
        return (*shown, digests)
