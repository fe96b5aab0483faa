"""The command line as a whole: what it says of errors, of itself, and in which order it takes its words."""

from __future__ import annotations

import argparse
import ast
import builtins
import itertools
import platform
from collections.abc import Iterator
from importlib.metadata import version
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
    "NotThriftError",
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


def test_what_nobody_thought_of_is_told_whole_and_asks_to_be_reported(monkeypatch, capsys):
    assert fails(monkeypatch, KeyError("area")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    first, *_, error, last = said.err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert error == "KeyError: 'area'"
    assert last == bairro.PLEASE_REPORT


def test_an_output_that_nobody_reads_is_no_error(monkeypatch):
    monkeypatch.setattr(bairro.os, "dup2", lambda *_: None)
    assert fails(monkeypatch, BrokenPipeError()) == 0


def test_the_version_names_the_python_too(capsys):
    with pytest.raises(SystemExit) as end:
        bairro.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"bairro {version('bairro')}, CPython {platform.python_version()}\n"


def commands(parser: argparse.ArgumentParser, *verbs: str) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command by its words, such as ("profile", "test"), with its parser."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield verbs, parser
    for action in below:
        for name, child in action.choices.items():
            yield from commands(child, *verbs, name)


WITH_POSITIONALS = {verbs: parser for verbs, parser in commands(bairro._parser()) if parser._get_positional_actions()}
SAMPLE_WORDS = {"kind": "areas", "file": "areas.csv"}


def test_commands_with_positionals_are_found():
    assert {("import",), ("explain",), ("profile", "test"), ("maintenance", "cancel")} <= WITH_POSITIONALS.keys()


@pytest.mark.parametrize("verbs", WITH_POSITIONALS, ids=" ".join)
def test_options_stand_before_between_and_after_positionals(verbs):
    """Every order in which the positionals keep theirs is read alike."""
    parser = WITH_POSITIONALS[verbs]
    names = [action.dest for action in parser._get_positional_actions()]
    options = [action for action in parser._get_optional_actions() if action.required or action.dest == "config"]
    groups = [[SAMPLE_WORDS.get(name, name)] for name in names]
    groups += [[action.option_strings[0], f"{action.dest}.toml"] for action in options]
    read = []
    for order in itertools.permutations(range(len(groups))):
        if [place for place in order if place < len(names)] == list(range(len(names))):
            words = [word for place in order for word in groups[place]]
            read.append(vars(bairro._parser().parse_args([*verbs, *words])))
    assert len(read) >= min(len(groups), 2)
    assert all(one == read[0] for one in read)
    held = {name: read[0][name][0] if isinstance(read[0][name], list) else read[0][name] for name in names}
    assert {name: str(value) for name, value in held.items()} == {name: SAMPLE_WORDS.get(name, name) for name in names}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "areas", "--dry-run", "a.csv", "b.csv"], "unrecognized arguments: b.csv"),
        (["demo", "--port", "99999999"], "argument --port: '99999999': a port from 1 to 65535"),
        (["import", "areas", "--dryrun", "a.csv"], "unrecognized arguments: --dryrun"),
        (["import", "streets", "--dry-run", "a.csv"], "invalid choice: 'streets'"),
    ],
)
def test_words_that_do_not_belong_are_still_refused(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        bairro._parser().parse_args(words)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
