"""What looks like a record and is none: shortened ids, words for nothing, wrong encodings, customers who have gone."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.checks.cells.encodings import mended
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read

AS_OF = datetime.date(2026, 3, 1)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def give(
    settings: DashboardSettings, text: str | bytes, kind: str = "customers", mapping: str | None = None
) -> ImportReport:
    source = settings.data.parent / "export.csv"
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    if mapping is not None and "\n" in mapping:
        (settings.data.parent / "own.toml").write_text(mapping)
        mapping = str(settings.data.parent / "own.toml")
    return import_records(kind, source, settings, as_of=AS_OF if kind == "customers" else None, mapping=mapping)


def stored(settings: DashboardSettings, *names: str) -> list[tuple[object, ...]]:
    return sorted(tuple(row[name] for name in names) for row in read("customers", settings.data).to_pylist())


@pytest.mark.parametrize("short", ["1.20E+10", '"1,20E+10"', "3.5191e+11", "1E+11", "1.2E10"])
def test_ids_that_excel_shortened_are_refused(settings: DashboardSettings, short: str) -> None:
    report = give(settings, f"customer_id,area,started_on\n{short},A,2024-01-31\n{short},A,2024-02-28\n")
    assert report.exit_code == 2
    assert (
        "customer_id looks like a number that Excel shortened (written like 1.2E+10) in 2 of 2 cells, the first on line 2"
        in str(report)
    )
    few = give(settings, f"customer_id,area,started_on\n12E5,A,2024-01-31\n7,A,2024-01-31\n{short},A,2024-02-28\n")
    assert (few.exit_code, few.added, few.rejected) == (1, 2, 1)


@pytest.mark.parametrize(
    "word",
    [
        "N/A",
        "n/a",
        "NA",
        "none",
        "-",
        "—",
        "unknown",
        "NULL",
        "#N/A",
        "não informado",
        "desconocido",
        "onbekend",
        "n.v.t.",
        "неизвестно",
    ],
)
def test_words_for_nothing_are_nothing(settings: DashboardSettings, word: str) -> None:
    text = "customer_id,area,device_id,plan,monthly_price,started_on,ended_on\n"
    report = give(
        settings,
        f"{text}1,A,{word},{word},{word},2024-01-31,{word}\n2,{word},,,,2024-01-31,\n{word},A,,,,2024-01-31,\n",
    )
    assert [(fault.line, fault.column, fault.reason) for fault in report.faults] == [
        (3, "area", "is blank"),
        (4, "customer_id", "is blank"),
    ]
    assert stored(settings, "area", "device_id", "plan", "monthly_price", "ended_on") == [("A", None, None, None, None)]
    if word not in ("NULL", "#N/A"):  # blank wherever text is read
        assert f"plan: 1 cell counts as blank ({word!r}); a mapping's blank = [...] says which words do" in report.notes


def test_a_mapping_says_which_words_are_blank(settings: DashboardSettings) -> None:
    columns = "".join(
        f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on", "ended_on")
    )
    text = "customer_id,area,started_on,ended_on\n1,NA,2024-01-31,open\n"
    report = give(settings, text, mapping=f'kind = "customers"\nblank = ["open"]\n{columns}')
    assert report.exit_code == 0
    assert stored(settings, "area", "ended_on") == [("NA", None)]


def test_an_area_on_record_may_be_called_na(settings: DashboardSettings) -> None:
    mapping = 'kind = "areas"\nblank = []\n[columns.area]\nsource = "area"\n[columns.name]\nsource = "name"\n'
    assert give(settings, "area,name\nNA,North Assen\n", "areas", mapping).exit_code == 0
    assert give(settings, "customer_id,area,started_on\n1,NA,2024-01-31\n").exit_code == 0


@pytest.mark.parametrize(
    "day", ["0000-00-00", "00/00/0000", "00/00/00", "9999-12-31", "31/12/9999", "0000-00-00 00:00:00"]
)
def test_days_that_stand_for_none(settings: DashboardSettings, day: str) -> None:
    assert give(settings, f"customer_id,area,started_on,ended_on\n1,A,2024-01-31,{day}\n").exit_code == 0
    assert stored(settings, "ended_on") == [(None,)]


def wrongly(text: str, encoding: str, times: int = 1) -> str:
    for _ in range(times):
        text = "".join(_as_read(byte, encoding) for byte in text.encode())
    return text


def _as_read(byte: int, encoding: str) -> str:
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1251", "cp850"])
@pytest.mark.parametrize("text", ["São João", "Évora", "Beëindigd", "Ñuñoa", "Северный район"])
def test_what_was_read_in_the_wrong_encoding_is_known(text: str, encoding: str, times: int) -> None:
    assert mended(wrongly(text, encoding, times)) == text
    assert mended(text) is None


@pytest.mark.parametrize("times", [1, 2, 3])
def test_mojibake_is_refused_and_told(settings: DashboardSettings, times: int) -> None:
    area = wrongly("São João", "cp1252", times)
    report = give(settings, f"customer_id;area;started_on\n1;{area};2024-01-31\n2;Évora;2024-01-31\n")
    assert (report.exit_code, report.added, report.rejected) == (1, 1, 1)
    assert (
        f"area: {area!r} is probably 'São João', read in the wrong encoding (line 2); export the file as UTF-8"
        in report.notes
    )
    assert stored(settings, "area") == [("Évora",)]


@pytest.mark.parametrize("area", ["S\ufffdo Jo\ufffdo", "S?o Jo?o"])
def test_lost_letters_are_refused(settings: DashboardSettings, area: str) -> None:
    report = give(settings, f"customer_id,area,started_on\n1,{area},2024-01-31\n")
    assert (report.exit_code, report.added) == (2, 0)
    assert "has lost letters" in str(report)


@pytest.mark.parametrize("area", ["'t Zand", "'s-Gravenhage", "L'Hospitalet", "O'Higgins", "Cais?"])
def test_apostrophes_and_question_marks_that_belong_there_stay(settings: DashboardSettings, area: str) -> None:
    assert give(settings, f"customer_id,area,started_on\n1,{area},2024-01-31\n").exit_code == 0
    assert stored(settings, "area") == [(area,)]


def test_an_address_with_a_question_is_no_lost_letter(settings: DashboardSettings) -> None:
    text = "complaint_id,area,opened_at,category,channel\n1,A,2026-02-01,slow,web/form?ref=mail\n"
    assert give(settings, text, "complaints").exit_code == 0


def test_russian_windows_text_is_read_as_such(settings: DashboardSettings) -> None:
    text = "customer_id;area;started_on\n1;Центральный;2024-01-31\n"
    assert give(settings, text.encode("cp1251")).exit_code == 0
    assert stored(settings, "area") == [("Центральный",)]
    western = "customer_id;area;started_on\n2;Praça São João;2024-02-29\n"
    give(settings, western.encode("cp1252"))
    assert ("Praça São João",) in stored(settings, "area")


@pytest.mark.parametrize(
    "word",
    [
        "Cancelled",
        "Inactive",
        "Terminated",
        "Cancelado",
        "Inativo",
        "Baja",
        "Beëindigd",
        "Opgezegd",
        "Отключен",
        "Расторгнут",
    ],
)
@pytest.mark.parametrize("column", ["status", "Situação", "estado", "статус"])
def test_who_has_gone_without_a_day_is_no_customer(settings: DashboardSettings, word: str, column: str) -> None:
    text = f"customer_id,area,started_on,{column},ended_on\n1,A,2024-01-31,{word},\n2,A,2024-01-31,Active,\n3,A,2024-01-31,{word},2025-01-01\n"
    report = give(settings, text)
    assert (report.exit_code, report.added, report.rejected) == (1, 2, 1)
    assert report.faults[0].reason == "says that the customer has gone, and ended_on is blank"
    assert "[skip]" in str(report)


@pytest.mark.parametrize(
    "word",
    [
        *("Ex-klant", "Договор расторгнут", "Op non-actief", "Contrato cancelado", "Lapsed", "Left (moved)"),
        *("Written off", "Opgezegd per 1-2-2026", "Contract: terminated", "Baja - 2025"),
    ],
)
def test_who_has_gone_by_a_word_within_the_status(settings: DashboardSettings, word: str) -> None:
    report = give(settings, f"customer_id,area,started_on,status\n1,A,2024-01-31,{word}\n2,A,2024-01-31,Active\n")
    assert (report.exit_code, report.added, report.rejected) == (1, 1, 1)


@pytest.mark.parametrize(
    "word",
    [
        *("Pending cancellation", "Not cancelled", "Временно отключен", "Niet opgezegd", "Baja California"),
        *("Active - cancellation requested", "Tijdelijk stopgezet"),
    ],
)
def test_who_only_may_go_is_a_customer(settings: DashboardSettings, word: str) -> None:
    text = f"customer_id,area,started_on,status\n1,A,2024-01-31,{word}\n2,A,2024-01-31,Active\n"
    assert give(settings, text).exit_code == 0


@pytest.mark.parametrize("name", ["cancelled", "Inactive", "is_terminated", "inativo", "churned"])
@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("1", "0"), ("true", "false"), ("Sim", "Não"), ("X", "")])
def test_columns_in_which_yes_says_gone(settings: DashboardSettings, name: str, yes: str, no: str) -> None:
    text = f"customer_id,area,started_on,{name}\n1,A,2024-01-31,{no}\n2,A,2024-01-31,{yes}\n"
    report = give(settings, text)
    assert (report.exit_code, report.added, report.faults[0].line) == (1, 1, 3)


def test_a_request_to_cancel_is_no_end_and_letters_beside_a_are(settings: DashboardSettings) -> None:
    asked = "customer_id,area,started_on,cancel_requested\n1,A,2024-01-31,yes\n2,A,2024-01-31,no\n"
    assert give(settings, asked).exit_code == 0
    letters = "".join(f"{n},A,2024-01-31,{one}\n" for n, one in enumerate("ACSIN"))
    report = give(settings, f"customer_id,area,started_on,state\n{letters}")
    assert [fault.line for fault in report.faults] == [3, 5]


def test_the_offered_skip_lists_every_word(settings: DashboardSettings) -> None:
    words = ["Cancelled", "Terminated", "Closed", "Expired", "Former", "Deleted", "Lapsed"]
    rows = "".join(f"{n},A,2024-01-31,{word}\n" for n, word in enumerate([*words, "Active"]))
    report = give(settings, f"customer_id,area,started_on,status\n{rows}")
    offered = str(report).partition('[skip] "status" = ')[2].splitlines()[0]
    assert all(f'"{word}"' in offered for word in words)


@pytest.mark.parametrize("text", ["active,no", "Ativo,Não", "is_active,0", "actief,nee"])
def test_columns_of_yes_and_no(settings: DashboardSettings, text: str) -> None:
    name, no = text.split(",")
    report = give(settings, f"customer_id,area,started_on,{name}\n1,A,2024-01-31,{no}\n2,A,2024-01-31,yes\n")
    assert (report.exit_code, report.added) == (1, 1)


@pytest.mark.parametrize(
    "text", ["estado,Baja California", "last_ticket_status,Closed", "notes,Cancelled twice", "status,Suspended"]
)
def test_what_is_about_something_else_refuses_nobody(settings: DashboardSettings, text: str) -> None:
    name, cell = text.split(",")
    assert (
        give(settings, f"customer_id,area,started_on,{name}\n1,A,2024-01-31,{cell}\n2,A,2024-01-31,x\n").exit_code == 0
    )


def test_a_mapping_skips_those_who_have_gone(settings: DashboardSettings) -> None:
    columns = "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on"))
    text = "customer_id,area,started_on,status\n1,A,2024-01-31,Cancelled\n2,A,2024-01-31,Active\n"
    assert give(settings, text, mapping=f'kind = "customers"\n{columns}').exit_code == 1
    report = give(settings, text, mapping=f'kind = "customers"\n{columns}[skip]\nstatus = "Cancelled"\n')
    assert (report.exit_code, report.skipped) == (0, 1)


ZENDESK = "Id,Requester external id,Subject,Tags,Ticket type,Created at,Via\n"


def test_the_subject_gives_the_category_and_is_not_stored(settings: DashboardSettings) -> None:
    subjects = (
        "Internet lento de Ana Silva",
        "No signal since morning",
        "Geen internet",
        "Sin señal",
        "Não funciona",
        "медленный интернет",
    )
    rows = "".join(f"{n},{n},{subject},,Problem,2026-02-01 10:33,Web\n" for n, subject in enumerate(subjects))
    report = give(settings, ZENDESK + rows, "complaints", "zendesk")
    assert report.exit_code == 0
    found = read("complaints", settings.data)
    assert found.column("category").to_pylist() == [
        "slow",
        "connection",
        "connection",
        "connection",
        "connection",
        "slow",
    ]
    assert "Silva" not in str(found.to_pylist())


def test_tickets_that_are_all_other_say_so(settings: DashboardSettings) -> None:
    rows = "".join(f"{n},{n},hello,,Problem,2026-02-01 10:33,Web\n" for n in range(3))
    report = give(settings, ZENDESK + rows, "complaints", "zendesk")
    assert report.exit_code == 1
    assert "category: 3 of 3 complaints are 'other', so none of them counts as one about the network." in str(report)
    assert "The column tags is blank in all rows; In subject stand 'hello' in 3" in str(report)


OTRS = """kind = "complaints"
[columns.complaint_id]
source = "Ticket#"
[columns.customer_id]
source = "CustomerID"
[columns.opened_at]
source = "Created"
[columns.category]
source = "Type"
default = "other"
"""


def test_what_to_map_is_said(settings: DashboardSettings) -> None:
    rows = "".join(f"{n},{n},2026-02-01 10:33,Unclassified,Raw,Internet kaputt\n" for n in range(5))
    report = give(settings, "Ticket#,CustomerID,Created,Type,Queue,Title\n" + rows, "complaints", OTRS)
    assert report.exit_code == 1
    assert "In type stand 'Unclassified' in 5" in str(report)
    assert 'under [columns.category] source = ["type", "title"]' in str(report)


@pytest.mark.parametrize(
    ("cells", "prices"),
    [
        (['"29,90"', '"1.029,90"', '"35,5"'], [29.9, 1029.9, 35.5]),
        (['"$1,029.90"', '"1,029"', "29.90 USD", "$ 29.90"], [1029.9, 1029.0, 29.9, 29.9]),
        (['"1 029,90 €"', '"EUR 35,50"'], [1029.9, 35.5]),
    ],
)
def test_how_a_column_writes_numbers_is_decided_once(
    settings: DashboardSettings, cells: list[str], prices: list[float]
) -> None:
    rows = "".join(f"{n},A,{cell},2024-01-31\n" for n, cell in enumerate(cells))
    currency = "USD" if any("$" in cell for cell in cells) else "EUR"
    settings = replace(settings, currency=currency)
    assert give(settings, "customer_id,area,monthly_price,started_on\n" + rows).exit_code == 0
    assert sorted(price for (price,) in stored(settings, "monthly_price")) == sorted(prices)  # type: ignore[type-var]


PRICES = """kind = "customers"
decimal = "{}"
[columns.customer_id]
source = "customer_id"
[columns.started_on]
source = "started_on"
[columns.area]
source = "area"
[columns.monthly_price]
source = "monthly_price"
"""


@pytest.mark.parametrize(
    ("cells", "decimal", "prices"),
    [
        (["29.900", "35.500"], "comma", [29900.0, 35500.0]),
        (["29.900", "35.500", "30"], "point", [29.9, 30.0, 35.5]),
        (['"29,900"', '"35,500"'], "comma", [29.9, 35.5]),
        (['"29,900"', '"35,500"'], "point", [29900.0, 35500.0]),
    ],
)
def test_three_digits_after_every_dot_may_be_thousands(
    settings: DashboardSettings, cells: list[str], decimal: str, prices: list[float]
) -> None:
    rows = "".join(f"{n},A,{cell},2024-01-31\n" for n, cell in enumerate(cells))
    text = "customer_id,area,monthly_price,started_on\n" + rows
    report = give(settings, text)
    assert (report.exit_code, report.rejected) == (2 if len(cells) == 2 else 1, 2)
    assert "monthly_price is thousands or decimals?" in str(report)
    assert give(settings, text, mapping=PRICES.format(decimal)).exit_code == 0
    assert sorted(price for (price,) in stored(settings, "monthly_price")) == prices  # type: ignore[type-var]


@pytest.mark.parametrize("other", ["9.5", "0.125", '"1,029"', "1234.125"])
def test_another_number_of_the_column_settles_the_dot(settings: DashboardSettings, other: str) -> None:
    text = f"customer_id,area,monthly_price,started_on\n1,A,29.900,2024-01-31\n2,A,{other},2024-01-31\n"
    assert give(settings, text).exit_code == 0
    assert 29.9 in [price for (price,) in stored(settings, "monthly_price")]


@pytest.mark.parametrize(
    "text",
    [
        "customer_id,area,started_on\r1,A,2024-01-31\r2,A,2024-01-31\r",
        "sep=;\ncustomer_id;area;started_on\n1;A;2024-01-31\n2;A;2024-01-31\n",
        "customer_id,area,started_on\n1,A,2024-01-31,\n2,A,2024-01-31,,\n",
        "customer_id|area|started_on\n1|A|2024-01-31\n2|A|2024-01-31\n",
    ],
)
def test_files_as_spreadsheets_write_them(settings: DashboardSettings, text: str) -> None:
    report = give(settings, text)
    assert (report.exit_code, report.added) == (0, 2)


def test_lines_are_counted_where_excel_states_the_separator_and_ends_are_blank(settings: DashboardSettings) -> None:
    report = give(settings, "sep=,\ncustomer_id,area,started_on\n1,A,2024-01-31,\n2,A,no,\n3,A,2024-01-31,x\n")
    assert [(fault.line, fault.column) for fault in report.faults] == [(4, "started_on"), (5, None)]


def test_days_as_excel_counts_them_are_said_and_read_by_a_mapping(settings: DashboardSettings) -> None:
    text = "customer_id,area,started_on\n1,A,45322\n"
    assert "is a number, not a date: days as Excel counts them? A mapping reads them with format = 'excel'" in str(
        give(settings, text)
    )
    columns = "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on"))
    assert give(settings, text, mapping=f'kind = "customers"\n{columns}format = "excel"\n').exit_code == 0
    assert stored(settings, "started_on") == [(datetime.date(2024, 1, 31),)]


def test_old_mac_text_is_read_as_such(settings: DashboardSettings) -> None:
    text = "customer_id;area;started_on\r1;São João;2024-01-31\r"
    assert give(settings, text.encode("mac_roman")).exit_code == 0
    assert stored(settings, "area") == [("São João",)]


@pytest.mark.parametrize("day", ["1970-01-01", "1900-01-01 00:00:00", "01/01/1970", "1899-12-30", "0001-01-01"])
def test_the_first_day_of_a_programs_time_is_no_day(settings: DashboardSettings, day: str) -> None:
    report = give(settings, f"customer_id,area,started_on\n1,A,{day}\n2,A,2024-01-31\n")
    assert (report.added, report.rejected) == (1, 1)
    assert "started_on: 1 cell counts as blank" in str(report)


@pytest.mark.parametrize("day", ["2099-12-31", "2038-01-19 03:14:07", "31/12/2099", "1970-01-01"])
def test_the_last_day_of_a_programs_time_is_no_end(settings: DashboardSettings, day: str) -> None:
    assert give(settings, f"customer_id,area,started_on,ended_on\n1,A,2024-01-31,{day}\n").exit_code == 0
    assert stored(settings, "ended_on") == [(None,)]


def test_a_price_from_always_on_is_one(settings: DashboardSettings) -> None:
    path = settings.data.parent / "prices.csv"
    path.write_text("plan,valid_from,new_customer_price\nx,1970-01-01,20\n")
    assert import_records("prices", path, settings, as_of=AS_OF).exit_code == 0


@pytest.mark.parametrize("name", ["S&atilde;o Jo&atilde;o", "S&#227;o Jo&#xe3;o", "S\\u00e3o Jo\\u00E3o"])
def test_signs_for_letters_are_those_letters(settings: DashboardSettings, name: str) -> None:
    report = give(settings, f"customer_id,area,started_on\n1,{name},2024-01-31\n")
    assert stored(settings, "area") == [("São João",)]
    assert "and the like were read as 'São João'" in str(report)


@pytest.mark.parametrize("word", ["Total", "TOTALS", "Grand total", "Subtotal: 40", "Итого", "Totaal"])
def test_a_line_of_totals_is_no_customer(settings: DashboardSettings, word: str) -> None:
    report = give(settings, f"customer_id,area,started_on\n1,A,2024-01-31\n{word},A,2024-01-31\n")
    assert (report.added, report.rejected) == (1, 1)
    assert "customer_id is a line of totals" in str(report)


SILENTLY_WRONG = ("sci", "natext", "status", "mojibake")
READ_RIGHT = {"na": 4, "trail2": 2, "sepline": 1, "maccr": 2, "quoted_dec": 3}


@pytest.mark.parametrize("name", SILENTLY_WRONG)
def test_files_of_others_that_were_taken_wrongly(settings: DashboardSettings, shared: Path, name: str) -> None:
    report = import_records("customers", shared / "cases" / "records" / f"{name}.csv", settings, as_of=AS_OF)
    assert report.exit_code in (1, 2)


@pytest.mark.parametrize("name", READ_RIGHT)
def test_files_of_others_that_are_read(settings: DashboardSettings, shared: Path, name: str) -> None:
    report = import_records("customers", shared / "cases" / "records" / f"{name}.csv", settings, as_of=AS_OF)
    assert (report.exit_code, report.added) == (0, READ_RIGHT[name])


@pytest.mark.parametrize("name", ["c.zip", "c.ods"])
def test_archives_of_others(settings: DashboardSettings, shared: Path, name: str) -> None:
    report = import_records("customers", shared / "cases" / "records" / name, settings, as_of=AS_OF)
    assert (report.exit_code, report.added) == (0, 1)
