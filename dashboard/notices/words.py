"""What a notice says: the sentences of the incident's card, as plain text with the facts beside it.

No customer is named: notes that people write are left out, and so is the name of a device that stands at a customer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dashboard.figures import incidents as figures
from dashboard.figures.style import numbers
from dashboard.notice_settings import NoticeSettings, filled
from dashboard.notices import due
from dashboard.notices.stories import Incident

AREAS_SHOWN = 3
MOST_SUBJECT, MOST_TEXT = 200, 3_000
"""Letters: Telegram takes 4,096 and ntfy 4,096 bytes of text."""
HEADINGS = {due.OPENED: "", due.TAKEN_UP: "Taken on by {by}: ", due.ENDED: "Over: ", due.REOPENED: "Again: "}
EVENTS = {
    due.OPENED: "has begun",
    due.TAKEN_UP: "was taken on",
    due.ENDED: "is over",
    due.REOPENED: "is not over after all",
}
A_CUSTOMERS = "a customer's device"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: the provider's name, where its pages are (None: not known), and what areas are called."""

    provider: str
    public_url: str | None
    names: Mapping[str, str]


def content(found: Incident, event: str, receiver: NoticeSettings, speaker: Speaker, at: datetime) -> dict[str, Any]:
    """Subject, text and facts of a message, ``at`` in the provider's time zone."""
    facts = _facts(found, event, speaker, at)
    subject = filled(receiver.subject, facts) if receiver.subject else f"{facts['heading']}{facts['what']}"
    text = filled(receiver.text, facts) if receiver.text else _text(facts)
    return {"subject": one_line(subject)[:MOST_SUBJECT], "text": text[:MOST_TEXT], "facts": facts}


def one_line(text: str) -> str:
    """``text`` without what would begin a new line or a new header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def what(found: Incident, event: str) -> str:
    """What has happened, in a sentence without its end."""
    if found.kind == "blind":
        over = (
            "trusts its own connection again"
            if event == due.ENDED
            else "doubts its own connection: what happens in the network is not known"
        )
        return f"{figures.collector_of({'detected_by': found.detected_by})} {over}"
    row = _row(found)
    return figures.had(row) if event == due.ENDED else figures.what(row)


def _row(found: Incident) -> dict[str, Any]:
    """The incident as `dashboard.figures.incidents` tells it. The database knows of no device that is not observed."""
    root = A_CUSTOMERS if found.is_at_customer else found.root
    is_well = found.scope == "group" or found.is_root_in is False
    return {
        "kind": found.kind,
        "scope": found.scope,
        "measure": found.measure,
        "root_device_id": root,
        "root_state": "up" if is_well else "down",
        "devices_affected": found.devices,
        "out_now": found.devices_now,
        "unseen_now": 0,
        "customers_now": found.customers_now,
        "subscribers_affected": found.customers or 0,
        "is_counted": found.customers is not None,
    }


def _facts(found: Incident, event: str, speaker: Speaker, at: datetime) -> dict[str, Any]:
    """What is known, as words; what is not known is None."""
    zone, end = at.tzinfo, found.ended_at
    begun = found.started_at.astimezone(zone)
    lasted = ((end.astimezone(zone) if end else at) - begun).total_seconds()
    link = f"{speaker.public_url.rstrip('/')}/incident/{quote(found.incident_id)}" if speaker.public_url else None
    is_open = event != due.ENDED and found.kind != "blind"
    return {
        "heading": HEADINGS[event].format(by=one_line(found.taken_up_by or "")),
        "event": EVENTS[event],
        "what": one_line(what(found, event)),
        "area": _areas(found, speaker.names),
        "customers": _customers(found, event),
        "devices": None if found.kind == "blind" else numbers.count(found.devices),
        "since": f"{numbers.day(begun)} {begun:%H:%M} ({zone})",
        "ended": None if end is None else f"{numbers.day(end.astimezone(zone))} {end.astimezone(zone):%H:%M} ({zone})",
        "lasted": numbers.duration(lasted),
        "begin": one_line(figures.begin(_row(found), None)) if is_open else None,
        "taken_up": one_line(found.taken_up_by) if found.taken_up_by else None,
        "into": found.into if event == due.ENDED and found.into != found.incident_id else None,
        "link": link,
        "incident": found.incident_id,
        "provider": one_line(speaker.provider),
        "kind": found.kind,
    }


def _areas(found: Incident, names: Mapping[str, str]) -> str | None:
    shown = [one_line(names.get(area, area)) for area in found.areas[:AREAS_SHOWN]]
    more = len(found.areas) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") if shown else None


def _customers(found: Incident, event: str) -> str | None:
    """How many customers it strikes; None where nobody counts them or it is about none."""
    if found.kind == "blind" or found.customers is None:
        return None
    ever, now = numbers.count(found.customers), numbers.count(found.customers_now)
    return ever if event == due.ENDED or found.kind == "degradation" or ever == now else f"{now} now, {ever} in all"


def _text(facts: Mapping[str, Any]) -> str:
    """A line for each thing that is known."""
    if facts["into"]:
        opening = f"Not an incident of its own any more: it is part of incident {facts['into']} now ({facts['what']})"
    else:
        opening = f"{facts['heading']}{facts['what']}"
    is_blind = facts["kind"] == "blind"
    taken = facts["taken_up"] or (None if facts["ended"] or is_blind else "nobody yet")
    lines = {
        "Where": facts["area"],
        "Customers": facts["customers"],
        "Since": facts["since"],
        "Ended": None if facts["into"] else facts["ended"],
        "Lasted": facts["lasted"] if facts["ended"] and not facts["into"] else None,
        "Check first": facts["begin"],
        "Taken on by": taken,
        "Incident": facts["link"] or facts["incident"],
    }
    return "\n".join([f"{opening}.", *(f"{name}: {value}" for name, value in lines.items() if value)])


def test_content(receiver: NoticeSettings, speaker: Speaker, at: datetime) -> dict[str, Any]:
    """A message that says it is a test, with the receiver's own templates where it has any."""
    facts = {
        **dict.fromkeys(("area", "customers", "devices", "since", "ended", "lasted", "begin", "taken_up", "into")),
        "heading": "Test: ",
        "event": "is a test",
        "what": "this is a test of Bairro's notices, nothing has happened",
        "link": speaker.public_url,
        "incident": f"test-{int(at.timestamp())}",
        "provider": one_line(speaker.provider),
        "kind": "test",
        "since": f"{numbers.day(at)} {at:%H:%M} ({at.tzinfo})",
    }
    subject = filled(receiver.subject, facts) if receiver.subject else f"Test: {facts['what']}"
    text = (
        filled(receiver.text, facts)
        if receiver.text
        else f"Test of Bairro's notices for {facts['provider']}: nothing has happened."
    )
    return {"subject": one_line(subject), "text": text, "facts": facts}
