"""The program that is counted stands in a text, where neither ruff nor mypy sees what it imports."""

from __future__ import annotations

from bench.protocol import wire_instructions


def test_the_program_that_is_counted_imports_what_there_is() -> None:
    imports, _, _ = wire_instructions.PROGRAM.partition("\nasync def ")
    names: dict[str, object] = {}
    exec(imports, names)
    assert hasattr(names["profile_files"], "load_profiles")
    assert {"devices", "poll_all", "profile_files", "Poller"} <= names.keys()
