"""The Pythons that the README names: the same everywhere that they are named, with the same versions of everything."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def minor(version: str) -> int:
    return int(version.split(".")[1])


def test_every_place_names_the_same_pythons():
    assert re.search(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split() == list(PYTHONS)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f">={PYTHONS[0]},<3.{minor(PYTHONS[-1]) + 1}"
    assert project["tool"]["mypy"]["python_version"] == PYTHONS[0]
    assert f"with Python {PYTHONS[0]} to {PYTHONS[-1]}" in (ROOT / "README.md").read_text()
    setup = (ROOT / "tools" / "setup-venv.sh").read_text()
    assert f"(3, {minor(PYTHONS[0])}) <= sys.version_info[:2] <= (3, {minor(PYTHONS[-1])})" in setup


@pytest.mark.parametrize("name", LOCKS)
def test_one_lock_gives_each_python_the_same_versions(name):
    """No package twice, and no condition that holds on one of them and not on another."""
    lock = (ROOT / name).read_text()
    packages = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[\w,-]*\])?==", lock, re.MULTILINE)
    assert len(packages) > 40
    assert len(packages) == len(set(packages))
    for relation, version in re.findall(r"python_(?:full_)?version (\S+) '([\d.]+)'", lock):
        assert (relation, minor(version) > minor(PYTHONS[-1])) == ("<", True), f"{name}: {relation} {version}"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_index(name):
    assert "://" not in (ROOT / name).read_text()
