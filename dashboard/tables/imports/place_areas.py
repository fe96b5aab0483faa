"""The area of customers who have coordinates and no area: the outline on record that they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.columns import rough_places
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError

LATITUDES = (
    *("latitude", "lat", "gps_lat", "gps_latitude", "geo_lat", "geolat", "addressgpslat", "address_gps_lat"),
    *("latitud", "latitudine", "breitengrad", "breedtegraad", "широта", "szerokosc"),
)
LONGITUDES = (
    *("longitude", "lon", "lng", "long", "gps_lon", "gps_lng", "gps_long", "gps_longitude", "geo_lon", "geo_lng"),
    *("geolon", "geolng", "addressgpslon", "address_gps_lon", "longitud", "longitudine", "laengengrad", "längengrad"),
    *("lengtegraad", "долгота", "dlugosc"),
)
BOTH = ("gps", "coordinates", "coords", "latlng", "lat_lng", "lat_lon", "geo", "coordenadas", "geolocation", "location")
"""As Splynx writes them, latitude first: 41.88,-87.63."""
PAIR = r"^\s*(?P<latitude>[-+]?\d{1,2}\.\d+)\s*[,; ]\s*(?P<longitude>[-+]?\d{1,3}\.\d+)\s*$"
DEGREES = r"^[-+]?\d{1,3}(?:[.,]\d+)?$"
NOWHERE = "lies in no outline on record"
NO_PLACE = "is blank, and so are the coordinates"
NO_OUTLINES = (
    "the column area is missing, and no area on record has an outline to find the coordinates in: import areas with outlines"
    " first (bairro import areas FILE.geojson), or name the area of each customer"
)

Degrees = npt.NDArray[np.float64]


def with_areas(made: Sheet, export: Sheet, areas: pa.Table) -> Sheet:
    """The customers ``made`` of ``export`` with areas where they have none, by the outlines of ``areas`` on record.

    Those outside all outlines are refused and counted. Raises UnreadableError where there is no outline to look in.
    """
    given = made.columns.get("area")
    if given is not None and not given.null_count:
        return made
    found = _coordinates(export, pa.array(np.isin(export.lines, made.lines)))
    if found is None:
        return made
    shapes = {
        area: outline
        for area, outline in zip(areas.column("area").to_pylist(), areas.column("geometry").to_pylist(), strict=True)
        if outline
    }
    if not shapes:
        if given is not None:
            return made
        raise UnreadableError(NO_OUTLINES)
    text = pa.nulls(len(made.lines), pa.string()) if given is None else given
    lacks = text.is_null().to_numpy(zero_copy_only=False)
    names, several = _containing(found, shapes)
    placed = pc.if_else(pa.array(lacks), names, text)
    return _told(replace(made, columns={**made.columns, "area": placed}), lacks, found, several)


def _told(made: Sheet, lacks: npt.NDArray[np.bool_], found: tuple[Degrees, Degrees], several: int) -> Sheet:
    """With the faults of rows that have no area still, and how many have one by where they lie."""
    blank = made.columns["area"].is_null().to_numpy(zero_copy_only=False)
    is_somewhere = np.isfinite(found[0]) & np.isfinite(found[1])
    faults = [Fault(int(line), "area", NOWHERE) for line in made.lines[blank & is_somewhere]]
    faults += [Fault(int(line), "area", NO_PLACE) for line in made.lines[blank & ~is_somewhere]]
    notes = [
        f"area: {int((lacks & ~blank).sum()):,} of {int(lacks.sum()):,} customers without one have that in whose outline"
        f" their coordinates lie; {int((blank & is_somewhere).sum()):,} lie outside of all"
    ]
    if several:
        notes.append(f"area: {several:,} lie in several outlines, and have the smallest of them")
    warnings = rough_places.told(*(np.where(lacks, degrees, np.nan) for degrees in found))
    return replace(made, warnings=(*made.warnings, *warnings)).without(faults, notes)


def _coordinates(export: Sheet, kept: pa.Array) -> tuple[Degrees, Degrees] | None:
    """Latitude and longitude of the rows that are ``kept``, NaN where they are no such numbers; None without columns."""
    latitude = next((name for name in LATITUDES if name in export.columns), None)
    longitude = next((name for name in LONGITUDES if name in export.columns), None)
    if latitude is not None and longitude is not None:
        return _degrees(export.columns[latitude].filter(kept), 90), _degrees(
            export.columns[longitude].filter(kept), 180
        )
    for name in BOTH:
        if name in export.columns:
            pairs = pc.extract_regex(export.columns[name].filter(kept), PAIR)
            if pairs.null_count < len(pairs):
                parts = (pc.struct_field(pairs, part) for part in ("latitude", "longitude"))
                latitudes, longitudes = parts
                return _degrees(latitudes, 90), _degrees(longitudes, 180)
    return None


def _degrees(cells: pa.Array, most: float) -> Degrees:
    plain = pc.replace_substring(cells, ",", ".")
    is_number = pc.fill_null(pc.match_substring_regex(cells, DEGREES), False)
    values = pc.if_else(is_number, plain, pa.scalar(None, pa.string())).cast(pa.float64())
    numbers = np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    numbers[~(np.abs(numbers) <= most)] = np.nan
    return numbers


def _containing(found: tuple[Degrees, Degrees], shapes: Mapping[str, str]) -> tuple[pa.Array, int]:
    """The area of the smallest outline that each place lies in or on the edge of, and how many places lie in several.

    0, 0 is where programs put what they do not know.
    """
    import shapely

    names, outlines = list(shapes), shapely.from_geojson(list(shapes.values()))
    order = np.argsort(shapely.area(outlines), kind="stable")
    latitudes, longitudes = found
    is_known = np.isfinite(latitudes) & np.isfinite(longitudes) & ((latitudes != 0) | (longitudes != 0))
    tree = shapely.STRtree(shapely.make_valid(outlines[order]))
    at = np.flatnonzero(is_known)
    points = shapely.points(longitudes[at], latitudes[at])
    which, outline = tree.query(points, predicate="intersects")
    return _smallest(len(latitudes), at[which], [names[place] for place in order], outline)


def _smallest(
    rows: int, which: npt.NDArray[np.intp], names: Sequence[str], outline: npt.NDArray[np.intp]
) -> tuple[pa.Array, int]:
    best = np.full(rows, len(names))
    np.minimum.at(best, which, outline)
    several = int((np.bincount(which, minlength=rows) > 1).sum())
    return pa.array([names[place] if place < len(names) else None for place in best], pa.string()), several
