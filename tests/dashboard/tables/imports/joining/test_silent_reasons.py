"""Areas whose departures have no reasons, while those of others have, are named."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from dashboard.tables.imports.joining import silent_reasons

DAY = datetime.date(2025, 1, 1)


def customers(known: dict[str, tuple[int, int]]) -> pa.Table:
    """By area how many of the departures have a reason, and how many there are; as many customers stay."""
    rows = [
        (area, DAY, "moved" if number < told else None)
        for area, (told, ended) in known.items()
        for number in range(ended)
    ]
    rows += [(area, None, None) for area, (_, ended) in known.items() for _ in range(ended)]
    return pa.table(
        {
            "customer_id": [str(number) for number in range(len(rows))],
            "area": [row[0] for row in rows],
            "started_on": pa.array([datetime.date(2024, 1, 1)] * len(rows), pa.date32()),
            "ended_on": pa.array([row[1] for row in rows], pa.date32()),
            "notice_on": pa.nulls(len(rows), pa.date32()),
            "end_reason": pa.array([row[2] for row in rows], pa.string()),
            "valid_from": pa.array([datetime.date(2026, 1, 1)] * len(rows), pa.date32()),
        }
    )


def test_an_area_without_reasons_is_named() -> None:
    (said,) = silent_reasons.told(customers({"Noord": (0, 12), "Oost": (40, 41), "Zuid": (60, 60)}), 0.7)
    assert "of departures in 'Noord' 0 of 12 a reason or a notice is known" in said
    assert "Oost" not in said


@pytest.mark.parametrize(
    "known",
    [
        {"Noord": (11, 12), "Oost": (40, 41)},
        {"Noord": (0, 3), "Oost": (40, 41)},  # too few to tell
        {"Noord": (0, 12), "Oost": (10, 41)},  # known of hardly any: the build says so of all
        {"Noord": (0, 0)},
    ],
)
def test_others_are_not(known: dict[str, tuple[int, int]]) -> None:
    assert silent_reasons.told(customers(known), 0.7) == ()
