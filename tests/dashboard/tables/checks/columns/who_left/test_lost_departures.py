"""Who left stays on record whatever the words of the reason are, or the file is refused: the rest would say that nobody left."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import read
from dashboard.tables.mappings.proposals import propose
from dashboard.tables.readers import sources
from dashboard.tables.readers.sources import Source
from dashboard.tables.schema import RECORDS

Give = Callable[..., ImportReport]
WORDS = ("Voluntad propia", "Mudanza", "Morosidad", "Otro")
MAPPING = 'kind = "customers"\n' + "".join(
    f'[columns.{name}]\nsource = "{name}"\n'
    for name in ("customer_id", "area", "started_on", "ended_on", "valid_from", "end_reason")
)


def customers(ends: list[tuple[str, str]], staying: int = 20) -> str:
    ends = ends + [("", "")] * staying
    rows = "".join(f"{n},A,2024-01-31,{day},{why},2024-01-31\n" for n, (day, why) in enumerate(ends, 1))
    return f"customer_id,area,started_on,ended_on,end_reason,valid_from\n{rows}"


@pytest.mark.parametrize("mapping", [None, MAPPING + '[columns.end_reason.values]\n"Otro" = "other"\n'])
def test_an_unknown_reason_costs_its_cell_and_is_told(
    import_text: Give, provider: DashboardSettings, mapping: str | None
) -> None:
    report = import_text("customers", customers([("2025-05-01", word) for word in WORDS] * 5), mapping)
    assert (report.exit_code, report.added, report.rejected) == (1, 40, 0)
    unknown = 20 if mapping is None else 15
    assert f"end_reason: {unknown} of 20 reasons are none of" in report.warnings[0]
    assert "'Voluntad propia'" in report.warnings[0]
    stored = read("customers", provider.data)
    assert stored.column("ended_on").null_count == 20
    assert stored.column("end_reason").null_count == 20 + unknown


def test_known_reasons_stay_beside_unknown_ones_and_free_text_is_not_repeated(
    import_text: Give, provider: DashboardSettings
) -> None:
    said = "Ana called on Tuesday and said that she goes to the neighbours' provider"
    report = import_text("customers", customers([("2025-05-01", "Moved"), ("2025-05-01", said)]))
    assert "1 of 2 reasons are none of" in report.warnings[0]
    assert "Ana" not in str(report)
    assert sorted(filter(None, read("customers", provider.data).column("end_reason").to_pylist())) == ["moved"]


def test_a_proposal_leaves_reasons_that_it_does_not_know_unknown(tmp_path: Path, import_text: Give) -> None:
    """A draft that calls them ``other`` would say that those customers did not leave of their own will."""
    text = customers([("2025-05-01", "Competitor"), ("2025-05-01", "K7"), ("2025-05-01", "K3")])
    path = tmp_path / "codes.csv"
    path.write_text(text)
    drafted = propose(sources.read(Source(str(path))), RECORDS["customers"], "export", today=datetime.date(2026, 3, 1))
    assert '# "K7" = ""  # not recognised, so not known: is it one of voluntary,' in drafted
    report = import_text("customers", text, drafted)
    assert "2 of 3 reasons are none of" in report.warnings[0]


def test_a_reason_without_a_day_still_refuses_its_row(import_text: Give) -> None:
    report = import_text("customers", customers([("", "Mudanza")]))
    assert (report.added, report.rejected) == (20, 1)


@pytest.mark.parametrize("day", ["01-00-2025", "soon", "2023-01-01"])
def test_a_file_whose_leavers_are_rejected_is_refused(import_text: Give, provider: DashboardSettings, day: str) -> None:
    report = import_text("customers", customers([(day, "moved")] * 8 + [("2025-05-01", "moved")] * 2))
    assert report.exit_code == 2
    assert report.failure is not None
    assert report.failure.startswith("8 of 10 rows that say that a customer left are rejected (ended_on ")
    assert "first on line 2" in report.failure
    assert not read("customers", provider.data).num_rows


def test_some_of_them_are_a_warning(import_text: Give) -> None:
    good = [("2025-05-01", "moved")] * 15
    some = import_text("customers", customers([("soon", "moved")] * 6 + good))
    assert (some.exit_code, some.rejected) == (1, 6)
    assert "6 of 21 rows that say that a customer left are rejected" in some.warnings[0]


def test_fewer_are_rejected_as_any_row(import_text: Give) -> None:
    report = import_text("customers", customers([("soon", "moved")] * 4 + [("2025-05-01", "moved")] * 15))
    assert (report.rejected, report.warnings) == (4, ())


def test_rows_that_are_rejected_alike_whether_or_not_somebody_left_are_no_matter_of_departures(
    import_text: Give,
) -> None:
    text = customers([("2025-05-01", "moved")] * 10).replace(",A,2024-01-31,,", ",,2024-01-31,,", 14)
    report = import_text("customers", text.replace(",A,2024-01-31,2025", ",,2024-01-31,2025", 7))
    assert (report.failure, report.rejected, report.warnings) == (None, 21, ())


def test_a_proposal_knows_common_words_and_fills_no_blank_reason(tmp_path: Path, provider: DashboardSettings) -> None:
    path = tmp_path / "export.csv"
    path.write_text(customers([("2025-05-01", word) for word in (*WORDS, "Verhuizing", "Inadimplência", "Umzug")]))
    proposed = propose(sources.read(Source(str(path))), RECORDS["customers"], "export", today=datetime.date(2026, 3, 1))
    section = proposed.partition("[columns.end_reason]")[2].partition("\n\n")[0]
    assert "blank" not in section
    for line in ('"Voluntad propia" = "voluntary"', '"Mudanza" = "moved"', '"Verhuizing" = "moved"'):
        assert line in section
    assert '"Inadimplência" = "nonpayment"' in section


def test_reasons_on_record_stay_beside_unknown_words(import_text: Give, provider: DashboardSettings) -> None:
    known = [("2025-05-01", "voluntary"), ("2025-06-01", "moved"), ("2025-07-01", "voluntary")]
    import_text("customers", customers(known))
    day_corrected = "2025-07-02"
    again = [("2025-05-01", "Voluntad propia"), ("2025-06-01", "Mudanza"), (day_corrected, "Voluntad propia")]
    report = import_text("customers", customers(again))
    assert "end_reason: 2 customers keep the reasons of leaving on record" in " ".join(report.notes)
    assert report.warnings[0].startswith("end_reason: 3 of 3 reasons are none of")
    stored = read("customers", provider.data).filter(read("customers", provider.data).column("ended_on").is_valid())
    told = dict(
        zip(map(str, stored.column("ended_on").to_pylist()), stored.column("end_reason").to_pylist(), strict=True)
    )
    assert told == {"2025-05-01": "voluntary", "2025-06-01": "moved", day_corrected: None}


@pytest.mark.parametrize("says", ['constant = "voluntary"', 'source = "end_reason"\nblank = "voluntary"'])
def test_a_mapping_says_that_no_reason_is_their_own_will(
    import_text: Give, provider: DashboardSettings, says: str
) -> None:
    mapping = MAPPING.replace('source = "end_reason"', says)
    text = customers([("2025-05-01", "")] * 6)
    plain = import_text("customers", text, mapping)
    assert (plain.exit_code, plain.added, plain.rejected) == (0, 26, 0)
    stored = read("customers", provider.data)
    assert stored.column("end_reason").to_pylist().count("voluntary") == 6
    assert not any("have neither an end_reason nor a notice_on" in note for note in plain.notes)


def test_ends_of_which_nothing_says_why_are_a_note(import_text: Give) -> None:
    report = import_text("customers", customers([("2025-05-01", "")] * 6 + [("2025-05-01", "moved")] * 4))
    assert report.exit_code == 0
    assert any(note.startswith("6 of 10 rows with an ended_on have neither") for note in report.notes)
    few = import_text("customers", customers([("2025-05-01", "")] * 2 + [("2025-05-01", "moved")] * 8))
    assert not any("have neither" in note for note in few.notes)
