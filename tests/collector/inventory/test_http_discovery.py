"""The inventory from a real HTTP server: good answers, every kind of bad one, and none at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import settings_file
from collector import config
from collector.config import CollectorSettings, DiscoverySettings
from collector.inventory import devices_file, http_discovery
from collector.inventory.devices_file import Inventory
from collector.inventory.http_discovery import DiscoveryError
from collector.inventory_url import InventoryUrl
from collector.reading import Device

from ..fleet import CollectorRun, Echoes
from .discovery_server import Server

GOOD = [
    {"targets": ["192.0.2.1"], "labels": {"device_id": "core", "role": "router", "area": "centro", "job": "x"}},
    {
        "targets": ["192.0.2.2:1161", "[2001:db8::2]:1161"],
        "labels": {"__meta_bairro_role": "cpe", "role": "ignored", "area": "centro", "parent": "core", "ping": "off"},
    },
]
DEVICES = (
    Device("core", "192.0.2.1", "router", "centro"),
    Device("192.0.2.2:1161", "192.0.2.2", "cpe", "centro", port=1161, parent="core", ping="off", subscribers=1),
    Device("[2001:db8::2]:1161", "2001:db8::2", "cpe", "centro", port=1161, parent="core", ping="off", subscribers=1),
)


def load(settings: CollectorSettings) -> Inventory:
    return devices_file.load(settings.inventory, settings)


def problems(found: Inventory) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_labels_are_columns_and_a_target_is_an_address(server, settings):
    server.say(GOOD)
    found = load(settings)
    assert problems(found) == []
    assert found.devices == DEVICES
    assert server.asked[0]["accept"] == "application/json"
    assert server.asked[0]["x-prometheus-refresh-interval-seconds"] == "60"


def test_every_bad_entry_is_named_by_its_place_and_skipped(server, settings):
    labels = GOOD[0]["labels"]
    server.say(
        [
            *GOOD,
            {"targets": ["300.0.0.1"], "labels": {**labels, "device_id": "a"}},
            {"targets": ["192.0.2.9", 7], "labels": {**labels, "device_id": "b", "role": "modem"}},
            {"targets": ["192.0.2.9"], "labels": {**labels, "device_id": "c", "subscribers": 3}},
            {"targets": ["192.0.2.9"], "labels": ["role"]},
            {"targets": "192.0.2.9"},
            "192.0.2.9",
            {"targets": ["192.0.2.9"], "labels": labels},
            {"targets": ["192.0.2.9"]},
        ]
    )
    found = load(settings)
    assert found.devices == DEVICES
    assert problems(found) == [
        f"{server.url} [2].targets[0]: address: '300.0.0.1' is not an IPv4 address",
        f"{server.url} [3].targets[0]: role: must be one of router, olt, cmts, ap, switch, cpe, not 'modem'",
        f"{server.url} [3].targets[1]: is not text",
        f"{server.url} [4].targets[0]: subscribers: is not text: 3",
        f"{server.url} [5].targets[0]: its labels are not an object",
        f"{server.url} [6]: is not a group: an object with a list of targets is expected",
        f"{server.url} [7]: is not a group: an object with a list of targets is expected",
        f"{server.url} [8].targets[0]: device_id: 'core' is already at [0].targets[0]; this row is skipped",
        f"{server.url} [9].targets[0]: role: is empty",
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": 503}, "answers with status 503"),
        ({"status": 204, "body": b""}, "answers with status 204"),
        ({"kind": "text/html"}, "answers with Content-Type 'text/html', not application/json"),
        ({"kind": ""}, "answers with Content-Type 'none', not application/json"),
        ({"body": b"<html>"}, "answers with what is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ({"body": b"[" * 100_000}, "answers with what is not JSON"),
        ({"body": b'{"targets": []}'}, "answers with JSON that is not a list of target groups"),
        ({"body": b"[]"}, "holds no devices"),
        ({"headers": {"Content-Length": "999"}}, "breaks off in the middle of its answer"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/other"}}, "answers with status 302"),
        ({"delay": 3.0}, "cannot be reached: timed out"),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(server, settings, change, reason):
    server.say(GOOD)
    for name, value in change.items():
        setattr(server, name, value)
    patience = 0.1 if server.delay else 1.0
    found = load(replace(settings, discovery=DiscoverySettings(timeout_seconds=patience)))
    assert (found.devices, len(found.problems)) == ((), 1)
    assert problems(found)[0].startswith(f"{server.url}: {reason}")
    good = Inventory(DEVICES)
    assert devices_file.merge(found, good).devices == DEVICES


def test_the_same_content_types_as_prometheus_are_taken(server, settings):
    server.say(GOOD)
    for kind in ("application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"'):
        server.kind = kind
        assert len(load(settings).devices) == 3


def test_too_large_an_answer_is_not_read_to_its_end(server, settings, monkeypatch):
    monkeypatch.setattr(http_discovery, "LARGEST_BODY", 1024 * 1024)
    server.body = b"[" + b" " * 3_000_000 + b"]"
    with pytest.raises(DiscoveryError, match="more than 1 MiB"):
        http_discovery.fetch(settings.inventory, settings)


def test_nobody_there(settings, free_port):
    away = replace(settings, inventory=InventoryUrl(f"http://127.0.0.1:{free_port()}/sd?token=secret"))
    (problem,) = problems(load(away))
    assert "cannot be reached: Connection refused" in problem
    assert "secret" not in problem + repr(away)


def test_the_last_good_answer_stands_in_after_a_restart(server, settings):
    server.say(GOOD)
    http_discovery.keep(http_discovery.fetch(settings.inventory, settings), settings)
    os.utime(http_discovery.cache_path(settings), (1_772_438_400, 1_772_438_400))
    server.status = 500
    found = load(settings)
    assert found.devices == DEVICES
    assert problems(found) == [
        f"{server.url}: answers with status 500",
        f"{server.url}: its answer of 2026-03-02 08:00 UTC stands in",
    ]


def test_a_token_from_file_or_environment_is_read_anew_each_time(server, settings, tmp_path, monkeypatch):
    server.say(GOOD)
    file = tmp_path / "token"
    by_file = replace(settings, discovery=DiscoverySettings(token_file=file))
    assert "needs the secret in" in problems(load(by_file))[0]
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        assert len(load(by_file).devices) == 3
        assert server.asked[-1]["authorization"] == f"Bearer {token}"
    by_name = replace(settings, discovery=DiscoverySettings(token_env="BAIRRO_TEST_TOKEN"))
    assert "BAIRRO_TEST_TOKEN, which holds none" in problems(load(by_name))[0]
    monkeypatch.setenv("BAIRRO_TEST_TOKEN", "third")
    assert len(load(by_name).devices) == 3
    assert server.asked[-1]["authorization"] == "Bearer third"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("ftp://a/b", "inventory: must be a file or an http:// or https:// URL"),
        ("http://", "inventory: must be a file or an http:// or https:// URL"),
        ("http://a b/", "inventory: must be a file or an http:// or https:// URL"),
        ("http://u:secret@a/", "inventory: holds a user or a password; name a token under [discovery] instead"),
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(tmp_path, written, message):
    path = tmp_path / "collector.toml"
    path.write_text(f'inventory = "{written}"\ndata = "data"\n')
    with pytest.raises(settings_file.SettingsError) as caught:
        config.load(path)
    assert str(caught.value) == f"{path}: {message}"


def test_settings_of_discovery_are_for_a_url_only(tmp_path):
    path = tmp_path / "collector.toml"
    path.write_text('inventory = "devices.csv"\ndata = "data"\n[discovery]\nrefresh_seconds = 5\n')
    with pytest.raises(
        settings_file.SettingsError,
        match="discovery: only preset, labels, roles and leave_out are for an inventory that is a file",
    ):
        config.load(path)
    path.write_text('inventory = "https://a.example.net/sd"\ndata = "data"\n[discovery]\nrefresh_seconds = 5\n')
    assert str(config.load(path).inventory) == "https://a.example.net/sd"


@pytest.mark.slow
def test_a_running_collector_follows_the_url_and_outlives_it(
    server: Server,
    tmp_path: Path,
    free_port: Callable[[], int],
    eventually: Callable[..., Any],
) -> None:
    names = ["core", "ap", "cpe"]
    echoes = Echoes(names, free_port())

    def groups(*wanted: str) -> list[Any]:
        common = {"area": "centro", "ping": f"echo:{echoes.port}", "credential": "off"}
        roles = {"core": "router", "ap": "ap", "cpe": "cpe"}
        return [
            {"targets": [echoes.addresses[name]], "labels": {"device_id": name, "role": roles[name], **common}}
            for name in wanted
        ]

    server.say(groups("core", "ap"))
    run = CollectorRun(tmp_path, port=free_port(), tables="[discovery]\nrefresh_seconds = 1\ntimeout_seconds = 20\n")
    run.config.write_text(run.config.read_text().replace('"devices.csv"', f'"{server.url}"', 1))

    def devices() -> set[str]:
        return {dict(labels)["device"] for labels in run.metrics().get("bairro_device_info", {})}

    try:
        run.start()
        eventually(lambda: devices() == {"core", "ap"})
        server.say(groups("core", "cpe"))
        eventually(lambda: devices() == {"core", "cpe"})
        for status, body in ((500, b""), (200, b"[]"), (200, b"{")):
            before = len(server.asked)
            server.status, server.body = status, body
            eventually(lambda: run.metrics()["bairro_collector_inventory_problems"][()])
            eventually(lambda: len(server.asked) > before + 1)  # noqa: B023
            assert devices() == {"core", "cpe"}
        assert run.stop(signal.SIGTERM) == 0
        run.start()  # the URL answers with nonsense: what it last said stands in
        eventually(lambda: devices() == {"core", "cpe"})
        server.status = 200
        server.say(groups("core"))
        eventually(lambda: devices() == {"core"})
        server.delay = 30.0  # an answer that is still awaited does not hold up the end
        asked = len(server.asked)
        eventually(lambda: len(server.asked) > asked)
        began = time.monotonic()
        assert run.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 10
        assert "stands in" in run.said()
        assert "ERROR" not in run.said()
    finally:
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        server.delay = 0.0
        echoes.close()
