"""Every command that the units, the containers and the documents name is one that the command line takes."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest

import bairro

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def parses(words: list[str]) -> None:
    """Argparse ends with SystemExit where it does not know a word."""
    bairro._parser().parse_args(words)


@pytest.mark.parametrize("unit", sorted(path.name for path in (ROOT / "deploy" / "systemd").glob("*.service")))
def test_units(unit):
    found = configparser.RawConfigParser(strict=False)
    found.optionxform = str  # type: ignore[assignment]
    found.read(ROOT / "deploy" / "systemd" / unit)
    for key in ("ExecStart", "ExecStartPre"):
        if line := found["Service"].get(key):
            program, *words = shlex.split(line)
            if program == "/bin/sh":
                program, *words = shlex.split(words[1].partition(" ||")[0])
            assert program == "/opt/bairro/bin/bairro"
            parses(words)


def test_containers():
    text = (ROOT / "docker-compose.yml").read_text()
    commands = [re.findall(r'"([^"]+)"', line) for line in re.findall(r"^    command: (\[.*\])$", text, re.MULTILINE)]
    assert ["collect", "--address", "0.0.0.0"] in commands
    for words in commands:
        if not words[0].startswith("/"):
            parses(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents(document):
    blocks = re.findall(r"```(?:sh|shell)?\n(.*?)```", document.read_text(), re.DOTALL)
    for line in "\n".join(blocks).splitlines():
        if line.startswith(("bairro ", ".venv/bin/bairro ")):
            parses(shlex.split(line, comments=True)[1:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--areas", "0"], "a whole number from 1 on"),
        (["demo", "--as-of", "yesterday"], "a time such as 2026-03-01T12:00Z"),
        (["build", "--every", "often"], "hours between 0 and 8760"),
        (["import", "areas", "a.csv", "--as-of", "May"], "a day is written YYYY-MM-DD"),
        (["backfill", "--prometheus", "http://x", "--queries", "q", "--from", "May"], "a time is written 2026-03-01"),
        (["evaluate", "t", "--mapping", "m", "--true-rate", "half"], "between 0 and 1"),
        (["backtest", "--origins", "some"], "between 1 and 100"),
    ],
)
def test_words_that_cannot_be_read_are_told_in_words(words, said, capsys):
    with pytest.raises(SystemExit):
        parses(words)
    assert said in capsys.readouterr().err
