"""The town: invented neighbourhoods and their outlines, drawn before any network is laid."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np

from demo import noise

Point = tuple[float, float]

# The town lies on an island that is on no map, in the Atlantic.
TOWN_LATITUDE, TOWN_LONGITUDE = 39.62, -11.35
TOWN_RADIUS_KM = 6.0
_KM_PER_DEGREE = 111.32

NAMES = (
    "Alto da Sereia", "Vale Corvelo", "Marezinha", "Quinta do Lume", "Cais Torvelo", "Serra Miúda",
    "Molenzicht", "Zilverkade", "Oosterduyn", "Kraanhoek", "Lindewaard", "Torenveste",
    "Las Alondrillas", "Peñalinda", "Cerro Bermejal", "Fuentelarga", "Los Almenares", "Rivalba",
    "Monte Cantor", "Praia Funda", "Ribeira Clara", "Nova Amendoal", "Veldrust", "Puerto Cigarral",
    "Casal Andoriz", "Boca do Vento", "Fonte Serrana", "Westerbaken", "Havenrode", "Brugweide",
    "La Jarilla Alta", "Olmedal Sur", "Campo Estelar", "Lagar do Norte", "Pedra Lontra", "Sintelhof",
    "Duinmeer", "Valdorquera", "Mirador Lento", "Ilhota do Meio",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One neighbourhood: ``outline`` is a closed ring of (longitude, latitude), counter-clockwise."""

    area: str
    name: str
    outline: tuple[Point, ...]
    centre: Point

    @property
    def geometry(self) -> str:
        """The outline as a GeoJSON Polygon (RFC 7946)."""
        return json.dumps({"type": "Polygon", "coordinates": [[list(p) for p in self.outline]]}, separators=(",", ":"))


def places(seed: int, count: int) -> tuple[Place, ...]:
    """``count`` contiguous neighbourhoods that together fill the town."""
    shore = _shore(seed)
    sites = _spread(seed, count, shore)
    cells = [_cell(i, sites, shore) for i in range(count)]
    order = np.argsort(noise.uniform(seed, "place name", np.arange(count)))
    return tuple(_place(seed, cells[i], _name(int(order[i]))) for i in range(count))


def slug(name: str) -> str:
    """A name as an id: lower case, without accents and spaces."""
    plain = name.lower().translate(str.maketrans("áàâãçéêíñóôõúü", "aaaaceeinooouu"))
    return "-".join(plain.split())


def _name(index: int) -> str:
    round_, position = divmod(index, len(NAMES))
    return NAMES[position] if round_ == 0 else f"{NAMES[position]} {round_ + 1}"


def _shore(seed: int) -> list[Point]:
    """A convex outline of the town, in km around its centre."""
    corners = 18
    angle = (np.arange(corners) + 0.5 * noise.uniform(seed, "shore angle", np.arange(corners))) * 2 * np.pi / corners
    return [(TOWN_RADIUS_KM * 1.15 * math.cos(a), TOWN_RADIUS_KM * 0.9 * math.sin(a)) for a in angle]


def _spread(seed: int, count: int, shore: list[Point]) -> list[Point]:
    """Sites spread evenly but not regularly: Lloyd's relaxation, stopped early."""
    angle = noise.uniform(seed, "site angle", np.arange(count)) * 2 * np.pi
    reach = np.sqrt(noise.uniform(seed, "site reach", np.arange(count))) * 0.85
    sites = [
        (TOWN_RADIUS_KM * 1.1 * r * math.cos(a), TOWN_RADIUS_KM * 0.85 * r * math.sin(a))
        for a, r in zip(angle, reach, strict=True)
    ]
    for _ in range(3):
        sites = [_centroid(_cell(i, sites, shore)) for i in range(count)]
    return sites


def _cell(index: int, sites: list[Point], shore: list[Point]) -> list[Point]:
    """The part of the town nearer to one site than to any other: the shore cut by every bisector."""
    own, cell = sites[index], shore
    for other, (x, y) in enumerate(sites):
        if other == index:
            continue
        normal = (x - own[0], y - own[1])
        offset = (x * x + y * y - own[0] ** 2 - own[1] ** 2) / 2
        cell = _cut(cell, normal, offset)
    return cell


def _cut(polygon: list[Point], normal: Point, offset: float) -> list[Point]:
    """The part of a convex polygon where ``normal . point <= offset`` (Sutherland and Hodgman 1974)."""
    kept: list[Point] = []
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a = normal[0] * start[0] + normal[1] * start[1] - offset
        b = normal[0] * end[0] + normal[1] * end[1] - offset
        if a <= 0:
            kept.append(start)
        if (a < 0 < b) or (b < 0 < a):
            t = a / (a - b)
            kept.append((start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])))
    return kept


def _centroid(polygon: list[Point]) -> Point:
    area = x = y = 0.0
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        cross = x0 * y1 - x1 * y0
        area, x, y = area + cross, x + (x0 + x1) * cross, y + (y0 + y1) * cross
    return x / (3 * area), y / (3 * area)


def _place(seed: int, cell: list[Point], name: str) -> Place:
    ring: list[Point] = []
    for start, end in zip(cell, cell[1:] + cell[:1], strict=True):
        ring.extend(_street(seed, start, end)[:-1])
    outline = tuple(_on_earth(p) for p in [*ring, ring[0]])
    return Place(slug(name), name, outline, _on_earth(_centroid(cell)))


def _street(seed: int, start: Point, end: Point) -> list[Point]:
    """A border bent by midpoint displacement; the same from both sides, so that neighbours share it."""
    if _key(start) > _key(end):
        return _street(seed, end, start)[::-1]
    length = math.dist(start, end)
    if length < 0.35:
        return [start, end]
    bend = 0.14 * (noise.uniform(seed, "street", *_key(start), *_key(end)) - 0.5)
    middle = (
        (start[0] + end[0]) / 2 - float(bend) * (end[1] - start[1]),
        (start[1] + end[1]) / 2 + float(bend) * (end[0] - start[0]),
    )
    return _street(seed, start, middle)[:-1] + _street(seed, middle, end)


def _key(point: Point) -> tuple[int, int]:
    """A corner as whole centimetres, the same from whichever cell it was computed."""
    return round(point[0] * 1e5), round(point[1] * 1e5)


def _on_earth(point: Point) -> Point:
    latitude = TOWN_LATITUDE + point[1] / _KM_PER_DEGREE
    longitude = TOWN_LONGITUDE + point[0] / (_KM_PER_DEGREE * math.cos(math.radians(TOWN_LATITUDE)))
    return round(longitude, 6), round(latitude, 6)
