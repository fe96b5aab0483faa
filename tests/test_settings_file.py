"""TOML into dataclasses: types, nesting, relative paths, choices, and errors that name file and key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

import settings_file


@dataclass(frozen=True)
class Inner:
    ratio: float = 0.5
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    where: Path
    inner: Inner = Inner()
    count: int | None = None
    is_on: bool = False
    colour: str = "red"
    limits: dict[str, float] = field(default_factory=dict)
    many: tuple[Inner, ...] = ()
    secret: str = field(default="", repr=False)


def load(tmp_path, text, **options):
    path = tmp_path / "settings.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return settings_file.load(path, Outer, **options)


def test_values_nest_and_paths_are_relative_to_the_file(tmp_path):
    text = """
        where = "../here"
        count = 3
        is_on = true
        limits = { a = 1, b = 2.5 }
        [inner]
        ratio = 1
        names = ["x", "y"]
        [[many]]
        ratio = 0.25
    """
    found = load(tmp_path, text)
    assert found == Outer(
        (tmp_path / "../here").resolve(),
        Inner(1.0, ("x", "y")),
        3,
        True,
        limits={"a": 1.0, "b": 2.5},
        many=(Inner(0.25),),
    )
    assert isinstance(found.inner.ratio, float)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    assert load(tmp_path, b'\xef\xbb\xbfwhere = "/x"').where == Path("/x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "where: is required"),
        ("where = 5", "where: must be a path in quotes, not 5"),
        ('where = "/"\ninner = 5', "inner: must be a table"),
        ('where = "/"\ninner.ratio = "x"', "inner.ratio: must be a number, not 'x'"),
        ('where = "/"\ninner.names = "x"', "inner.names: must be a list"),
        ('where = "/"\ninner.names = ["x", 5]', "inner.names[1]: must be text in quotes, not 5"),
        ('where = "/"\nmany = [{ ratio = 1, other = 2 }]', "many[0].other: unknown key; known here: ratio, names"),
        ('where = "/"\ninner.ration = 1', "inner.ration: unknown key; known here: ratio, names; did you mean ratio?"),
        ('where = "/"\ncount = true', "count: must be a whole number, not True"),
        ('where = "/"\nis_on = 1', "is_on: must be true or false, not 1"),
        ('where = "/"\nlimits = { a = "x" }', "limits.a: must be a number, not 'x'"),
        ('where = "/"\ncolour = "blue"', "colour: must be one of red, green, not 'blue'"),
        ('where = "/"\nsecret = 5', "secret: must be text in quotes"),
    ],
)
def test_errors_name_file_and_key(tmp_path, text, message):
    with pytest.raises(settings_file.SettingsError) as caught:
        load(tmp_path, text, choices={"colour": ("red", "green")})
    assert str(caught.value) == f"{tmp_path / 'settings.toml'}: {message}"


def test_tables_can_be_read_first_and_built_in_parts(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('ratio = "x"')
    with pytest.raises(settings_file.SettingsError, match=r"part\.ratio: must be a number"):
        settings_file.build(settings_file.read(path), Inner, path, key="part")


def test_a_folder_is_no_settings_file(tmp_path):
    with pytest.raises(settings_file.SettingsError, match="cannot be read: Is a directory"):
        settings_file.read(tmp_path)
