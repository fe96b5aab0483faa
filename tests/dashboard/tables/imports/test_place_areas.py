"""Customers with coordinates and no area are put into the outlines on record; who lies outside is counted."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read

Give = Callable[..., ImportReport]
OUTLINES = {
    "Loop": [[-87.64, 41.87], [-87.62, 41.87], [-87.62, 41.89], [-87.64, 41.89], [-87.64, 41.87]],
    "Chicago": [[-87.9, 41.6], [-87.5, 41.6], [-87.5, 42.0], [-87.9, 42.0], [-87.9, 41.6]],
}


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="America/Chicago")


@pytest.fixture
def give(settings: DashboardSettings, tmp_path: Path) -> Give:
    def of(kind: str, text: str, mapping: str | None = None) -> ImportReport:
        (tmp_path / "file").write_text(text)
        (tmp_path / "own.toml").write_text(mapping or "")
        day = datetime.date(2026, 3, 1)
        named = str(tmp_path / "own.toml") if mapping else None
        return import_records(kind, tmp_path / "file", settings, as_of=day, mapping=named)

    return of


@pytest.fixture
def outlined(give: Give) -> Give:
    features = [
        {"type": "Feature", "properties": {"area": area}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for area, ring in OUTLINES.items()
    ]
    assert give("areas", json.dumps({"type": "FeatureCollection", "features": features})).exit_code == 0
    return give


def areas_of(settings: DashboardSettings) -> list[str]:
    return sorted(read("customers", settings.data).column("area").to_pylist())


def test_the_smallest_outline_and_who_lies_outside(outlined: Give, settings: DashboardSettings) -> None:
    rows = ["1,41.88,-87.63", "2,41.70,-87.70", "3,40.00,-87.63", "4,0,0", "5,,", "6,41.90,-187.63"]
    text = "customer_id,latitude,longitude,started_on\n" + "".join(f"{row},2024-01-31\n" for row in rows)
    report = outlined("customers", text)
    assert areas_of(settings) == ["Chicago", "Loop"]
    assert (report.added, report.rejected, report.exit_code) == (2, 4, 1)
    assert "refused, 2 x from line 4: area lies in no outline on record" in str(report)
    assert "refused, 2 x from line 6: area is blank, and so are the coordinates" in str(report)
    assert "area: 2 of 6 customers without one have that in whose outline" in str(report)
    assert "area: 1 lie in several outlines, and have the smallest of them" in str(report)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("lat;lng", "41,88;-87,63"),
        ("gps", "41.88,-87.63"),
        ("addressGpsLat;addressGpsLon", "41.88;-87.63"),
        ("longitude;area;latitude", "-87.63;;41.88"),
    ],
)
def test_as_programs_write_them(outlined: Give, settings: DashboardSettings, header: str, cells: str) -> None:
    report = outlined("customers", f"customer_id;{header};started_on\n1;{cells};2024-01-31\n")
    assert (report.exit_code, areas_of(settings)) == (0, ["Loop"])


def test_an_area_that_is_given_stays(outlined: Give, settings: DashboardSettings) -> None:
    outlined("customers", "customer_id,area,lat,lon,started_on\n1,Chicago,41.88,-87.63,2024-01-31\n")
    assert areas_of(settings) == ["Chicago"]


def test_under_a_mapping_without_an_area(outlined: Give, settings: DashboardSettings) -> None:
    mapping = 'kind = "customers"\n[columns.customer_id]\nsource = "id"\n[columns.started_on]\nsource = "since"\n'
    text = "id,since,lat,lon,kind\n1,2024-01-31,41.88,-87.63,a\n2,2024-01-31,41.88,-87.63,lead\n"
    report = outlined("customers", text, f'{mapping}[skip]\nkind = "lead"\n')
    assert (report.exit_code, areas_of(settings)) == (0, ["Loop"])


def test_without_outlines_it_is_said(give: Give) -> None:
    report = give("customers", "customer_id,latitude,longitude,started_on\n1,41.88,-87.63,2024-01-31\n")
    assert report.exit_code == 2
    assert "no area on record has an outline to find the coordinates in" in str(report)
