"""The bill of materials names what the lock installs, with who needs whom, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def test_it_says_what_the_lock_and_the_installed_packages_say():
    command = [sys.executable, ROOT / "tools" / "sbom.py"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == text
    made = json.loads(text)
    pinned = [line.split()[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if line[:1].isalnum()]
    assert [f"{part['name']}=={part['version']}" for part in made["components"]] == pinned
    needs = {entry["ref"]: set(entry["dependsOn"]) for entry in made["dependencies"]}
    refs = {part["name"]: part["bom-ref"] for part in made["components"]}
    assert needs.keys() == {*refs.values(), made["metadata"]["component"]["bom-ref"]}
    for name in ("alembic", "flask", "pandas", "sqlalchemy"):
        wanted = [Requirement(text) for text in requires(name) or ()]
        here = {canonicalize_name(r.name) for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})}
        assert {refs[one] for one in here} <= needs[refs[name]], name
