"""The command line as a whole: what it says of errors, of itself, and in which order it takes its words."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest

import bairro
from bairro_error import BairroError
from collector.publish.web.server import PortInUseError
from dashboard.analysis.build import BuildError
from settings_file import SettingsError

ROOT = Path(__file__).parent.parent
PROGRAM = ("bairro.py", "bairro_error.py", "settings_file.py", "recurrence.py", "collector", "dashboard", "demo")
# What one part tells another and nobody reads: replies that are dropped, reads that are done again.
CONTROL_FLOW = {
    "AskAgainError",
    "BadPacketError",
    "BadValueError",
    "FilesChangedError",
    "MalformedError",
    "TooManyChecksError",
    "_LockedKeyError",
    "_NewerError",
    "_TooLongError",
}


def error_classes() -> dict[str, list[list[str]]]:
    """Every error class of the program by its name, with the bases of each that has it."""
    found: dict[str, list[list[str]]] = {}
    for place in PROGRAM:
        for path in [ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                    found.setdefault(node.name, []).append([ast.unparse(base) for base in node.bases])
    return found


def test_every_error_for_people_has_the_one_root():
    found = error_classes()
    assert found.pop("BairroError") == [["Exception"]]
    assert found.keys() >= CONTROL_FLOW
    for name in found.keys() - CONTROL_FLOW:
        for first, *rest in found[name]:
            assert first == "BairroError", name
            assert all(issubclass(getattr(builtins, base), Exception) for base in rest), name


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> int:
    """The exit code of `bairro check` where it ends in ``error``."""

    def run(_arguments: object) -> int:
        raise error

    monkeypatch.setattr(bairro, "check", run)
    return bairro.main(["check"])


@pytest.mark.parametrize("kind", [BairroError, SettingsError, BuildError, PortInUseError])
def test_an_error_for_people_is_one_sentence(monkeypatch, capsys, kind):
    assert fails(monkeypatch, kind("there is no areas.csv")) == 2
    assert tuple(capsys.readouterr()) == ("", "bairro: there is no areas.csv\n")


def test_a_fault_of_ours_is_told_whole_and_asks_to_be_reported(monkeypatch, capsys):
    assert fails(monkeypatch, KeyError("area")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    first, *_, error, last = said.err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert error == "KeyError: 'area'"
    assert last == bairro.PLEASE_REPORT


def test_nobody_listening_is_no_fault(monkeypatch):
    monkeypatch.setattr(bairro.os, "dup2", lambda *_: None)
    assert fails(monkeypatch, BrokenPipeError()) == 0
