"""What a user sees of bad input: a message that names the file and the field, an exit code that fits, no traceback."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from bairro import main

pytestmark = pytest.mark.slow

DEVICES = "device_id,address,role,area,parent\ncore,127.0.0.1,router,Old Town,\n"
COLLECTOR = 'inventory = "devices.csv"\ndata = "data"\n'
DASHBOARD = 'data = "data"\ncustomer_key = "customer.key"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devices.csv").write_text(DEVICES)
    (tmp_path / "collector.toml").write_text(COLLECTOR)
    (tmp_path / "dashboard.toml").write_text(DASHBOARD)
    return tmp_path


@pytest.fixture
def refused(folder, monkeypatch, capsys):
    """Run one command of Bairro that ends before it serves anything: in this process, whose imports are paid for."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        code = main(words)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run


def refuses(done, code: int, *words: str) -> None:
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ("no such file",)),
        ("inventory = ", ("not TOML",)),
        (COLLECTOR + "intervall = 5\n", ("intervall", "unknown key")),
        (COLLECTOR + "[poll]\ninterval_seconds = 'soon'\n", ("poll.interval_seconds", "a number")),
        (COLLECTOR.replace("data =", "date ="), ("date", "unknown key")),
        ('data = "data"\n', ("inventory", "required")),
    ],
)
@pytest.mark.parametrize("command", ["check", "collect"])
def test_settings_that_cannot_be_used(folder, refused, command, text, words):
    path = folder / "collector.toml"
    path.unlink() if text is None else path.write_text(text)
    refuses(refused(command), 2, "collector.toml", *words)


def test_settings_of_the_dashboard(folder, refused):
    (folder / "dashboard.toml").write_text(DASHBOARD + 'timezone = "Mars/Olympus"\n')
    for command in (("serve",), ("build",), ("report", "--area", "x"), ("import", "areas", "a.csv")):
        refuses(refused(*command), 2, "dashboard.toml", "timezone", "Mars/Olympus")


def test_rows_that_cannot_be_used_are_named_and_the_rest_goes_on(folder, refused):
    rows = [
        "core,127.0.0.2,router,Old Town,",
        "edge,127.0.0.3,olt,Old Town,nowhere",
        "odd,not an address,cpe,Old Town,",
    ]
    (folder / "devices.csv").write_text(DEVICES + "\n".join(rows) + "\n")
    done = refused("check")
    refuses(done, 1, "devices.csv:3", "core", "devices.csv:4", "nowhere", "devices.csv:5", "address")


def test_a_loop_of_parents(folder, refused):
    rows = ["a,127.0.0.2,router,Old Town,b", "b,127.0.0.3,olt,Old Town,a"]
    (folder / "devices.csv").write_text(DEVICES + "\n".join(rows) + "\n")
    refuses(refused("check"), 1, "parent", "loop")


def test_no_inventory(folder, refused):
    (folder / "devices.csv").unlink()
    refuses(refused("check"), 2, "devices.csv")


@pytest.mark.parametrize(("command", "settings"), [("collect", "collector.toml"), ("serve", "dashboard.toml")])
def test_a_port_in_use(folder, bairro, command, settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (folder / settings).open("a") as file:
            file.write(f"[web]\nport = {port}\n")
        refuses(bairro(command, cwd=folder), 2, str(port), "in use")


def test_a_port_in_use_stops_the_demo_before_it_writes(folder, bairro):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = bairro("demo", "--folder", "provider", "--port", str(port), cwd=folder)
    refuses(done, 2, f"port {port} is in use", "--port")
    assert not (folder / "provider" / "collector.toml").exists()


@pytest.mark.parametrize("command", ["collect", "serve"])
def test_a_data_folder_that_is_a_file(folder, bairro, command):
    (folder / "data").write_text("not a folder")
    refuses(bairro(command, cwd=folder), 2, "data")


def test_a_device_that_is_not_in_the_inventory(folder, refused):
    refuses(refused("explain", "nobody"), 2, "nobody")


def test_a_wrong_community_looks_like_silence_and_says_so(folder, bairro, snmpd):
    port = snmpd(community="secret")
    (folder / "devices.csv").write_text(DEVICES.replace("127.0.0.1,", f"127.0.0.1:{port},"))
    done = bairro("explain", "core", cwd=folder)
    refuses(done, 1, "community")
    assert "public" not in done.stdout, "a community never prints"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("customer_id,area\n1,north\n", ("started_on",)),
        ("", ("customers.csv",)),
    ],
)
def test_records_that_cannot_be_used(folder, refused, text, words):
    (folder / "customers.csv").write_text(text)
    refuses(refused("import", "customers", "customers.csv"), 2, "customers.csv", *words)


def test_a_file_of_records_that_is_not_there(folder, refused):
    refuses(refused("import", "areas", "areas.csv"), 2, "areas.csv")


def test_a_build_with_nothing_to_build_from(folder, refused):
    refuses(refused("build"), 2)
