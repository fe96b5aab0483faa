"""The distributions: the source holds what builds and tests it, the wheel what runs, and a wheel alone is enough."""

from __future__ import annotations

import email
import email.message
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = PROJECT["tool"]["setuptools"]["py-modules"]
PACKAGES = ("collector", "dashboard", "demo")
AROUND = (".ci", "bench", "deploy", "docs", "tests", "tools")
FILES = (
    ".dockerignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "docker-compose.yml",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    *(f"{name}.py" for name in MODULES),
)
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
SAMPLE = ROOT / "tests" / "data" / "folders" / "0.1"


def below(root: Path, *folders: str) -> set[str]:
    """The files in folders of ``root``, but for what Python keeps beside its modules."""
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in found if "__pycache__" not in path.parts}


def build(what: str, source: Path, to: Path) -> Path:
    """Have setuptools make one distribution of ``source``, without a network."""
    to.mkdir()
    command = [sys.executable, "-c", BUILD, what, str(to)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(to.iterdir())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked; it is made of a copy, since setuptools writes beside its sources."""
    folder = tmp_path_factory.mktemp("sdist")
    source = folder / "checkout"
    for name in (*PACKAGES, *AROUND):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    with tarfile.open(build("build_sdist", source, folder / "made")) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("bairro-*"))


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """The wheel that the source distribution makes."""
    return build("build_wheel", sdist, sdist.parent / "wheel")


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program `bairro` of a virtual environment that has the wheel, and beside it only what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*install, "--disable-pip-version-check", str(wheel)], check=True)
    own = next(folder.glob("lib/python*/site-packages"))
    (own / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin" / "bairro"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small provider with quality and records, and none of the results that came with them."""
    found = tmp_path / "provider"
    shutil.copytree(SAMPLE, found)
    shutil.rmtree(found / "data" / "results")
    (found / "customer.key").chmod(0o600)
    return found


def test_the_source_distribution_holds_what_builds_tests_and_explains_it(sdist):
    made = {"PKG-INFO", "setup.cfg"} | below(sdist, "bairro.egg-info")
    assert below(sdist, ".") - made == below(ROOT, *PACKAGES, *AROUND) | set(FILES)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == below(ROOT, *PACKAGES) | {f"{name}.py" for name in MODULES}


def test_the_metadata_are_whole(metadata):
    assert metadata["Name"] == "bairro"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Keywords"]
    low, high = re.findall(r"3\.(\d+)", PROJECT["project"]["requires-python"])
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in range(int(low), int(high))} <= set(
        metadata.get_all("Classifier")
    )
    # There is no page of the project's own to name.
    assert metadata.get_all("Project-URL") is None
    assert metadata["Home-page"] is None


def test_the_image_is_made_of_every_module():
    copied = re.search(r"^COPY (pyproject\.toml .*) \./$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert copied is not None
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    for name in MODULES:
        assert f"{name}.py" in copied[1].split()
        assert f"!{name}.py" in let_in


def test_an_installed_wheel_checks_imports_builds_reports_and_serves(
    installed: Path, folder: Path, processes: Any, eventually: Callable[..., Any], free_port: Callable[[], int]
) -> None:
    port = free_port()
    with (folder / "dashboard.toml").open("a") as settings:
        settings.write(f"[analysis]\nminimum_customers = 1\n[web]\nport = {port}\n")

    def run(*words: str, code: int = 0) -> str:
        done = subprocess.run([installed, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    where = (
        "import collector, dashboard, demo, bairro; print(*(m.__file__ for m in (collector, dashboard, demo, bairro)))"
    )
    python = installed.with_name("python")
    for path in subprocess.check_output([python, "-c", where], cwd=folder, text=True).split():
        assert Path(path).is_relative_to(installed.parents[1])
    assert run("--version").startswith(f"bairro {PROJECT['project']['version']}, ")
    assert "5 devices" in run("check")
    run("migrate")
    (folder / "areas.csv").write_text("area,name\nalto-da-sereia,Alto\nmarezinha,Marezinha\n")
    run("import", "areas", "areas.csv", "--dry-run")
    assert "zendesk" in run("import", "--mappings")
    run("build", code=1)  # its customers join no device, and the build says so
    paths = [folder / line for line in run("report", "--area", "marezinha").splitlines()]
    assert {path.suffix for path in paths} == {".pdf", ".html"}
    assert all(path.stat().st_size > 1000 for path in paths)
    processes.start([installed, "serve"], cwd=folder)
    asked = f"http://127.0.0.1:{port}"
    page = eventually(lambda: urllib.request.urlopen(f"{asked}/areas", timeout=10).read().decode())
    assets = re.findall(r'(?:src|href)="(/assets/[^"?]+)', page)
    assert {Path(asset).name for asset in assets} >= {"bairro.css", "bairro.js"}
    for asset in assets:
        served = urllib.request.urlopen(asked + asset, timeout=10).read()
        assert served == (ROOT / "dashboard" / asset.lstrip("/")).read_bytes()
