"""Outlines as well-known text (OGC 06-103r4, 7.2; PostGIS's EWKT with its SRID), rewritten as GeoJSON."""

from __future__ import annotations

import re

WRITTEN = re.compile(
    r"\s*(?:SRID\s*=\s*(?P<srid>\d+)\s*;)?\s*(?P<kind>MULTIPOLYGON|POLYGON)\s*(?:ZM|Z|M)?\s*(?P<rest>\(.*\)|EMPTY)\s*",
    re.IGNORECASE | re.DOTALL,
)
ANY = re.compile(
    r"\s*(?:SRID\s*=\s*\d+\s*;)?\s*(?:[A-Z]*(?:POINT|LINESTRING|POLYGON|COLLECTION|CURVE|SURFACE))(?:Z|M|ZM)?\b",
    re.IGNORECASE,
)
BINARY = re.compile(r"0[01][0-9A-Fa-f]{16,}")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_POINT = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER}){{0,2}}")
_LIST = re.compile(r"[\[\]\d.,+\-eE\s]*")
WORLD = ("4326", "0")
KINDS = {"POLYGON": "Polygon", "MULTIPOLYGON": "MultiPolygon"}


def is_written_so(text: str) -> bool:
    return ANY.match(text) is not None or BINARY.fullmatch(text) is not None


def as_geojson(text: str) -> tuple[str, str | None]:
    """The geometry as GeoJSON, or why it is none; coordinates beyond the first two are left out."""
    if BINARY.fullmatch(text):
        return "", "is well-known binary (WKB): export it with ST_AsText or ST_AsGeoJSON"
    found = WRITTEN.fullmatch(text)
    if found is None:
        return "", "is not a POLYGON or MULTIPOLYGON"
    if found["srid"] not in (None, *WORLD):
        return "", f"is in the coordinates of SRID {found['srid']}: export it in 4326 (longitude and latitude)"
    if found["rest"].upper() == "EMPTY":
        return "", "has no coordinates"
    listed = _POINT.sub(r"[\1,\2]", found["rest"]).replace("(", "[").replace(")", "]")
    if not _LIST.fullmatch(listed):
        return "", "has a ring that is not a list of positions"
    return f'{{"type":"{KINDS[found["kind"].upper()]}","coordinates":{_plain_numbers(listed)}}}', None


def _plain_numbers(listed: str) -> str:
    """Numbers as JSON has them: without a plus, with digits on both sides of the point."""
    plain = re.sub(r"(?<![\d.eE])\+", "", listed)
    plain = re.sub(r"(?<!\d)\.(\d)", r"0.\1", plain)
    return re.sub(r"(\d)\.(?!\d)", r"\1.0", plain)
