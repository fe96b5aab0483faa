"""The area of each device: by the outline that its coordinates lie in, a rule for names, or what sysLocation says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bairro_error import BairroError
from collector.commands.discover.found import Found, Guess
from collector.commands.discover.naming import tame
from collector.commands.discover.topology.tree import Tree, walk

NOT_ASSIGNED = "Not assigned"
LOCATIONS_OF_NOBODY = (
    re.compile(
        r"(?i)unknown\b.*|sitting on the dock of the bay|right here, right now\.?|none|n/?a|\(none\)|default|private"
    ),
    re.compile(r"(?i)snmplocation|server room|my ?location|location|somewhere|not set|\W*"),
)
_COORDINATES = re.compile(r"([-+]?[0-9]{1,2}\.[0-9]{3,})\s*[,; ]\s*([-+]?[0-9]{1,3}\.[0-9]{3,})")


class AreaError(BairroError, ValueError):
    """A rule or a file of outlines that cannot be used."""


class Point(NamedTuple):
    """WGS 84, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class AreaRules:
    """``pattern`` takes the area out of a device's name or location: its group ``area``, or its first.

    ``outlines`` are shapes by area.
    """

    pattern: re.Pattern[str] | None = None
    outlines: Mapping[str, Any] = field(default_factory=dict)


def rules(pattern: str | None, outlines: Path | None) -> AreaRules:
    """What was asked for. Raises AreaError."""
    try:
        compiled = re.compile(pattern) if pattern else None
    except re.error as error:
        raise AreaError(f"--area-pattern: is no regular expression: {error}") from None
    if compiled is not None and not compiled.groups:
        raise AreaError("--area-pattern: needs a group around the area, such as ^[a-z]+-([a-z]+)-")
    return AreaRules(compiled, read_outlines(outlines) if outlines is not None else {})


def read_outlines(path: Path) -> dict[str, Any]:
    """The shapes of a GeoJSON FeatureCollection, by the property ``area``, else ``name``, else the feature's id, as
    `bairro import areas` reads them. Raises AreaError."""
    from shapely import GEOSException
    from shapely.geometry import shape

    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
        features = document["features"]
        found = {}
        for number, feature in enumerate(features, 1):
            named = feature.get("properties") or {}
            area = str(named.get("area") or named.get("name") or feature.get("id") or "").strip()
            if not area:
                raise AreaError(f"{path}: feature {number}: has neither area, name nor id")
            found[area] = shape(feature["geometry"])
    except OSError as error:
        raise AreaError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, GEOSException) as error:
        if isinstance(error, AreaError):
            raise
        raise AreaError(f"{path}: is no GeoJSON FeatureCollection of outlines: {error!r}") from None
    return found


def coordinates(location: str) -> Point | None:
    """Latitude and longitude in a text such as ``POP North [52.3702, 4.8952]``: three decimals at least each."""
    match = _COORDINATES.search(location)
    if match is None:
        return None
    found = Point(float(match[1]), float(match[2]))
    return found if abs(found.latitude) <= 90 and abs(found.longitude) <= 180 else None


def assign(found: Sequence[Found], tree: Tree, wanted: AreaRules, leaves: frozenset[str]) -> dict[str, Guess]:
    """The area of each device; where it says nothing itself, that of the device above it. This is in doubt but for
    ``leaves``, the customers' own devices, below a sure parent."""
    locations = {device.device_id: location(device) for device in found}
    often = Counter(locations.values())
    areas = {}
    for device in found:
        areas[device.device_id] = _own_area(device, locations[device.device_id], often, wanted)
    for _, device_id in walk(tree):
        placed = tree.placed.get(device_id)
        if not areas[device_id].value and placed is not None and placed.parent.value:
            above = areas[placed.parent.value].value
            if above != NOT_ASSIGNED:
                is_sure = device_id in leaves and placed.parent.is_sure and areas[placed.parent.value].is_sure
                why = f"that of {placed.parent.value} above it; it names none itself"
                areas[device_id] = Guess(above, why, is_sure)
        if not areas[device_id].value:
            areas[device_id] = Guess(NOT_ASSIGNED, "it names no location, and neither does one above it", False)
    return areas


def location(device: Found) -> str:
    """sysLocation without coordinates, empty where nobody has set it."""
    text = tame(_COORDINATES.sub("", device.seen.location))
    text = re.sub(r"[\[(]\s*[\])]", "", text).strip(" ,;")
    return "" if any(pattern.fullmatch(text) for pattern in LOCATIONS_OF_NOBODY) else text[:200]


def _own_area(device: Found, place: str, often: Counter[str], wanted: AreaRules) -> Guess:
    point = coordinates(device.seen.location)
    if point is not None and wanted.outlines:
        inside = _containing(point, wanted.outlines)
        if len(inside) == 1:
            return Guess(inside[0], "its coordinates lie within the outline")
        if inside:
            return Guess(inside[0], f"its coordinates lie within {len(inside)} outlines: {', '.join(inside)}", False)
    if wanted.pattern is not None:
        match = wanted.pattern.search(device.seen.name) or wanted.pattern.search(device.seen.location)
        if match is not None and (area := _spelt(tame(_group(match)), wanted.outlines)):
            return Guess(area, "the rule for names")
    named = [area for area in wanted.outlines if re.search(rf"\b{re.escape(area)}\b", place, re.IGNORECASE)]
    if len(named) == 1:
        return Guess(named[0], "sysLocation names it")
    if not place:
        return Guess("", "", False)
    if wanted.outlines:
        return Guess(place, "sysLocation, but it is none of the outlines' areas", False)
    if often[place] > 1:
        return Guess(place, f"sysLocation, the same of {often[place]} devices")
    return Guess(place, "sysLocation, which no other device has: perhaps a building, not an area", False)


def _containing(point: Point, outlines: Mapping[str, Any]) -> list[str]:
    from shapely.geometry import Point as Shape

    there = Shape(point.longitude, point.latitude)
    return sorted(area for area, shape in outlines.items() if shape.covers(there))


def _group(match: re.Match[str]) -> str:
    return (match["area"] if "area" in match.re.groupindex else match[1]) or ""


def _spelt(area: str, outlines: Mapping[str, Any]) -> str:
    """As the outlines spell it, if one of them is called so."""
    return next((known for known in outlines if known.casefold() == area.casefold()), area)
