"""docs/profiles.md under test: it is what the generator writes, and names every key and every packaged profile."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from collector.poll.profile import Match, Profile, Source, Table
from collector.poll.profile_files import load_profiles

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
PACKAGED = sorted(load_profiles())


def test_the_document_is_what_the_generator_writes() -> None:
    made = subprocess.run(
        [sys.executable, "docs/profiles.py"],
        cwd=ROOT,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == DOCUMENT


@pytest.mark.parametrize("kind", [Profile, Match, Table, Source])
def test_every_key_is_documented(kind: type) -> None:
    missing = [field.name for field in dataclasses.fields(kind) if f"| `{field.name}` |" not in DOCUMENT]
    assert missing == []


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_profile_says_what_it_is_and_where_each_object_is_published(name: str) -> None:
    profile = load_profiles()[name]
    sources = [*profile.scalars, *(column for table in profile.tables for column in table.columns)]
    assert f"### {name}: {profile.title}" in DOCUMENT
    assert all("MIB" in source.source for source in sources)
    assert all(source.instead_of in {other.name for other in sources} | {None} for source in sources)


def test_tables_of_profiles_that_may_apply_together_have_names_of_their_own() -> None:
    names = [table.name for profile in load_profiles().values() if profile.match != Match() for table in profile.tables]
    assert len(set(names)) == len(names)
