"""What pages and reports say of neighbourhoods behind the same device."""

from __future__ import annotations

from dataclasses import replace

from dashboard.figures import findings
from dashboard.figures.style.suppression import tellable


def test_a_device_is_named_with_size_interval_and_areas(built):
    said = findings.shared_node(built, "n03")
    assert said.startswith(
        "In the last year 34% more customers behind core-east left (12% to 61%) than network, contracts, prices and the"
        " calendar explain, in all of its 3 areas."
    )
    assert "the numbers cannot tell which" in said
    assert findings.finding(built, "n03", "EUR").shared_node == said
    ((of_all, areas),) = findings.shared_nodes(built)
    assert said.startswith(of_all)
    assert areas == ["n02", "n03", "n07"]


def test_an_area_that_lost_no_more_is_not_said_to_have(built):
    rows = built.shared_nodes.assign(areas_above=2)
    said = findings.shared_node(replace(built, shared_nodes=rows), "n03")
    assert "in 2 of its 3 areas, and alike but for chance in all" in said


def test_where_nothing_was_found_nothing_is_said(built):
    assert findings.shared_node(built, "n08") == ""
    assert findings.shared_nodes(replace(built, shared_nodes=built.shared_nodes.iloc[:0])) == []


def test_nothing_is_said_of_a_device_with_a_hidden_area_behind_it(built):
    """Who knows what a device's areas lose together takes the others from it."""
    rows = built.shared_nodes.assign(node="core-east")
    told = tellable(replace(built, shared_nodes=rows), 30)
    assert "n05" in told.hidden
    assert told.shared_nodes.empty
    assert tellable(built, 30).shared_nodes["area"].tolist() == ["n02", "n03", "n07"]
