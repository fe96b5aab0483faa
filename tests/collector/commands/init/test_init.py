"""`bairro init`: files that say every setting, load as they are, and start; units that systemd takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import bairro
import collector.config
import dashboard.config
from collector.commands.init import folder as init

UNITS = Path(init.__file__).parent
DEPLOYED = Path(__file__).parents[4] / "deploy" / "systemd"
LINE = re.compile(r"^# (\w+ = .*)$", re.MULTILINE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert bairro.main(["init", str(tmp_path / "net")]) == 0
    return tmp_path / "net"


def test_it_is_good_as_it_is(home, capsys):
    assert bairro.main(["check", "--config", str(home / "collector.toml")]) == 0
    said = capsys.readouterr().out
    assert "1 device (1 router) in 1 area, 0 problems" in said
    assert dashboard.config.load(home / "dashboard.toml").customer_key == home / "customer.key"
    assert {path.stat().st_mode & 0o077 for path in home.rglob("*")} == {0}


@pytest.mark.parametrize(("name", "load"), [
    ("collector.toml", collector.config.load), ("dashboard.toml", dashboard.config.load),
])  # fmt: skip
def test_every_default_may_be_switched_on_and_changes_nothing(home, name, load):
    path = home / name
    before = load(path)
    text = path.read_text()
    switched = "\n".join(
        line if " # " in line and line.rstrip().endswith("not set") else LINE.sub(r"\1", line)
        for line in text.splitlines()
    )
    assert switched != text
    path.write_text(switched)
    assert load(path) == before


@pytest.mark.parametrize(("name", "settings"), [
    ("collector.toml", collector.config.CollectorSettings), ("dashboard.toml", dashboard.config.DashboardSettings),
])  # fmt: skip
def test_no_setting_is_missing(home, name, settings):
    text = (home / name).read_text()
    for field in settings.__dataclass_fields__:
        assert re.search(rf"^(# )?\[{{0,2}}{field}( = |\])", text, re.MULTILINE), field
    assert set(tomllib.loads(text)) <= set(settings.__dataclass_fields__)


def test_it_replaces_nothing(home, capsys):
    (home / "collector.toml").write_text("mine")
    (home / "devices.csv").unlink()
    assert bairro.main(["init", str(home)]) == 2
    assert f"{home / 'collector.toml'}: exists already, and init replaces nothing" in capsys.readouterr().err
    assert (home / "collector.toml").read_text() == "mine"
    assert not (home / "devices.csv").exists()


def test_a_path_that_systemd_would_read_otherwise_is_refused(tmp_path, capsys):
    assert bairro.main(["init", str(tmp_path / "my network")]) == 2
    assert "systemd needs a path without blanks" in capsys.readouterr().err


def test_the_units_are_those_that_are_deployed():
    assert {name: (UNITS / name).read_text() for name in init.UNITS} == {
        path.name: path.read_text() for path in DEPLOYED.iterdir()
    }


def test_systemd_takes_the_units_and_they_run_from_the_folder(tmp_path):
    program = tmp_path / "bairro"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "other").mkdir()
    written = init.begin(tmp_path / "other", "", program=program, user="root")
    units = [path for path in written if path.parent.name == "systemd"]
    assert len(units) == len(init.UNITS)
    for path in units:
        text = path.read_text()
        for elsewhere in ("/etc/bairro", "/opt/bairro", "/var/lib/bairro"):
            assert elsewhere not in text, path
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    verify = [analyze, "verify", "--man=no", *units]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "bairro" in line]
    assert (done.returncode, ours) == (0, [])
