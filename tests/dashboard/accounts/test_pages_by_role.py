"""What stands on a page, and what a search finds, for one role and not for another."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from dashboard.accounts import identity, rights
from dashboard.accounts.identity import Identity
from dashboard.app import page
from dashboard.operations.devices.customer_device import of_customer
from dashboard.pages.sections import search_results
from dashboard.pages.source import Source, visit
from dashboard.tables.imports.records import import_records

from ..pages.test_layouts import text_of

SERVER = Flask("test")


@contextmanager
def signed_in(role: str) -> Any:
    with SERVER.test_request_context():
        identity.set_current(Identity(role, role, "s-1"))
        yield


def shown(source: Source, role: str, path: str) -> str:
    with signed_in(role):
        return text_of(page(source, path, ""))


def test_of_an_area_operators_see_the_network_and_management_the_findings(source):
    operator, viewer, admin = (shown(source, role, "/area/n03") for role in ("operator", "viewer", "admin"))
    assert "Its network now" in operator
    assert "Its network now" in admin
    assert "Its network now" not in viewer
    for finding in ("What stands out here", "Rates per 100 customers"):
        assert finding in viewer
        assert finding in admin
        assert finding not in operator


def test_whoever_may_only_read_gets_no_forms(source):
    assert "Work on it" in shown(source, "operator", "/incident/i-agg")
    assert "Work on it" not in shown(source, "analyst", "/incident/i-agg")
    assert "Enter planned work" in shown(source, "operator", "/device/n03-olt1")
    assert "Enter planned work" not in shown(source, "analyst", "/device/n03-olt1")


def kinds(source: Source, role: str, asked: str) -> set[str]:
    with signed_in(role):
        return {one["kind"] for one in search_results.answers(visit(source), asked)}


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("viewer", {"Area"}),
        ("operator", {"Area", "Device", "Incident"}),
        ("analyst", {"Area", "Device", "Incident"}),
        ("wall", set()),
    ],
)
def test_the_search_tells_each_role_what_it_may_see(source, role, told):
    assert kinds(source, role, "n03") | kinds(source, role, "i-agg") == told


@pytest.fixture(scope="module")
def with_customers(sample, tmp_path_factory) -> Source:
    folder = tmp_path_factory.mktemp("customers")
    settings = sample.settings(folder)
    rows = (
        "customer_id,area,device_id,started_on,ended_on,valid_from\n"
        "C-10042,n03,cpe-1,2024-01-01,,2024-01-01\n"
        "C-10042,n03,cpe-2,2024-01-01,,2025-06-01\n"
        "C-10043,n03,cpe-9,2024-01-01,2025-02-03,2024-01-01\n"
    )
    path = folder / "customers.csv"
    path.write_text(rows, encoding="utf-8")
    assert import_records("customers", path, settings).exit_code != 2
    return Source(settings)


def test_a_customers_id_finds_their_device_by_its_hash_for_roles_that_may(with_customers):
    def answers(role: str, asked: str) -> list[dict[str, str]]:
        with signed_in(role):
            found = search_results.answers(visit(with_customers), asked)
        return [one for one in found if one["kind"] == "Customer"]

    for role in ("operator", "admin"):
        (one,) = answers(role, " C-10042 ")
        assert one["href"] == "/device/cpe-2"
        assert one["detail"] == "served by cpe-2 · not in the inventory"
    assert answers("operator", "C-10043")[0]["detail"].endswith("left on 3 Feb 2025")
    assert answers("operator", "C-1004") == [], "the whole id alone: nobody can look around"
    for role in rights.RIGHTS:
        if not rights.may(role, rights.FOUND["customer"]):
            assert answers(role, "C-10042") == [], role


def test_without_key_or_records_no_customer_is_found(with_customers, sample, tmp_path):
    assert of_customer("C-10042", sample.settings(tmp_path)) is None
    settings = with_customers.settings
    hidden = settings.customer_key.rename(tmp_path / "key")
    try:
        assert of_customer("C-10042", settings) is None
    finally:
        hidden.rename(settings.customer_key)
