"""Where the pages are served: beyond this host only behind something that asks people who they are."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

import bairro
import settings_file
from dashboard import config
from dashboard.app import serve
from dashboard.config import WebSettings
from dashboard.serving.gate import host_fault
from dashboard.serving.listening import ListenError, host_name, listen, refuse_open


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "127.1", "localhost", "::1", "::ffff:127.0.0.1"])
def test_loopback_needs_nothing_in_front(address):
    refuse_open(WebSettings(address=address))


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "::", "", "0", "192.0.2.1", "10.0.0.1", "169.254.1.1", "::ffff:192.0.2.1"]
)
def test_beyond_loopback_is_refused_in_words(address):
    with pytest.raises(ListenError, match=r"can be reached from other hosts.*web\.behind_proxy = true"):
        refuse_open(WebSettings(address=address))
    refuse_open(WebSettings(address=address, behind_proxy=True, hosts=("bairro.example.net",)))
    refuse_open(WebSettings(address=address), lambda: True)


def test_a_name_that_also_leads_beyond_loopback_is_refused(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 8050)) for address in ("127.0.0.1", "192.0.2.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(ListenError, match=r"'wall', which is 192\.0\.2\.7, can be reached"):
        refuse_open(WebSettings(address="wall"))


def test_in_a_container_the_published_address_counts():
    refuse_open(WebSettings(address="0.0.0.0", published_on="127.0.0.1"))
    with pytest.raises(ListenError, match=r"web\.published_on = '0\.0\.0\.0' can be reached"):
        refuse_open(WebSettings(address="0.0.0.0", published_on="0.0.0.0"))


def test_a_name_that_nobody_has_is_told():
    with pytest.raises(ListenError, match="there is no such address"):
        refuse_open(WebSettings(address="nowhere.invalid"))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_it_listens_where_it_is_told(address):
    with listen(WebSettings(address=address, port=0)) as listener:
        assert listener.getsockname()[1] > 0


def test_serve_ends_with_2_before_anything_is_served(scratch, capsys):
    assert serve(replace(scratch, web=WebSettings(address="0.0.0.0", port=0))) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("bairro serve: web.address = '0.0.0.0' can be reached from other hosts:")


def test_where_accounts_cannot_be_read_other_hosts_are_not_served(scratch, capsys):
    (scratch.data / "operations.sqlite").write_bytes(b"no database" * 100)
    assert serve(replace(scratch, web=WebSettings(address="0.0.0.0", port=0))) == 2
    assert "whether there are accounts cannot be told, so other hosts are not served" in capsys.readouterr().err


def test_the_command_refuses_before_it_touches_the_data(tmp_path, capsys):
    path = tmp_path / "dashboard.toml"
    path.write_text('data = "data"\ncustomer_key = "key"\n', encoding="utf-8")
    assert bairro.main(["serve", "--config", str(path), "--address", "::"]) == 2
    assert "web.address = '::' can be reached from other hosts" in capsys.readouterr().err
    assert bairro.main(["serve", "--config", str(path), "--address", "0.0.0.0", "--published-on", "192.0.2.1"]) == 2
    assert "web.published_on = '192.0.2.1' can be reached" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def load(tmp_path, web: str) -> config.DashboardSettings:
    path = tmp_path / "dashboard.toml"
    path.write_text(f'data = "data"\ncustomer_key = "key"\n[web]\n{web}\n', encoding="utf-8")
    return config.load(path)


def test_hosts_are_names_and_needed_behind_a_proxy(tmp_path):
    assert load(tmp_path, 'behind_proxy = true\nhosts = ["bairro.example.net", "::1"]').web.hosts[1] == "::1"
    for wrong in ("https://bairro.example.net", "bairro.example.net:443", "*", "a b", "", "[::1]", "-x"):
        with pytest.raises(settings_file.SettingsError, match=r"web\.hosts: .* is not a host name"):
            load(tmp_path, f'hosts = ["{wrong}"]')
    with pytest.raises(settings_file.SettingsError, match=r"web\.hosts: is empty, but web\.behind_proxy is true"):
        load(tmp_path, "behind_proxy = true")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("127.0.0.1:8050", "127.0.0.1"),
        ("LocalHost", "localhost"),
        ("bairro.example.net.:443", "bairro.example.net"),
        ("[::1]:8050", "::1"),
        ("", None),
        ("a b", None),
        ("user@127.0.0.1", None),
        ("127.0.0.1:8050:1", None),
        ("127.0.0.1, evil.example", None),
        ("127.0.0.1/x", None),
        ("127.0.0.1:", None),
    ],
)
def test_a_host_header_names_a_host(header, name):
    assert host_name(header) == name


CONTAINED = WebSettings(address="0.0.0.0", published_on="127.0.0.1")
ALONE, PROXIED = WebSettings(hosts=("wall",)), WebSettings(behind_proxy=True, hosts=("Bairro.example.net",))


@pytest.mark.parametrize(
    ("web", "header", "path", "peer", "status"),
    [
        (ALONE, "127.0.0.1:8050", "/", "127.0.0.1", None),
        (ALONE, "127.9.9.9", "/", "127.0.0.1", None),
        (ALONE, "localhost:1", "/areas.csv", "127.0.0.1", None),
        (ALONE, "[::1]:8050", "/", "::1", None),
        (ALONE, "wall", "/", "127.0.0.1", None),
        (ALONE, "evil.example", "/", "127.0.0.1", 421),
        (ALONE, "localhost.evil.example", "/", "127.0.0.1", 421),
        (ALONE, "127.0.0.1.evil.example", "/", "127.0.0.1", 421),
        (ALONE, "evil.example", "/-/healthy", "127.0.0.1", 421),
        (ALONE, "192.0.2.1", "/", "127.0.0.1", 421),
        (ALONE, "0.0.0.0", "/", "127.0.0.1", 421),
        (ALONE, None, "/", "127.0.0.1", 400),
        (CONTAINED, "127.0.0.1:8050", "/", "172.17.0.1", None),
        (CONTAINED, "0.0.0.0:8050", "/", "172.17.0.1", 421),
        (CONTAINED, "dashboard:8050", "/", "172.17.0.3", 421),
        (WebSettings(address="wall.local"), "Wall.local:8050", "/", "127.0.0.1", None),
        (PROXIED, "bairro.example.net", "/", "192.0.2.9", None),
        (PROXIED, "BAIRRO.example.net:8443", "/", "192.0.2.9", None),
        (PROXIED, "localhost", "/", "127.0.0.1", 421),
        (PROXIED, "127.0.0.1:8050", "/areas.csv", "192.0.2.9", 421),
        (PROXIED, "127.0.0.1:8050", "/-/healthy", "127.0.0.1", None),
        (PROXIED, "127.0.0.1:8050", "/-/healthy", "192.0.2.9", 421),
    ],
)
def test_whom_a_request_may_ask_for(web, header, path, peer, status):
    found = host_fault(web, header, path, peer)
    assert (found and found[0]) == status
