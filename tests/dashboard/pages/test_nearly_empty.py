"""Pages of results that hold next to nothing: no period, nobody, one area; what is not there is said, and no dash stands alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboard.figures import build_dates, findings, outages
from dashboard.figures import evidence as evidence_figures
from dashboard.figures.style import numbers
from dashboard.pages import area


@pytest.fixture
def bare(built):
    """Results of a build whose records end before they begin."""
    tables = {name: getattr(built, name).iloc[:0] for name in ("area_drivers", "area_rates")}
    manifest = {**built.manifest, "entry": "2026-12-01", "cut_off": "2024-12-13"}
    none = built.effects.assign(clusters=0, method="no estimate: fewer than 50 departures", p_adjusted=float("nan"))
    incidents = built.incident_effects.assign(outages=0)
    return replace(built, manifest=manifest, effects=none, incident_effects=incidents, **tables)


def test_no_period_is_called_none(bare):
    assert build_dates.analysed(bare) == "Nothing analysed yet"
    assert dict(evidence_figures.coverage(bare))["Period analysed"] == "none yet"


def test_no_estimate_rests_on_no_part_of_the_network(bare):
    methods = {term.method for group in evidence_figures.outcome(bare, "leaving").groups for term in group.terms}
    assert methods == {"no estimate: fewer than 50 departures"}


def test_a_table_without_a_row_that_says_something_is_left_out(bare):
    assert outages.rows(bare) == outages.matched_rows(bare) == []
    shown = str(area.drivers((), bare))
    assert area.TEXT["no_drivers"] in shown
    assert "Table(" not in shown


def test_an_interval_that_is_not_known_is_no_dash(bare):
    too_little = bare.ranking[bare.ranking["verdict"] == "too_little_data"]["area"].iloc[0]
    said = findings.finding(bare, str(too_little), "EUR")
    assert said is not None
    assert all(figure.span != numbers.NONE for figure in said.figures)


@pytest.mark.parametrize(
    ("affected", "not_seen", "customers", "said"),
    [
        (0, 0, 638, "0 of 638 customers without service"),
        (3, 12, 638, "3 of 638 customers without service, not known for 12 more"),
        (0, 638, 638, "Whether its 638 customers have service is not known"),
        (0, 1, 1, "Whether its 1 customer has service is not known"),
    ],
)
def test_whom_nobody_sees_is_not_counted_as_served(affected, not_seen, customers, said):
    assert area._without_service(affected, not_seen, customers) == said


def test_one_is_singular():
    assert numbers.of(1, "area") == "1 area"
    assert numbers.of(1_000, "area") == "1,000 areas"
    assert numbers.of(0, "customer") == "0 customers"
