"""Filters of interfaces: what they show, what is usual, and what cannot be one."""

from __future__ import annotations

import pytest

from collector.interface_filter import MANY, Row, parse_filter, usual_kind

PORT, SHUT, SESSION = Row("ge-0/0/1", "to core", 6, True), Row("ge-0/0/2", "", 6, False), Row("<pppoe-ann>", None, 23)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ge-*", "ge-0/0/1 ge-0/0/2"),
        ("!ge-*", "<pppoe-ann>"),
        ("name:GE-0/0/1", "ge-0/0/1"),
        ("alias:*core*", "ge-0/0/1"),
        ("type:ethernetCsmacd", "ge-0/0/1 ge-0/0/2"),
        ("type:23", "<pppoe-ann>"),
        ("!type:ppp", "ge-0/0/1 ge-0/0/2"),
        ("!admin:down|!type:ppp", "ge-0/0/1"),
        ("ge-0/0/2|!admin:down|*", "ge-0/0/1 ge-0/0/2 <pppoe-ann>"),
        ("ge-0/0/?|!*", "ge-0/0/1 ge-0/0/2"),
        ("Slot: 0 Port: 1", ""),
    ],
)
def test_the_first_term_that_fits_decides(text: str, shown: str) -> None:
    rows = [PORT, SHUT, SESSION]
    kinds = parse_filter(text).summed(rows)
    assert [row.name for row, kind in zip(rows, kinds, strict=True) if kind is None] == shown.split()
    assert set(kinds) <= {None, "others"}


def test_the_uplink_is_shown_whatever_the_filter_says() -> None:
    assert parse_filter("!*").summed([PORT, SHUT], "ge-0/0/2") == ["others", None]


def test_those_named_without_a_wildcard_are_to_be_read_first() -> None:
    assert parse_filter("xe-0/0/0|!ge-0/0/1|ge-*|alias:core|name:xe-0/0/1").named == ("xe-0/0/0", "xe-0/0/1")


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (SESSION, "sessions"),
        (Row("Virtual-Access1.7", type=23), "sessions"),
        (Row("Vi2.15"), "sessions"),
        (Row("ppp12", type=1), "sessions"),
        (Row("pp0.1073741824", type=53), "sessions"),
        (Row("Tunnel100", type=131), "tunnels"),
        (Row("gre-7"), "tunnels"),
        (Row("lo", type=24), "loopbacks"),
        (Row("Loopback0", type=24), "loopbacks"),
        (Row("Null0", type=1), "nulls"),
        (PORT, None),
        (Row("Port-channel12", type=161), None),
        (Row("ppp12", type=6), None),
        (Row("local-area"), None),
        (Row("Gi0/0/1"), None),
        (Row("wan"), None),
        (Row("tunisia"), None),
        (Row("pon0/1"), None),
    ],
)
def test_what_is_usual(row: Row, kind: str | None) -> None:
    assert usual_kind(row) == kind


def test_few_of_a_kind_keep_their_series_and_many_do_not() -> None:
    loopbacks = [Row(f"Loopback{n}", type=24) for n in range(MANY + 1)]
    usual = parse_filter("")
    assert set(usual.summed(loopbacks[1:])) == {None}
    assert set(usual.summed(loopbacks)) == {"loopbacks"}
    assert set(usual.summed(loopbacks[1:], before={"loopbacks"})) == {"loopbacks"}, "series do not come and go"


def test_names_of_customers_are_never_shown() -> None:
    assert parse_filter("").summed([SESSION, PORT]) == ["sessions", None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ge-*||xe-*", "'' has no pattern"),
        ("!", "'!' has no pattern"),
        ("type:ethernet", "no type is called 'ethernet'; known: other, ethernetCsmacd"),
        ("admin:off", "admin: must be up or down, not 'off'"),
    ],
)
def test_what_is_no_filter(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("|", r"\|")):
        parse_filter(text)
