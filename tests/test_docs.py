"""Documentation under test: what it says of settings and columns is what the code does."""

from __future__ import annotations

import dataclasses
import re
import typing
from pathlib import Path

import pytest

import collector.config
import collector.credentials
import dashboard.config
from collector.inventory import device_rows, devices_file

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_.]+)` \| (.+?) \|\s*(.*?)\s*\| (.+?) \|$", re.MULTILINE)


def section(name: str) -> str:
    """The part of settings.md under the heading ``name``."""
    return SETTINGS.split(f"\n## {name}\n")[1].split("\n## ")[0]


def declared(settings: type, prefix: str = "") -> dict[str, object]:
    """Every setting of a dataclass by its dotted key, with its default."""
    found: dict[str, object] = {}
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        key = f"{prefix}{field.name}"
        if key == "credentials":
            found |= declared(collector.credentials.CredentialEntry, "credentials.")
        elif dataclasses.is_dataclass(hints[field.name]):
            found |= declared(hints[field.name], f"{key}.")
        else:
            found[key] = "required" if field.default is dataclasses.MISSING else field.default
    return found


def written(default: object) -> str:
    """A default as the documentation writes it."""
    if default in ("required", None):
        return "required" if default else "none"
    if isinstance(default, str):
        return f'`"{default}"`'
    if isinstance(default, tuple):
        return f"`{list(default)}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("collector.toml", collector.config.CollectorSettings),
        ("dashboard.toml", dashboard.config.DashboardSettings),
    ],
)
def test_every_setting_is_documented_with_its_default(name, settings):
    documented = {key: default for key, default, _, _ in ROW.findall(section(name))}
    assert documented == {key: written(default) for key, default in declared(settings).items()}


def test_ranges_are_documented_as_they_are_checked():
    documented = {key: text for key, _, text, _ in ROW.findall(section("collector.toml"))}
    for key, (low, high) in collector.config.RANGES.items():
        assert documented[key] == f"{low:.15g} to {high:.15g}"
    for key, choices in collector.config.CHOICES.items():
        assert documented[key] == ", ".join(choices)
    credentials = collector.credentials
    assert documented["credentials.version"] == ", ".join(credentials.VERSIONS)
    assert documented["credentials.auth_protocol"] == ", ".join(credentials.AUTH_PROTOCOLS)
    assert documented["credentials.priv_protocol"] == ", ".join(credentials.PRIV_PROTOCOLS)


def test_every_column_of_the_inventory_is_documented():
    text = section("devices.csv")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    documented = [name for line in rows for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])]
    assert documented == [*device_rows.REQUIRED, *device_rows.OPTIONAL]
    required = [line.split("|")[1].strip(" `") for line in rows if line.split("|")[2].strip() == "required"]
    assert required == list(device_rows.REQUIRED)


def test_the_example_files_are_good(monkeypatch):
    monkeypatch.setenv("BAIRRO_COMMUNITY", "public")
    settings = collector.config.load(ROOT / "deploy" / "example" / "collector.toml")
    found = devices_file.load(settings.inventory, settings)
    assert found.problems == ()
    assert len(found.devices) >= 8
    dashboard.config.load(ROOT / "deploy" / "example" / "dashboard.toml")


def test_the_example_shows_every_setting_of_the_collector():
    text = (ROOT / "deploy" / "example" / "collector.toml").read_text(encoding="utf-8")
    for key in declared(collector.config.CollectorSettings):
        assert re.search(rf"^#? ?{key.split('.')[-1]} = ", text, re.MULTILINE), key
