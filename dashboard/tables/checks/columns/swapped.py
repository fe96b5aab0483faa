"""Latitude and longitude the wrong way round: outlines or devices that lie where the other is, only when turned."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import chain

import numpy as np
import pyarrow as pa

Point = tuple[float, float]
"""Latitude and longitude in degrees."""
Box = tuple[float, float, float, float]
"""Least and most latitude, least and most longitude."""
FAR_KILOMETRES, NEARER = 1500, 3
FEWEST_DEVICES, MOST_INSIDE, LEAST_TURNED = 3, 0.2, 0.5
MARGIN = 0.05
"""In degrees, around an outline's box."""


def told(areas: pa.Table, devices: pa.Table, timezone: str) -> list[str]:
    """Warnings on the outlines of ``areas`` and the places of ``devices``, by each other and by the provider's time zone."""
    boxes = [box for text in areas.column("geometry").drop_null().to_pylist() if (box := _box(text)) is not None]
    if not boxes:
        return []
    home, centre = _home(timezone), _centre(boxes)
    are_outlines_turned = home is not None and _is_nearer_turned(centre, home)
    said = []
    if are_outlines_turned:
        said.append(
            f"geometry: the outlines lie around latitude {centre[0]:.2f}, longitude {centre[1]:.2f}, far from {timezone}, and"
            " would lie near it if the two were exchanged: GeoJSON writes the longitude first"
        )
    points = _points(devices)
    inside, turned = _inside(points, boxes), _inside([(lon, lat) for lat, lon in points], boxes)
    if len(points) >= FEWEST_DEVICES and inside <= MOST_INSIDE * len(points) and turned >= LEAST_TURNED * len(points):
        which = "the outlines have" if are_outlines_turned else "the inventory, or the outlines, have"
        said.append(
            f"{inside:,} of {len(points):,} devices lie within the outlines, and {turned:,} would if latitude and longitude were"
            f" exchanged: {which} them the wrong way round"
        )
    return said


def _box(geometry: str) -> Box | None:
    """The box around an outline; None where its coordinates are no numbers."""
    try:
        points = list(_positions(json.loads(geometry).get("coordinates")))
    except (ValueError, AttributeError, RecursionError, OverflowError):
        return None
    if not points or not all(map(math.isfinite, chain.from_iterable(points))):
        return None
    latitudes, longitudes = zip(*points, strict=True)
    return min(latitudes), max(latitudes), min(longitudes), max(longitudes)


def _positions(coordinates: object) -> Iterable[Point]:
    if not isinstance(coordinates, list):
        return
    if len(coordinates) >= 2 and all(isinstance(one, int | float) for one in coordinates[:2]):
        yield float(coordinates[1]), float(coordinates[0])
        return
    for one in coordinates:
        yield from _positions(one)


def _centre(boxes: list[Box]) -> Point:
    return (
        sum(box[0] + box[1] for box in boxes) / (2 * len(boxes)),
        sum(box[2] + box[3] for box in boxes) / (2 * len(boxes)),
    )


def _points(devices: pa.Table) -> list[Point]:
    if not {"latitude", "longitude"} <= set(devices.column_names):
        return []
    pairs = zip(devices.column("latitude").to_pylist(), devices.column("longitude").to_pylist(), strict=True)
    return list({(lat, lon) for lat, lon in pairs if lat is not None and lon is not None})


def _inside(points: list[Point], boxes: list[Box]) -> int:
    """How many of the points lie in any of the boxes."""
    latitudes, longitudes = np.array(points, dtype=float).reshape(-1, 2).T
    is_inside = np.zeros(len(points), dtype=bool)
    for south, north, west, east in boxes:
        is_inside |= (
            (south - MARGIN <= latitudes)
            & (latitudes <= north + MARGIN)
            & (west - MARGIN <= longitudes)
            & (longitudes <= east + MARGIN)
        )
    return int(is_inside.sum())


def _is_nearer_turned(place: Point, home: Point) -> bool:
    away = _kilometres(place, home)
    return away > FAR_KILOMETRES and _kilometres((place[1], place[0]), home) * NEARER < away


def _kilometres(one: Point, other: Point) -> float:
    """On the sphere, by the haversine formula."""
    (lat, lon), (lat_2, lon_2) = (tuple(map(math.radians, point)) for point in (one, other))
    half = math.sin((lat_2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat_2) * math.sin((lon_2 - lon) / 2) ** 2
    return 12_742 * math.asin(min(1.0, math.sqrt(half)))


def _home(timezone: str) -> Point | None:
    """Where the city lies that the time zone is named after, by the table of the time zone database."""
    found = _cities().get(timezone)
    if found is None:
        return None
    latitude, longitude = re.findall(r"[+-]\d+", found)
    return _degrees(latitude, 2), _degrees(longitude, 3)


def _degrees(text: str, digits: int) -> float:
    """Degrees of ±DDMM or ±DDDMMSS; ``digits`` are those of whole degrees."""
    sign, whole, rest = text[0], text[1 : 1 + digits], text[1 + digits :]
    value = int(whole) + int(rest[:2]) / 60 + int(rest[2:] or 0) / 3600
    return -value if sign == "-" else value


@cache
def _cities() -> dict[str, str]:
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[1] for row in rows}
