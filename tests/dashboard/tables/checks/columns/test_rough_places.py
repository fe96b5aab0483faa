"""Coordinates by which nobody can tell who lives where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]
OUTLINE = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"area": "A", "name": "A"}, "geometry":'
    ' {"type": "Polygon", "coordinates": [[[-9.5, 38.5], [-9, 38.5], [-9, 39], [-9.5, 39], [-9.5, 38.5]]]}}]}'
)
APART = [(38.7 + n / 1000, -9.2 + n / 700) for n in range(1, 21)]
FALLBACK = (38.71, -9.19)


def customers(places: Sequence[tuple[float, float]], area: str = "") -> str:
    rows = (f"{n},{area},2024-01-{1 + n % 28:02},{at[0]:.6f},{at[1]:.6f}\n" for n, at in enumerate(places))
    return "customer_id,area,started_on,latitude,longitude\n" + "".join(rows)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (APART, None),
        ([*APART, *[FALLBACK] * 30], "30 of 50 customers have the same coordinates"),
        ([*APART, *[FALLBACK] * 4], None),
        ([FALLBACK] * 19, None),
        ([(38.7, -9.2), (38.8, -9.1)] * 10, "all coordinates have one decimal at most"),
        ([*[(38.7, -9.2), (38.8, -9.1), (38.6, -9.3), (38.9, -9.4), (38.8, -9.3)] * 5, APART[0]], None),
    ],
    ids=["apart", "a fallback", "a building", "few", "one decimal", "one of them in full"],
)
def test_rough_coordinates_are_told(import_text: Give, places: Sequence[tuple[float, float]], said: str | None) -> None:
    assert import_text("areas", OUTLINE).exit_code == 0
    report = import_text("customers", customers(places))
    assert report.added == len(places)
    assert (report.warnings == ()) if said is None else (said in str(report.warnings))
    assert not any("coordinates" in one for one in import_text("customers", customers(places, "A")).warnings)
