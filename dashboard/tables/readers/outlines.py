"""Neighbourhoods and their outlines: GeoJSON (RFC 7946) checked, and a FeatureCollection read as rows of areas."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.tables.readers import well_known_text
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError

TOO_DEEP = "lie too deep within one another"


def looks_like_geojson(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read_features(content: bytes) -> Sheet:
    """A FeatureCollection as a sheet; the "line" of a row is the number of its feature.

    The area is the property ``area``, else ``name``, else the feature's id; the name is the property ``name``, else
    the area. Raises UnreadableError.
    """
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except RecursionError:
        raise UnreadableError(f"is not GeoJSON: its lists {TOO_DEEP}") from None
    except ValueError as error:  # also of text that is not UTF-8, and of numbers with thousands of digits
        raise UnreadableError(f"is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise UnreadableError("is JSON, but not a GeoJSON FeatureCollection")
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise UnreadableError("is a FeatureCollection without features")
    rows, lines, faults = [], [], []
    properties: dict[str, None] = {}
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or not isinstance(feature.get("properties") or {}, dict):
            faults.append(Fault(number, None, "is not a GeoJSON Feature"))
            continue
        named = feature.get("properties") or {}
        if (reason := _odd_property(named)) is not None:
            faults.append(Fault(number, reason, "is a list or an object, not a text"))
            continue
        properties.update(dict.fromkeys(named))
        rows.append(_row(feature, named))
        lines.append(number)
    names = dict.fromkeys(("area", "name", "timezone", "geometry", *properties))
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return Sheet(columns, np.array(lines, dtype=np.int64), tuple(faults), "GeoJSON, lines are features", unit="feature")


def _odd_property(named: dict[str, Any]) -> str | None:
    """A property that we read and that is no single value."""
    return next((name for name in ("area", "name", "timezone") if isinstance(named.get(name), list | dict)), None)


def _row(feature: dict[str, Any], named: dict[str, Any]) -> dict[str, str | None]:
    area = _text(named.get("area")) or _text(named.get("name")) or _text(feature.get("id"))
    geometry = feature.get("geometry")
    return {
        "area": area,
        "name": _text(named.get("name")) or area,
        "timezone": _text(named.get("timezone")),
        "geometry": None if geometry is None else _dumped(geometry),
    }


def _dumped(geometry: Any) -> str:
    try:
        return json.dumps(geometry)
    except RecursionError:
        return TOO_DEEP


def _text(value: Any) -> str | None:
    """Ids may be numbers: 12.0 is 12."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None or isinstance(value, list | dict) else str(value).strip() or None


def parse_outlines(column: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """GeoJSON geometries in compact form (null where blank or refused) and the reason of each refused row."""
    outlines: list[str | None] = []
    refused: dict[int, str] = {}
    for position, written in enumerate(column.to_pylist()):
        text, reason = written, None
        if written is not None and well_known_text.is_written_so(written):
            text, reason = well_known_text.as_geojson(written)
        reason = reason or (None if text is None else _fault(text))
        if reason:
            refused[position] = reason
        outlines.append(None if text is None or reason else json.dumps(json.loads(text), separators=(",", ":")))
    return pa.array(outlines, pa.string()), refused


def _fault(text: str) -> str | None:
    try:
        geometry = json.loads(text)
    except RecursionError:
        return f"is no outline: its lists {TOO_DEEP}"
    except ValueError:
        return "is neither GeoJSON nor well-known text (WKT)"
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return "is not a GeoJSON Polygon or MultiPolygon"
    rings: Any = geometry.get("coordinates")
    if geometry["type"] == "MultiPolygon":
        if not _is_full_list(rings) or not all(_is_full_list(polygon) for polygon in rings):
            return "has no coordinates"
        rings = [ring for polygon in rings for ring in polygon]
    if not _is_full_list(rings):
        return "has no coordinates"
    return next((fault for ring in rings if (fault := _ring_fault(ring))), None)


def _is_full_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _ring_fault(ring: Any) -> str | None:
    try:
        points = np.array([point[:2] for point in ring], dtype=np.float64)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError, RecursionError):
        return "has a ring that is not a list of positions"
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        return "has a ring that is not a list of positions"
    if len(points) < 4 or (points[0] != points[-1]).any():
        return "has a ring that is not closed"
    if (np.abs(points[:, 0]) > 180).any() or (np.abs(points[:, 1]) > 90).any():
        return "is not in longitude and latitude (WGS 84)"
    return None
