"""Documentation under test: what it says of settings and columns is what the code does."""

from __future__ import annotations

import ast
import dataclasses
import re
import runpy
import subprocess
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import collector.config
import collector.credentials
import dashboard.config
from collector.inventory import device_rows, devices_file
from dashboard.notice_settings import NoticeSettings
from dashboard.source_settings import SourceSettings

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
MODULES = tuple(path for name in ("collector", "dashboard", "demo") for path in (ROOT / name).rglob("*.py"))
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
OURS = ("bench", "collector", "dashboard", "demo", "deploy", "docs", "tests", "tools")
PLACEHOLDER = re.compile(r"\b(?:NAME|KIND)\b")
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
        elif key == "sources":
            found |= declared(SourceSettings, "sources.")
        elif key == "notices":
            found |= declared(NoticeSettings, "notices.")
        elif typing.get_origin(hints[field.name]) is dict:
            choices = dashboard.config.CHOICES.get(key)
            found |= dict.fromkeys([key] if choices is None else (f"{key}.{name}" for name in choices))
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
    assert documented == [*device_rows.REQUIRED, *device_rows.OPTIONAL, *device_rows.REMARKS]
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


def named_paths(document: Path) -> Iterator[tuple[str, str]]:
    """Each file or folder of ours that stands as code in a document, with its line."""
    for line in document.read_text(encoding="utf-8").splitlines():
        for code in CODE.findall(line):
            for name in code.split():
                is_path = PATH.fullmatch(name) and not PLACEHOLDER.search(name)
                if is_path and (name.endswith((".py", ".sql")) or (name.split("/")[0] in OURS and "/" in name)):
                    yield name, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_file_that_a_document_names_exists(document):
    models = {path.name for path in (ROOT / "dashboard" / "models").rglob("*.py")} if document.stem == "methods" else {}
    named = {name for name, _ in named_paths(document)}
    assert [name for name in sorted(named) if name not in models and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_link_between_documents_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_readme_shows_the_pictures_that_make_screenshots_takes():
    taken = {f"{shot.name}.webp" for shot in runpy.run_path(str(ROOT / "tools" / "screenshots.py"))["SHOTS"]}
    named = set(re.findall(r"docs/pictures/([\w.-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    stored = {path.name: path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()}
    assert named == set(stored) == taken
    assert sum(stored.values()) < 1_500_000


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_door_names_folders_that_exist(name):
    """Also those in short: `snmp/` in the row of the room that it belongs to."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        codes = [code for code in CODE.findall(line) if PATH.fullmatch(code)]
        for folder in (code for code in codes if code.endswith("/")):
            assert (ROOT / folder).is_dir() or (ROOT / codes[0] / folder).is_dir(), folder


def test_the_newest_release_of_the_changelog_is_the_version_of_the_project():
    first, *releases = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first == "Unreleased"
    versions = [re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d", release)[1] for release in releases]
    assert versions[0] == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def test_no_two_decisions_share_a_number():
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert [number for number in sorted(set(numbers)) if numbers.count(number) > 1] == []
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]}: "), path.name


def test_every_room_is_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {
        path.relative_to(ROOT).as_posix() for name in ("collector", "dashboard") for path in (ROOT / name).iterdir()
    }
    found = {room for room in rooms if any((ROOT / room).glob("*.py")) or any((ROOT / room).glob("*.toml"))}
    assert [room for room in sorted(found) if f"`{room}`" not in text] == []


def test_every_benchmark_has_its_make_target():
    """A program that a benchmark starts for itself is none."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"bench-[a-z0-9-]+", makefile.split(".PHONY:")[1].splitlines()[0]))
    assert targets == set(re.findall(r'@echo "make (bench-[a-z0-9-]+)', makefile)), "make help names others"
    asked = ["make", "--dry-run", "--assume-old=.venv/.test-ready", *sorted(targets)]
    commands = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    called = {ROOT.joinpath(*name.split(".")) for name in re.findall(r"-m (bench[\w.]+)", commands)}
    assert len(called) == len(targets)
    rooms = [folder for folder in (ROOT / "bench").rglob("*") if folder.is_dir()]
    programs = {room for room in rooms if (room / "__main__.py").exists()}
    files = [path for room in (ROOT / "bench", *rooms) if room not in programs for path in room.glob("*.py")]
    programs |= {path.with_suffix("") for path in files if "__main__" in path.read_text(encoding="utf-8")}
    assert programs - {ROOT / "bench" / "protocol" / "wire_secure"} == called


def test_files_that_docstrings_name_exist():
    known = {path.relative_to(ROOT).as_posix() for name in OURS for path in (ROOT / name).rglob("*.py")}
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for name in re.findall(r"[\w/]+\.py\b", ast.get_docstring(node) or ""):
                    assert any(f"/{path}".endswith(f"/{name}") for path in known), f"{module}: {name}"
