"""Files are for the user alone whatever the umask, unless the settings say otherwise; open secrets are named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import bairro
from collector import file_access
from collector.publish.incidents.migrate import connect, migrate


@pytest.fixture(autouse=True)
def open_umask(tmp_path: Path) -> Iterator[None]:
    """Whoever starts the program would let everybody read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("access", "of_file", "of_folder"), [
    ("owner", 0o600, 0o700), ("group_read", 0o640, 0o750), ("group_write", 0o660, 0o770),
])  # fmt: skip
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_the_umask_of_the_caller_does_not_count(tmp_path, umask, access, of_file, of_folder):
    os.umask(umask)
    with file_access.written_for(access):
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "file").write_text("")
    assert (mode(tmp_path / "folder" / "file"), mode(tmp_path / "folder")) == (of_file, of_folder)
    assert os.umask(umask) == umask, "and it is as it was afterwards"


def test_the_database_of_two_users_is_writable_for_both_with_all_that_sqlite_puts_beside_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'data' / 'operations.sqlite'}"
    with file_access.written_for("group_write"):
        migrate(url)
        engine = connect(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE t (a)")
            found = {path.name: mode(path) for path in (tmp_path / "data").iterdir()}
        engine.dispose()
    assert found.keys() >= {"operations.sqlite", "operations.sqlite-wal", "operations.sqlite-shm"}
    assert set(found.values()) == {0o660}


def test_a_command_writes_as_its_settings_say(tmp_path, capsys):
    config = tmp_path / "collector.toml"
    for access, of_file in (("", 0o600), ('data_access = "group_read"\n', 0o640)):
        config.write_text(f'inventory = "devices.csv"\ndata = "data{of_file}"\n{access}')
        config.chmod(0o600)
        assert bairro.main(["migrate", "--config", str(config)]) == 0
        assert mode(tmp_path / f"data{of_file}" / "operations.sqlite") == of_file
    config.write_text('inventory = "devices.csv"\ndata = "data"\ndata_access = "all"\n')
    assert bairro.main(["migrate", "--config", str(config)]) == 2
    assert "data_access: must be one of owner, group_read, group_write, not 'all'" in capsys.readouterr().err


@pytest.mark.parametrize(("access", "bits", "said"), [
    ("owner", 0o700, None),
    ("owner", 0o755, "every user of this host can enter the data folder (mode 755): chmod -R u=rwX,go= {}"),
    ("owner", 0o750, "its group can enter the data folder (mode 750): chmod -R u=rwX,go= {}, or set data_access"),
    ("group_read", 0o750, None),
    ("group_write", 0o770, None),
    ("group_write", 0o775, "every user of this host can enter the data folder (mode 775): chmod -R ug=rwX,o= {}"),
])  # fmt: skip
def test_a_data_folder_that_lets_others_in(tmp_path, access, bits, said):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(bits)
    found = file_access.why_folder_is_open(folder, access)
    assert found == (said and f"{folder}: {said.format(folder)}")


def test_no_folder_lets_nobody_in(tmp_path):
    assert file_access.why_folder_is_open(tmp_path / "none", "owner") is None
    assert file_access.why_secret_is_open(tmp_path / "none") is None
