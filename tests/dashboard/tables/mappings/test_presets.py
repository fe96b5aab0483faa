"""The mappings that come with Bairro, on rows as their systems write them, and several services of one customer."""

from __future__ import annotations

import datetime
import json
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

AS_OF = datetime.date(2026, 3, 1)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def give(settings: DashboardSettings, kind: str, text: str, mapping: str) -> ImportReport:
    folder = settings.data.parent
    (folder / "export").write_text(text)
    if "\n" in mapping:
        (folder / "own.toml").write_text(mapping)
        mapping = str(folder / "own.toml")
    return import_records(kind, folder / "export", settings, as_of=AS_OF, mapping=mapping)


def stored(settings: DashboardSettings, kind: str, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in read(kind, settings.data).to_pylist()]


@pytest.mark.parametrize("name", profiles.packaged())
def test_each_names_the_public_source_of_its_fields(name: str) -> None:
    profile = profiles.load(name, profiles.packaged()[name])
    assert "http" in profile.cite or name == "freshdesk"  # its own export's fields
    assert profile.title


@pytest.mark.parametrize(
    "text",
    [
        "CaseNumber,AccountId,CreatedDate,ClosedDate,Type,Reason,Subject,Origin\n"
        "00001,77,2026-02-01T10:33:00.000Z,2026-02-02T09:00:00.000+0000,,,Internet lento,Phone\n",
        "Case Number,Account ID,Date/Time Opened,Date/Time Closed,Case Type,Case Reason,Subject,Case Origin\n"
        "00001,77,2026-02-01 10:33,2026-02-02 09:00,,,Internet lento,Phone\n",
    ],
)
def test_salesforce_by_api_names_and_by_labels(settings: DashboardSettings, text: str) -> None:
    give(settings, "complaints", text, "salesforce")
    assert stored(settings, "complaints", "complaint_id", "category", "channel") == [("00001", "slow", "Phone")]
    ((opened, solved),) = stored(settings, "complaints", "opened_at", "solved_at")
    assert (str(opened)[:16], str(solved)[:16]) == ("2026-02-01 10:33", "2026-02-02 09:00")
    assert "lento" not in str(read("complaints", settings.data).to_pylist())


def test_osticket_reads_topics_and_subjects(settings: DashboardSettings) -> None:
    header = "Ticket Number,Date Created,Subject,From,From Email,Priority,Help Topic,Source,Customer ID\n"
    rows = "123456,2026-02-01 10:33:00,Geen internet,Ana,a@b.c,Normal,General Inquiry,Web,77\n"
    give(settings, "complaints", header + rows, "osticket")
    assert stored(settings, "complaints", "complaint_id", "category", "channel") == [("123456", "connection", "Web")]


@pytest.mark.parametrize(
    "header",
    [
        "Ticket number,Contact/Reference,Created on,Closed Date,Category,Title,Channel",
        "number,partner_id/ref,create_date,closed_date,category_id,name,channel_id",
    ],
)
def test_odoo_by_labels_and_by_technical_names(settings: DashboardSettings, header: str) -> None:
    row = "HT00001,77,2026-02-01 10:33:00,2026-02-02 09:00:00,,Sin internet desde ayer,Email\n"
    give(settings, "complaints", f"{header}\n{row}", "odoo")
    assert stored(settings, "complaints", "complaint_id", "category", "channel") == [("HT00001", "connection", "Email")]
    assert read("complaints", settings.data).column("solved_at").null_count == 0


def test_splynx_takes_who_is_a_customer(settings: DashboardSettings, shared: Path) -> None:
    report = give(settings, "customers", (shared / "cases" / "records" / "splynx.csv").read_text(), "splynx")
    assert (report.added, report.rejected) == (2, 1)
    assert ("Fibra 100", 29.9, datetime.date(2024, 1, 31)) in stored(
        settings, "customers", "plan", "monthly_price", "started_on"
    )
    assert "Inactive" in str(report)


def test_uisp_services_of_one_client_are_one_customer(settings: DashboardSettings) -> None:
    service = {
        "clientId": 7,
        "city": "Porto",
        "status": 1,
        "activeTo": None,
        "contractEndDate": "2027-01-31T00:00:00+0000",
    }
    services = [
        {**service, "servicePlanName": "Fibre", "price": 30.0, "activeFrom": "2024-01-31T00:00:00+0000"},
        {**service, "servicePlanName": "TV", "price": 10.0, "activeFrom": "2024-03-31T00:00:00+0000"},
        {**service, "servicePlanName": "Quoted", "price": 99.0, "activeFrom": "2024-03-31T00:00:00+0000", "status": 7},
    ]
    report = give(settings, "customers", json.dumps(services), "uisp")
    assert (report.added, report.skipped, report.rejected) == (1, 2, 0)
    assert stored(settings, "customers", "plan", "monthly_price", "started_on") == [
        ("Fibre", 40.0, datetime.date(2024, 1, 31))
    ]


def test_uisp_prices_of_a_year_are_not_of_a_month(settings: DashboardSettings) -> None:
    service = {
        "clientId": 7,
        "city": "Porto",
        "status": 1,
        "servicePlanName": "Fibre",
        "price": 300.0,
        "servicePlanPeriod": 12,
    }
    report = give(settings, "customers", json.dumps([{**service, "activeFrom": "2024-01-31"}]), "uisp")
    assert report.added == 1
    assert stored(settings, "customers", "monthly_price") == [(None,)]


def test_whmcs_by_its_report(settings: DashboardSettings) -> None:
    header = "Service ID,Client ID,Product/Service,City,Status,Registration Date,Termination Date,Recurring Amount,Billing Cycle\n"
    rows = "5,77,Fiber 100,Porto,Active,2024-01-31,0000-00-00,€29.90 EUR,Monthly\n6,78,Fiber 100,Porto,Terminated,2023-01-31,2025-02-10,€29.00 EUR,Monthly\n"
    report = give(settings, "customers", header + rows, "whmcs")
    assert (report.added, report.rejected) == (2, 0)
    assert sorted(stored(settings, "customers", "monthly_price", "ended_on"), key=str) == [
        (29.0, datetime.date(2025, 2, 10)),
        (29.9, None),
    ]


def test_qualtrics_with_its_three_headers(settings: DashboardSettings, shared: Path) -> None:
    text = (shared / "cases" / "records" / "qual.csv").read_text()
    report = give(settings, "nps", text, "qualtrics")
    assert report.added >= 1
    assert report.rejected == 0


def test_delighteds_own_file(settings: DashboardSettings, shared: Path) -> None:
    report = give(settings, "nps", (shared / "cases" / "records" / "del2.csv").read_text(), "delighted")
    assert (report.added, report.rejected) == (1, 0)
    assert stored(settings, "nps", "response_id", "answered_on", "score") == [("9", datetime.date(2026, 2, 1), 10)]


SERVICES = """kind = "customers"
services = "sum"
[columns.customer_id]
source = "customer_id"
[columns.area]
source = "area"
[columns.plan]
source = "plan"
[columns.monthly_price]
source = "monthly_price"
[columns.started_on]
source = "started_on"
[columns.ended_on]
source = "ended_on"
"""


def test_services_of_others_are_summed(settings: DashboardSettings, shared: Path) -> None:
    text = (shared / "cases" / "records" / "multi.csv").read_text()
    report = give(settings, "customers", text, SERVICES)
    assert (report.rows_read, report.added, report.rejected, report.skipped) == (4, 2, 0, 2)
    day = datetime.date(2024, 1, 31)
    found = stored(settings, "customers", "plan", "monthly_price", "started_on")
    assert sorted(found, key=str) == [("Fibra", 25.0, day), ("Fibra", 30.0, day)]
    assert "2 rows of further services joined to their customer's main one, by the mapping" in report.notes
    plain = import_records(
        "customers", settings.data.parent / "export", replace(settings, data=settings.data / "other"), as_of=AS_OF
    )
    assert any('a mapping says services = "sum"' in note for note in plain.notes)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        # one service ended while the other goes on: the customer stays, and pays for what runs
        (["A,Fibre,20,2024-01-31,", "A,TV,10,2024-01-31,2025-01-31"], [("Fibre", 20.0, None)]),
        # both ended: the customer left with the last
        (["A,Fibre,20,2024-01-31,2025-06-30", "A,TV,10,2024-01-31,2025-01-31"], [("Fibre", 20.0, "2025-06-30")]),
        # one after the other: two times as a customer
        (
            ["A,Fibre,20,2024-01-31,2024-06-30", "A,Fibre,25,2025-01-31,"],
            [("Fibre", 20.0, "2024-06-30"), ("Fibre", 25.0, None)],
        ),
        # a price that is not known makes the sum not known
        (["A,Fibre,20,2024-01-31,", "A,TV,,2024-01-31,"], [("Fibre", None, None)]),
        (["A,Fibre,20,2024-01-31,"], [("Fibre", 20.0, None)]),
    ],
)
def test_services_at_the_same_time_are_one_customer(
    settings: DashboardSettings, rows: list[str], told: list[tuple[object, ...]]
) -> None:
    text = "customer_id,area,plan,monthly_price,started_on,ended_on\n" + "".join(f"1,{row}\n" for row in rows)
    give(settings, "customers", text, SERVICES)
    found = stored(settings, "customers", "plan", "monthly_price", "ended_on")
    assert [(plan, price, str(end) if end else None) for plan, price, end in found] == told


def test_services_are_for_exports_of_customers_without_history(settings: DashboardSettings) -> None:
    text = "customer_id,area,plan,monthly_price,started_on,ended_on,valid_from\n1,A,F,20,2024-01-31,,2024-01-31\n"
    report = give(settings, "customers", text, SERVICES + '[columns.valid_from]\nsource = "valid_from"\n')
    assert report.failure is not None
    assert "is for exports without history" in report.failure
    other = give(settings, "nps", "a\n", 'kind = "nps"\nservices = "sum"\n[columns.score]\nsource = "a"\n')
    assert other.failure is not None
    assert "services: is for customers, not for nps" in other.failure


def test_a_proposal_for_a_survey_takes_the_question_of_0_to_10(shared: Path) -> None:
    sheet = sources.read(Source(str(shared / "cases" / "records" / "qual.csv")))
    text = proposals.propose(sheet, RECORDS["nps"], "qual.csv", today=AS_OF)
    columns = tomllib.loads(text)["columns"]
    assert {name: column["source"] for name, column in columns.items()} == {
        "response_id": "responseid",
        "customer_id": "externalreference",
        "answered_on": "recordeddate",
        "score": "q1",
    }
    assert "# Not sure: chosen by what stands in it. Is it the score?\n[columns.score]" in text


def test_a_proposal_says_of_which_columns_it_is_not_sure() -> None:
    text = "ID,Home city,Start date,Monthly price\n1,Porto,2024-01-31,29.9\n"
    said = proposals.propose(read_sheet(text.encode()), RECORDS["customers"], "x", today=AS_OF)
    assert (
        'Not sure: its name may mean something else. Is it the customer_id?\n[columns.customer_id]\nsource = "id"'
        in said
    )
    assert 'Not sure: its name only says so in part. Is it the area?\n[columns.area]\nsource = "home_city"' in said
    assert '\n\n[columns.started_on]\nsource = "start_date"' in said
    assert "\n\n[columns.monthly_price]" in said


def test_a_proposal_asks_before_it_leaves_out_a_day_of_leaving() -> None:
    text = "Customer ID,City,Start date,End date,Data cancelamento\n1,Porto,2024-01-31,,2025-01-31\n2,Porto,2024-01-31,2025-01-31,\n"
    said = proposals.propose(read_sheet(text.encode()), RECORDS["customers"], "x", today=AS_OF)
    assert '[columns.ended_on]\nsource = "end_date"' in said
    assert "# data_cancelamento seems to say when customers went. If it does, take it" in said
    tomllib.loads(said)


HUBSPOT = (
    "Ticket ID,Ticket name,Ticket status,Create date,Close date,Category,Source,Customer number",
    "hs_object_id,subject,hs_pipeline_stage,createdate,closed_date,hs_ticket_category,source_type,customer_number",
)


@pytest.mark.parametrize("header", HUBSPOT)
def test_hubspot_by_labels_and_by_the_names_of_its_api(settings: DashboardSettings, header: str) -> None:
    rows = (
        "1,Internet lento,Closed,2026-02-01 10:00,2026-02-02 11:00,Product issue,Phone,7\n"
        "2,No internet,New,2026-02-03 10:00,,General inquiry,Email,8\n"
        "3,An app please,New,2026-02-03 10:00,,FEATURE_REQUEST,Chat,9\n"
    )
    report = give(settings, "complaints", f"{header}\n{rows}", "hubspot")
    assert (report.added, report.skipped, report.rejected) == (2, 1, 0)
    assert read("complaints", settings.data).column("category").to_pylist() == ["slow", "connection"]
