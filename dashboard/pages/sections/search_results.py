"""What the search of the pages answers: a line for each thing that was found, and where it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.accounts.identity import current
from dashboard.accounts.rights import FOUND
from dashboard.figures import incidents as words
from dashboard.figures.live.device_words import ROLES
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import AREA_STATES, DEVICE_STATES
from dashboard.operations.devices.customer_device import of_customer
from dashboard.operations.find import Found
from dashboard.operations.live.live_state import Live
from dashboard.pages import parts
from dashboard.pages.source import Visit

KIND_NAMES = {"device": "Device", "port": "Port", "area": "Area", "incident": "Incident", "customer": "Customer"}


def answers(seen: Visit, asked: str) -> list[dict[str, str]]:
    """Best first, each with ``kind``, ``name``, ``detail``, ``shape`` (of its state) and ``href``.

    Who asks is told of what they may see alone; a customer is found by the whole id.
    """
    kinds = {kind for kind, rule in FOUND.items() if current().passes(rule)}
    live, names = seen.source.live(seen.at), seen.source.names
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    states = dict(zip(live.areas["area"], live.areas["state"], strict=True))
    made = {
        "device": lambda found: _device(found, live, seen),
        "area": lambda found: _area(found, states.get(found.key, "unknown"), names.get(found.key, found.key)),
        "port": lambda found: _port(found, seen),
        "incident": lambda found: _incident(found, live, now),
    }
    customers = _customer(asked, live, seen) if "customer" in kinds else []
    found = seen.source.find(asked, live, kinds)
    return [*customers, *({"kind": KIND_NAMES[one.kind], **made[one.kind](one)} for one in found)]


def _customer(asked: str, live: Live, seen: Visit) -> list[dict[str, str]]:
    """The customer whose id was typed, and the device that serves them."""
    found = of_customer(asked, seen.settings)
    if found is None:
        return []
    left = [f"left on {numbers.day(found.left_on)}"] if found.left_on is not None else []
    if found.device_id is None:
        place = seen.source.name(found.area) if found.area else ""
        href = parts.area_href(found.area) if found.area else "/"
        return [{"kind": KIND_NAMES["customer"], **_line(asked, ["no device on record", place, *left], "", href)}]
    states = dict(zip(live.devices["device_id"], live.shown, strict=True))
    mark = DEVICE_STATES.get(states.get(found.device_id, ""))
    said = [f"served by {found.device_id}", mark.word if mark else "not in the inventory", *left]
    href = parts.device_href(found.device_id)
    return [{"kind": KIND_NAMES["customer"], **_line(asked, said, mark.shape if mark else "", href)}]


def _device(found: Found, live: Live, seen: Visit) -> dict[str, str]:
    row: dict[Any, Any] = live.devices.iloc[found.row].to_dict()
    mark = DEVICE_STATES[live.shown.iloc[found.row]]
    address = row["address"] if isinstance(row["address"], str) else ""
    said = [mark.word, ROLES.get(row["role"], row["role"]), seen.source.name(row["area"]), address]
    return _line(found.key, said, mark.shape, parts.device_href(found.key))


def _port(found: Found, seen: Visit) -> dict[str, str]:
    rows = seen.source.ports.aliases().rows  # which may be newer than what was found in
    is_same = found.row < len(rows) and (rows[found.row][0], rows[found.row][2]) == (found.key, found.said)
    port = rows[found.row][1] if is_same else "port"
    return _line(found.said, [f"{port} of {found.key}"], "", parts.device_href(found.key))


def _area(found: Found, state: str, name: str) -> dict[str, str]:
    mark = AREA_STATES[state]
    return _line(name, [mark.word, found.key if found.key != name else ""], mark.shape, parts.area_href(found.key))


def _incident(found: Found, live: Live, now: datetime) -> dict[str, str]:
    row: dict[Any, Any] = live.incidents.iloc[found.row].to_dict()
    ended = row["ended_at"] is not None and row["ended_at"] == row["ended_at"]
    began = numbers.moment(row["started_at"].astimezone(now.tzinfo), now)
    name = "collector blind" if row["kind"] == "blind" else words.had(row)
    said = [f"since {began}" if not ended else f"began {began}, over"]
    return _line(name, said, "" if ended else "■", parts.incident_href(found.key))


def _line(name: str, said: list[str], shape: str, href: str) -> dict[str, str]:
    return {"name": name, "detail": " · ".join(text for text in said if text), "shape": shape, "href": href}
