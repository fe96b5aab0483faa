"""What /sd says of where the shards are."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from collector.config import CollectorSettings, WebSettings
from collector.publish.web.service_discovery import target_groups

HERE = socket.gethostname()


def addresses(shard: str, asked_as: str = "", **web: object) -> list[str]:
    settings = CollectorSettings(Path("d.csv"), Path("data"), shard=shard, web=WebSettings(**web))  # type: ignore[arg-type]
    groups = target_groups(settings, 40123, asked_as)
    assert [group["labels"] for group in groups] == [{"shard": str(index)} for index in range(len(groups))]
    return [address for group in groups for address in group["targets"]]  # type: ignore[attr-defined]


def test_every_shard_on_its_port_whichever_is_asked():
    for shard in ("0/3", "2/3"):
        assert addresses(shard) == ["127.0.0.1:9733", "127.0.0.1:9734", "127.0.0.1:9735"]


def test_addresses_that_the_settings_name_stand_as_they_are():
    assert addresses("1/2", targets=("a.example.net:9733", "b.example.net:1")) == [
        "a.example.net:9733",
        "b.example.net:1",
    ]


def test_a_port_that_was_taken_is_told():
    assert addresses("0/1", port=0) == ["127.0.0.1:40123"]


def test_prometheus_is_told_to_ask_over_tls():
    settings = CollectorSettings(Path("d.csv"), Path("data"), shard="0/2")
    groups = target_groups(settings, 9733, scheme="https")
    assert [group["labels"] for group in groups] == [
        {"shard": "0", "__scheme__": "https"},
        {"shard": "1", "__scheme__": "https"},
    ]


@pytest.mark.parametrize(
    ("asked_as", "host"),
    [
        ("collector:9733", "collector"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("", HERE),
        ('"><script>', HERE),
        ("a b", HERE),
    ],
)
def test_on_every_interface_it_is_where_it_was_asked(asked_as, host):
    assert addresses("0/2", asked_as, address="0.0.0.0") == [f"{host}:9733", f"{host}:9734"]
