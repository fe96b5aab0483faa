"""Latitude and longitude the wrong way round, of outlines and of devices."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from collector.published import DEVICES
from dashboard.tables.checks.columns.swapped import told
from dashboard.tables.schema import AREAS, conform

PLACES = {
    "Europe/Lisbon": (38.72, -9.14),
    "America/Sao_Paulo": (-23.55, -46.63),
    "America/New_York": (40.71, -74.01),
    "Asia/Jakarta": (-6.2, 106.8),
    "Australia/Sydney": (-33.87, 151.21),
}
"""Cities by their latitude and longitude, as an atlas has them."""


def areas(latitude: float, longitude: float) -> pa.Table:
    """One square around the place, in GeoJSON's order."""
    corners = [(-0.1, -0.1), (-0.1, 0.1), (0.1, 0.1), (0.1, -0.1), (-0.1, -0.1)]
    ring = [[longitude + x, latitude + y] for x, y in corners]
    row: dict[str, Any] = {"area": "a", "name": "A", "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]})}
    return conform(pa.Table.from_pylist([row]), AREAS)


def devices(*places: tuple[float, float]) -> pa.Table:
    rows = [{"device_id": f"d{n}", "latitude": lat, "longitude": lon} for n, (lat, lon) in enumerate(places)]
    schema = pa.schema([DEVICES.arrow_schema().field(name) for name in ("device_id", "latitude", "longitude")])
    return pa.Table.from_pylist(rows, schema)


@pytest.mark.parametrize("zone", PLACES)
def test_outlines_are_compared_with_where_the_time_zone_is(zone: str) -> None:
    latitude, longitude = PLACES[zone]
    assert told(areas(latitude, longitude), devices(), zone) == []
    if abs(longitude) > 90:
        return  # no outline may lie at such a latitude: it is rejected by its line
    (said,) = told(areas(longitude, latitude), devices(), zone)
    assert f"far from {zone}, and would lie near it if the two were exchanged" in said


def test_devices_are_compared_with_the_outlines() -> None:
    place = PLACES["Europe/Lisbon"]
    right = [(place[0] + n / 100, place[1]) for n in range(4)]
    turned = [(lon, lat) for lat, lon in right]
    assert told(areas(*place), devices(*right), "UTC") == []
    (said,) = told(areas(*place), devices(*turned), "UTC")
    assert said.startswith(
        "0 of 4 devices lie within the outlines, and 4 would if latitude and longitude were exchanged"
    )
    assert told(areas(*place), devices((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)), "UTC") == []


@pytest.mark.parametrize("number", ["NaN", "1e400", "9" * 400])
def test_an_outline_whose_numbers_are_none_is_passed_over(number: str) -> None:
    outline = f'{{"type": "Point", "coordinates": [{number}, 1]}}'
    table = conform(pa.Table.from_pylist([{"area": "a", "name": "A", "geometry": outline}]), AREAS)
    assert told(table, devices((1.0, 2.0), (2.0, 3.0), (3.0, 4.0)), "Europe/Lisbon") == []


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert told(areas(10, 20), devices(), "UTC") == []
    assert (
        told(conform(pa.Table.from_pylist([{"area": "a", "name": "A"}]), AREAS), devices((1.0, 2.0)), "Europe/Lisbon")
        == []
    )
