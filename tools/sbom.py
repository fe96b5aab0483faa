"""Prints what an installation of this checkout is made of, as CycloneDX 1.6: the packages that requirements.lock names.

`make sbom` writes it to bairro.cdx.json. It needs neither the network nor an installation: versions, and who needs whom,
stand in the lock. The same lock gives the same text.
"""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PINNED = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)(?: ; (?P<marker>[^\\]+?))?\s*\\?$"
)
NEEDED_BY = re.compile(r"^ +#(?: via)? +(?!via$)(?P<name>[a-z0-9][a-z0-9._-]*)")


@dataclass
class Package:
    """One pinned package; ``marker`` says where it is installed (PEP 508), if not everywhere."""

    name: str
    version: str
    marker: str | None
    needed_by: list[str] = field(default_factory=list)

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(lock: str) -> Iterator[Package]:
    """What a lock of `uv pip compile` names."""
    found: Package | None = None
    for line in lock.splitlines():
        if match := PINNED.match(line):
            if found is not None:
                yield found
            found = Package(match["name"], match["version"], match["marker"])
        elif found is not None and (match := NEEDED_BY.match(line)):
            found.needed_by.append(match["name"])
    if found is not None:
        yield found


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The whole document."""
    held = list(packages(lock))
    itself = f"pkg:pypi/{project['name']}@{project['version']}"
    refs = {project["name"]: itself} | {package.name: package.purl for package in held}
    needs: dict[str, list[str]] = {ref: [] for ref in refs.values()}
    for package in held:
        for name in package.needed_by:
            needs[refs[name]].append(package.purl)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, itself + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": itself,
                "name": project["name"],
                "version": project["version"],
                "purl": itself,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": [_component(package) for package in held],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(needs.items())],
    }


def _component(package: Package) -> dict[str, Any]:
    about = {"type": "library", "bom-ref": package.purl, "name": package.name, "version": package.version}
    only = [{"name": "bairro:installed-where", "value": package.marker}] if package.marker else []
    return {**about, "purl": package.purl, **({"properties": only} if only else {})}


if __name__ == "__main__":
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    print(json.dumps(bill((ROOT / "requirements.lock").read_text(encoding="utf-8"), settings["project"]), indent=1))
