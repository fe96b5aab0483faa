"""Mapping profiles: what they say of each kind of cell, the ones that come with Bairro, and their faults in words."""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.mappings import profiles, proposals
from dashboard.tables.readers import sources
from dashboard.tables.readers.delimited_text import read_sheet
from dashboard.tables.readers.sources import Source
from dashboard.tables.schema import RECORDS


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "customer.key", timezone="Europe/Lisbon")


def give(settings: DashboardSettings, kind: str, text: str, profile: str, *, dry_run: bool = False) -> ImportReport:
    """Import ``text`` under ``profile``: the name of one, or TOML."""
    folder = settings.data.parent
    (folder / "export.csv").write_text(text)
    if "\n" in profile:
        (folder / "own.toml").write_text(profile)
        profile = str(folder / "own.toml")
    return import_records(kind, folder / "export.csv", settings, mapping=profile, dry_run=dry_run)


def stored(settings: DashboardSettings, kind: str, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in read(kind, settings.data).to_pylist()]


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)  # type: ignore[arg-type]


TICKETS = """kind = "complaints"
timezone = "America/New_York"
[columns.complaint_id]
source = ["Office", "Ticket #"]
join = "-"
[columns.area]
source = "Town"
keep = true
values = { "Harbour side" = "north" }
[columns.opened_at]
source = ["Date", "Time"]
format = ["%d/%m/%Y %I:%M %p", "%d/%m/%Y"]
[columns.solved_at]
source = "Hours to solve"
after = "opened_at"
unit = "hours"
[columns.category]
source = "Reason"
values = { "Line down" = "connection", "Too slow" = "slow" }
[columns.category.words]
billing = ["invoice", "bill"]
[columns.channel]
constant = "helpdesk"
[skip]
"Status" = ["Spam"]
"""
HEADER = "Office,Ticket #,Town,Date,Time,Hours to solve,Reason,Status,Text\n"


def test_a_mapping_renames_joins_translates_and_reads_dates(settings: DashboardSettings) -> None:
    rows = (
        "LX,1,Harbour side,04/02/2025,03:15 PM,1.5,line DOWN,Open,call Ana on 912 345 678\n"
        ",2,south,13/02/2025,,,about my invoices,Open,x\n"
        "LX,3,south,13/02/2025,,,slow,Spam,x\n"
    )
    report = give(settings, "complaints", HEADER + rows, TICKETS)
    assert (report.rows_read, report.added, report.skipped, report.rejected) == (3, 2, 1, 0)
    assert stored(settings, "complaints", "complaint_id", "area", "opened_at", "solved_at", "category", "channel") == [
        ("2", "south", utc(2025, 2, 13, 5), None, "billing", "helpdesk"),
        ("LX-1", "north", utc(2025, 2, 4, 20, 15), utc(2025, 2, 4, 21, 45), "connection", "helpdesk"),
    ]
    assert report.dropped_columns == ("status", "text")
    assert "1 row left out as no complaints, by the mapping's skip (Status)" in str(report)


def test_what_a_mapping_does_not_know_is_refused_by_line_and_column(settings: DashboardSettings) -> None:
    rows = (
        "LX,1,a,04/02/2025,03:15 PM,,sings,Open,x\nLX,2,a,2025-02-04,,,slow,Open,x\nLX,3,a,04/02/2025,,soon,slow,,x\n"
    )
    report = give(settings, "complaints", HEADER + rows, TICKETS)
    assert [(fault.line, fault.column, fault.reason) for fault in report.faults] == [
        (2, "category", "is a value that the mapping does not know, and it states no default"),
        (3, "opened_at", "is not written as %d/%m/%Y %I:%M %p or %d/%m/%Y"),
        (4, "solved_at", "is not a number"),
    ]
    assert (report.rows_read, report.added, report.rejected) == (3, 0, 3)


def test_an_export_without_rows_and_one_with_blank_columns(settings: DashboardSettings) -> None:
    empty = give(settings, "complaints", HEADER, TICKETS)
    assert (empty.failure, empty.rows_read, empty.exit_code) == (None, 0, 1)
    assert "there is a header and no row under it" in str(empty)
    blank = give(settings, "complaints", HEADER + "LX,1,a,,,,,,x\nLX,2,b,,,,,,x\n", TICKETS)
    assert (blank.rows_read, blank.rejected) == (2, 2)
    assert {(fault.column, fault.reason) for fault in blank.faults} == {
        ("opened_at", "is blank"),
        ("category", "is blank"),
    }
    skipped = give(settings, "complaints", HEADER + "LX,1,a,04/02/2025,,,slow,SPAM,x\n", TICKETS)
    assert (skipped.rows_read, skipped.skipped, skipped.rejected, skipped.exit_code) == (1, 1, 0, 1)
    assert "the mapping's skip leaves out the only row" in str(skipped)


def test_a_default_is_stated_where_it_was_taken(settings: DashboardSettings) -> None:
    profile = TICKETS.replace('values = { "Line down"', 'default = "other"\nblank = "other"\nvalues = { "Line down"')
    rows = "LX,1,a,04/02/2025,03:15 PM,,sings,Open,x\nLX,2,a,04/02/2025,03:15 PM,,,Open,x\n"
    report = give(settings, "complaints", HEADER + rows, profile)
    assert stored(settings, "complaints", "category") == [("other",), ("other",)]
    assert "category: 1 row with what the mapping does not know is 'other', its default; the first is on line 2" in (
        report.notes
    )
    assert "category: 1 blank cell is 'other' by the mapping" in report.notes


def test_a_column_that_is_not_there_is_said(settings: DashboardSettings) -> None:
    text = HEADER.replace("Ticket #", "Case") + "LX,1,a,04/02/2025,,,slow,,\n"
    failure = give(settings, "complaints", text, TICKETS).failure
    assert failure is not None
    assert failure.startswith(
        "the mapping takes complaint_id from 'Ticket #', which is not there; line 1 names office,"
    )
    report = give(
        settings, "complaints", HEADER.replace("Hours to solve", "H") + "LX,1,a,04/02/2025,,,slow,,\n", TICKETS
    )
    assert (report.added, report.notes) == (1, ("solved_at is not read: the export has no column 'Hours to solve'",))


def test_a_profile_may_build_on_one_that_comes_with_bairro(settings: DashboardSettings) -> None:
    text = "Ticket ID,Account,Created time,Type\n1,C-1,2025-02-04 10:00:00,Outage\n"
    report = give(settings, "complaints", text, "freshdesk")
    assert report.failure == "the column customer_id (or area) is missing"
    own = 'kind = "complaints"\nbased_on = "freshdesk"\n[columns.customer_id]\nsource = "Account"\n'
    assert give(settings, "complaints", text, own).added == 1
    assert stored(settings, "complaints", "category") == [("connection",)]


# --- the profiles that come with Bairro, on exports made up after the names that their sources state ---

FRESHDESK = """Ticket ID,Subject,Status,Priority,Source,Type,Agent,Created time,Initial response time,Resolved time,Unique external ID,Full name,Email
11,No net since noon,Resolved,Low,Phone,Outage,Rui,2025-03-01 12:00:00,2025-03-01 12:30:00,2025-03-02 09:00:00,C-1,Ana Silva,ana@example.org
12,Bill,Open,Low,Email,,Rui,2025-03-01 13:00:00,,,C-2,Rui Reis,rui@example.org
13,More Mbit,Open,Low,Portal,Feature Request,Rui,2025-03-01 13:00:00,,,C-2,Rui Reis,rui@example.org
"""
ZENDESK = """ID,Requester,Requester ID,Requester external id,Requester email,Subject,Tags,Status,Via,Created at,Solved at,First reply time in minutes
21,Ana Silva,900,C-1,ana@example.org,slow!,slow_internet evening,Solved,Web form,2025-03-01 12:00,2025-03-02 09:00,90
22,Rui Reis,901,C-2,rui@example.org,hello,,Open,Mail,2025-03-01 13:00,,
"""
DELIGHTED = """id,person,survey_type,score,comment,created_at,customer_id
1,77,nps,9,"Ana here, all fine",1740830400,C-1
2,78,nps,2,,1740916800,C-2
3,79,csat,5,,1740916800,C-2
"""


def test_freshdesk(settings: DashboardSettings) -> None:
    report = give(settings, "complaints", FRESHDESK, "freshdesk")
    assert (report.rows_read, report.added, report.skipped, report.rejected) == (3, 2, 1, 0)
    assert stored(settings, "complaints", "complaint_id", "category", "channel", "first_answer_at", "solved_at") == [
        ("11", "connection", "Phone", utc(2025, 3, 1, 12, 30), utc(2025, 3, 2, 9)),
        ("12", "billing", "Email", None, None),
    ]
    assert set(report.dropped_columns) >= {"full_name", "email", "agent"}
    assert "No net since noon" not in str(read("complaints", settings.data).to_pylist())  # read for words alone


def test_zendesk(settings: DashboardSettings) -> None:
    report = give(settings, "complaints", ZENDESK, "zendesk")
    assert (report.rows_read, report.added, report.rejected) == (2, 2, 0)
    assert stored(settings, "complaints", "complaint_id", "category", "channel", "first_answer_at", "solved_at") == [
        ("21", "slow", "Web form", utc(2025, 3, 1, 13, 30), utc(2025, 3, 2, 9)),
        ("22", "other", "Mail", None, None),
    ]


def test_delighted(settings: DashboardSettings) -> None:
    report = give(settings, "nps", DELIGHTED, "delighted")
    assert (report.rows_read, report.added, report.skipped, report.rejected) == (3, 2, 1, 0)
    assert stored(settings, "nps", "response_id", "answered_on", "score") == [
        ("1", datetime.date(2025, 3, 1), 9),
        ("2", datetime.date(2025, 3, 2), 2),
    ]


def test_every_profile_says_where_its_names_come_from() -> None:
    assert set(profiles.packaged()) >= {"freshdesk", "zendesk", "delighted"}
    for name, kind in profiles.packaged().items():
        profile = profiles.load(name, kind)
        assert profile.title
        assert profile.cite


# --- faults of a profile ---

START = 'kind = "nps"\n[columns.response_id]\nsource = "id"\n'
FAULTS = [
    (
        'kind = "pets"\n[columns]\n',
        "kind: must be one of areas, customers, prices, complaints, nps, reviews, not 'pets'",
    ),
    (
        START + "[columns.mood]\nconstant = 'x'\n",
        "columns.mood: nps have no such column; they have response_id, customer_id",
    ),
    (START + "[columns.score]\nfrom = 'x'\n", "columns.score.from: unknown key; known here: source, join, constant"),
    (
        START + "[columns.score]\njoin = ' '\n",
        "columns.score: needs either source (a column of the export) or constant",
    ),
    (START + "[columns.score]\nsource = 5\n", "columns.score.source: must be a list"),
    (
        START + "[columns.answered_on]\nsource = 'd'\nformat = 'ISO'\n",
        "columns.answered_on: format is written as in strptime",
    ),
    (
        START + "[columns.answered_on]\nsource = 'd'\nformat = ['unix', '%Y']\n",
        "either all of them say their time zone",
    ),
    (START + "[columns.answered_on]\nsource = 'd'\nafter = 'score'\n", "columns.answered_on: after must name another"),
    (
        START + "[columns.answered_on]\nsource = 'd'\ntimezone = 'Mars/Base'\n",
        "no IANA time zone is called 'Mars/Base'",
    ),
    (
        "based_on = 'nobody'\n" + START,
        "based_on: no packaged mapping is called 'nobody'; delighted, freshdesk, hubspot, odoo, osticket, qualtrics, salesforce, splynx, uisp, whmcs, zendesk",
    ),
    (START + "[columns\n", "not TOML"),
]


@pytest.mark.parametrize(("text", "words"), FAULTS)
def test_a_profile_that_cannot_be_used_says_why(text: str, words: str, settings: DashboardSettings) -> None:
    failure = give(settings, "nps", "id,d\n1,2\n", text).failure
    assert failure is not None
    assert failure.startswith(f"the mapping cannot be used: {settings.data.parent / 'own.toml'}: ")
    assert words in failure


def test_a_category_of_the_profile_must_be_one_of_ours(settings: DashboardSettings) -> None:
    failure = give(settings, "complaints", HEADER, TICKETS.replace('"connection"', '"cable"')).failure
    assert failure is not None
    assert "columns.category: 'cable' is not one of connection, slow, billing, price, installation, other" in failure


def test_an_unknown_name_lists_those_that_are_known(settings: DashboardSettings) -> None:
    failure = give(settings, "complaints", HEADER, "salesdesk").failure
    assert failure == (
        "the mapping cannot be used: no mapping is called salesdesk; there are delighted, freshdesk, hubspot, odoo, osticket,"
        " qualtrics, salesforce, splynx, uisp, whmcs, zendesk, or a file's path"
    )
    wrong = give(settings, "complaints", HEADER, "delighted").failure
    assert wrong == "the mapping delighted is for nps, not for complaints"


# --- real complaints ---

COMCAST = """kind = "complaints"
title = "complaints about an American provider in 2015"
timezone = "America/New_York"
[columns.complaint_id]
source = "Ticket #"
[columns.area]
source = ["City", "State"]
join = ", "
# Two columns say the same day; that with the month's name cannot be misread.
[columns.opened_at]
source = ["Date_month_year", "Time"]
format = "%d-%b-%y %I:%M:%S %p"
[columns.category]
source = "Customer Complaint"
default = "other"
[columns.category.words]
slow = ["speed", "slow", "throttl", "data cap", "cap"]
connection = ["outage", "service down", "no service", "connect", "disconnect", "internet service", "reception"]
billing = ["bill", "charg", "refund", "payment"]
price = ["price", "pricing", "fee", "monopoly"]
installation = ["install"]
[columns.channel]
source = "Received Via"
values = { "Customer Care Call" = "phone", "Internet" = "web" }
"""


@pytest.mark.shared
def test_real_complaints_come_in_with_every_row_accounted_for(shared: Path, settings: DashboardSettings) -> None:
    source = shared / "data" / "comcast_complaints" / "Comcast_telecom_complaints_data.csv"
    own = settings.data.parent / "comcast.toml"
    own.write_text(COMCAST)
    report = import_records("complaints", source, settings, mapping=str(own))
    assert (report.failure, report.rows_read) == (None, 2224)
    assert report.added + report.rejected + report.duplicates + report.skipped == 2224
    assert (report.added, report.rejected) == (2224, 0)
    table = read("complaints", settings.data)
    assert set(table.column("channel").to_pylist()) == {"phone", "web"}
    days = [moment.date() for moment in table.column("opened_at").to_pylist()]
    busiest = max(set(days), key=days.count)
    assert busiest in (datetime.date(2015, 6, 24), datetime.date(2015, 6, 25))
    categories = table.column("category").to_pylist()
    assert all(categories.count(name) > 20 for name in ("slow", "connection", "billing", "price"))
    assert import_records("complaints", source, settings, mapping=str(own)).unchanged == 2224
    everything = b"".join(path.read_bytes() for path in settings.data.rglob("*") if path.is_file())
    assert b"Comcast Cable Internet Speeds" not in everything
    assert b"Internet Speeds" not in str(table.to_pylist()).encode()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_the_clock_of_the_export_is_not_the_providers(zone: str, settings: DashboardSettings) -> None:
    text = "complaint_id,area,opened_at,category\n1,a,2025-07-01 10:00,slow\n"
    profile = f'kind = "complaints"\ntimezone = "{zone}"\n' + "".join(
        f'[columns.{name}]\nsource = "{name}"\n' for name in ("complaint_id", "area", "opened_at", "category")
    )
    give(replace(settings, timezone="Europe/Lisbon"), "complaints", text, profile)
    expected = utc(2025, 7, 1, 10) if zone == "UTC" else utc(2025, 7, 1, 4, 30)
    assert stored(settings, "complaints", "opened_at") == [(expected,)]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        (
            "splynx",
            {"customer_id": "id", "started_on": "date_added", "monthly_price": "mrr_total", "plan": "internet_tariffs"},
        ),
        (
            "whmcs",
            {
                "customer_id": "client_id",
                "started_on": "registration_date",
                "monthly_price": "recurring_amount",
                "plan": "product/service",
                "ended_on": "termination_date",
            },
        ),
        ("na", {"customer_id": "customer_id", "ended_on": "ended_on", "monthly_price": "monthly_price"}),
    ],
)
def test_a_proposal_for_systems_of_providers(shared: Path, name: str, taken: dict[str, str]) -> None:
    sheet = sources.read(Source(str(shared / "cases" / "records" / f"{name}.csv")))
    columns = tomllib.loads(proposals.propose(sheet, RECORDS["customers"], name, today=datetime.date(2026, 3, 1)))[
        "columns"
    ]
    assert {column: columns[column]["source"] for column in taken} == taken


def test_an_amount_is_never_proposed_as_an_id() -> None:
    text = "Account balance,Account total,Account,City,Start date\n-29.9,1.5,-3.5,Porto,2024-01-31\n"
    proposal = proposals.propose(read_sheet(text.encode()), RECORDS["customers"], "x", today=datetime.date(2026, 3, 1))
    assert "customer_id" not in tomllib.loads(proposal)["columns"]
