"""What is said of many refused rows: one line for one kind."""

from __future__ import annotations

from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.readers.sheets import Fault
from dashboard.tables.readers.sources import Source


def said(*faults: Fault) -> list[str]:
    report = ImportReport("customers", Source("a.csv"), rows_read=200, added=1, faults=faults)
    return [line for line in str(report).splitlines() if "refused" in line]


def test_reasons_that_differ_by_a_day_or_a_line_are_one() -> None:
    overlaps = [
        Fault(2 + day, "started_on", f"two contracts at once: the spell from 2024-01-{day:02} has not ended either")
        for day in range(1, 30)
    ]
    doubles = [Fault(50 + line, "complaint_id", f"has the same complaint_id as line {line}") for line in range(2, 9)]
    first, second = said(*overlaps, *doubles)
    assert first == (
        "  refused, 29 x from line 3: started_on two contracts at once: the spell from 2024-01-01 has not ended either (the"
        " others likewise): is started_on another one than in the import before, or has a customer a row for each service?"
    )
    assert second == (
        "  refused, 7 x from line 52: complaint_id has the same complaint_id as line 2 (the others likewise): has the file a"
        " row for each message or change?"
    )


def test_one_reason_is_told_as_it_is_and_different_ones_stay_apart() -> None:
    lines = said(*(Fault(line, "score", f"is kind {line}") for line in range(12)), Fault(20, None, "has 3 cells"))
    assert lines[0] == "  refused, 1 x from line 0: score is kind 0"
    assert (len(lines), lines[-1]) == (11, "  refused: 3 more reasons")
