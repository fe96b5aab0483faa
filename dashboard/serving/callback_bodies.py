"""What a browser may send to have a part of a page made: exactly what the application declared, with values of its kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.figures import incident_list
from dashboard.pages import area, device, replay
from dashboard.pages.sections import device_detail, device_work, incident_work, now_devices, silence_work

MOST_TEXT = 2_000
MOST_ITEMS = 100
KEYS = frozenset({"output", "outputs", "inputs", "state", "changedPropIds", "parsedChangedPropsIds"})
Check = Callable[[Any], bool]
Place = tuple[Any, Any]


def fault(body: bytes, callbacks: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What is wrong with ``body`` as a request for one of Dash's ``callbacks``; None where it is as a page sends it."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(asked, dict) or not KEYS.issuperset(asked):
        return "not the object that a page sends"
    output = asked.get("output")
    if not isinstance(output, str) or (callback := callbacks.get(output)) is None or callback.get("callback") is None:
        return "no such output"
    for key, declared in (("inputs", callback["inputs"]), ("state", callback["state"])):
        if (said := _values_fault(asked.get(key, []), declared)) is not None:
            return f"{key}: {said}"
    if not _are_outputs(asked.get("outputs"), output):
        return "outputs that are not the callback's"
    changed = asked.get("changedPropIds", [])
    names = {f"{one['id']}.{one['property']}" for one in callback["inputs"]}
    if not isinstance(changed, list) or not all(isinstance(name, str) and name in names for name in changed):
        return "changedPropIds that are not its inputs"
    return None


def _values_fault(given: Any, declared: Sequence[Mapping[str, Any]]) -> str | None:
    if not isinstance(given, list) or len(given) != len(declared):
        return "not as many as the callback has"
    for one, wanted in zip(given, declared, strict=True):
        if not isinstance(one, dict) or _place(one) != _place(wanted):
            return "not those that the callback has"
        name = f"{wanted['id']}.{wanted['property']}"
        if not ACCEPTED.get(name, _plain)(one.get("value")):
            return f"{name} has no such value"
    return None


def _place(one: Mapping[str, Any]) -> Place:
    return one.get("id"), one.get("property")


def _are_outputs(given: Any, output: str) -> bool:
    """``given`` is one place, or a list of them, that together spell ``output`` as Dash does: ..a.x...b.y.."""
    places = given if isinstance(given, list) else [given]
    if not all(isinstance(one, dict) and all(isinstance(part, str) for part in _place(one)) for one in places):
        return False
    names = [".".join(_place(one)) for one in places]
    return output == (f"..{'...'.join(names)}.." if isinstance(given, list) else names[0])


# --- values ---


def _text(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > MOST_TEXT or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _one_of(*choices: Any) -> Check:
    return lambda value: isinstance(value, str) and value in choices


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= MOST_ITEMS and all(map(check, value))


def _or_nothing(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _plain(value: Any) -> bool:
    """Of a value that has no rule of its own: nothing that is large or nested."""
    is_one = value is None or isinstance(value, (bool, float)) or _count(value) or _text(value)
    return is_one or _list_of(_text)(value)


ACCEPTED: Mapping[str, Check] = {
    "url.pathname": _or_nothing(_text),
    "url.search": _or_nothing(_text),
    "theme.data": _or_nothing(_one_of("light", "dark")),
    "now-tick.n_intervals": _or_nothing(_count),
    "now-states.value": _list_of(_one_of(*now_devices.SHOWN)),
    "now-seen.data": _or_nothing(_list_of(_text)),
    "wall-tick.n_intervals": _or_nothing(_count),
    "wall-seen.data": _or_nothing(_list_of(_text)),
    "areas-drawn.data": _or_nothing(lambda value: isinstance(value, bool)),
    "area-span.value": _one_of(*area.SPANS),
    "area-key.data": _text,
    "area-tick.n_intervals": _or_nothing(_count),
    "area-seen.data": _or_nothing(_list_of(_text)),
    "device-span.value": _one_of(*device.SPANS),
    "device-detail-span.value": _one_of(*device_detail.SPANS),
    "device-key.data": _text,
    "device-tick.n_intervals": _or_nothing(_count),
    "device-seen.data": _or_nothing(_list_of(_text)),
    "replay-at.value": lambda value: _count(value) and value <= replay.STEPS,
    "replay-night.data": _text,
    "incident-key.data": _text,
    **{f"work-{key}.n_clicks": _or_nothing(_count) for key in incident_work.ACTIONS},
    **{f"plan-{key}.n_clicks": _or_nothing(_count) for key in ("add", "end")},
    **{f"plan-{key}.value": _or_nothing(_text) for key in ("chosen", "name", *device_work.FIELDS)},
    **{f"silence-{key}.n_clicks": _or_nothing(_count) for key in ("add", "end")},
    **{f"silence-{key}.value": _or_nothing(_text) for key in ("chosen", "name", *silence_work.FIELDS)},
    "silence-key.data": _text,
    **{f"work-{key}.value": _or_nothing(_text) for key in ("name", "note", "to")},
    "incident-tick.n_intervals": _or_nothing(_count),
    "incident-seen.data": _or_nothing(_list_of(_text)),
    "incidents-kind.value": _one_of(*incident_list.KINDS),
    "incidents-state.value": _one_of(*incident_list.STATES),
    "incidents-months.value": _one_of(*incident_list.MONTHS),
    "incidents-search.value": _or_nothing(_text),
    "incidents-area.data": _or_nothing(_text),
}
