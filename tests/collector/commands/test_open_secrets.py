"""`bairro check` refuses secrets that others can read, in each place where one can stand, and says the chmod."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bairro
from collector import file_access
from collector.commands import open_secrets
from collector.config import load

from ..publish.certificates import Authority

HEAD = 'inventory = "devices.csv"\ndata = "data"\n'
INVENTORY = "device_id,address,role,area,parent\ncore,192.0.2.1,router,centro,\n"
INLINE = {
    "community": '[[credentials]]\nname = "a"\ncommunity = "s3cret"\n',
    "password": '[[credentials]]\nname = "a"\nversion = "3"\nuser = "u"\nauth_protocol = "SHA"\nauth_password = "12345678"\n',
    "database": 'database = "postgresql+psycopg://u:s3cret@192.0.2.9/bairro"\n',
}
NAMED = {
    "community": '[[credentials]]\nname = "a"\ncommunity_file = "secret"\n',
    "priv_password": '[[credentials]]\nname = "a"\nversion = "3"\nuser = "u"\nauth_protocol = "SHA"\nauth_password_env = "BAIRRO_TEST_PASSWORD"\n'
    'priv_protocol = "AES"\npriv_password_file = "secret"\n',
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAIRRO_TEST_PASSWORD", "long enough")
    (tmp_path / "devices.csv").write_text(INVENTORY)
    (tmp_path / "secret").write_text("a long enough secret\n")
    (tmp_path / "secret").chmod(0o600)
    return tmp_path


def found(folder: Path, text: str = "", mode: int = 0o644) -> list[str]:
    config = folder / "collector.toml"
    config.write_text(HEAD + text)
    config.chmod(mode)
    return open_secrets.told(load(config), config)


def told(path: Path, who: str = "every user of this host", mode: str = "644") -> list[str]:
    return [f"{path}: holds a secret, and {who} can read it (mode {mode}): chmod 600 {path}"]


@pytest.mark.parametrize("text", INLINE.values(), ids=INLINE)
def test_a_secret_in_the_settings_themselves(folder, text):
    assert found(folder, text) == told(folder / "collector.toml")
    assert found(folder, text, 0o640) == told(folder / "collector.toml", "its group", "640")
    assert found(folder, text, 0o600) == []


def test_the_community_that_everybody_tries_is_no_secret(folder):
    assert found(folder) == []
    assert found(folder, '[[credentials]]\nname = "a"\ncommunity = "public"\n') == []


@pytest.mark.parametrize("text", NAMED.values(), ids=NAMED)
def test_a_secret_in_a_file_of_its_own(folder, text):
    assert found(folder, text) == []
    (folder / "secret").chmod(0o604)
    assert found(folder, text) == told(folder / "secret", mode="604")
    (folder / "secret").chmod(0o640)
    assert found(folder, text) == told(folder / "secret", "its group", "640")


def test_the_key_of_tls(folder, capsys):
    certificate, key = Authority(folder).sign("localhost")
    (folder / "web.yml").write_text(f"tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n")
    key.chmod(0o644)
    text = '[web]\nconfig_file = "web.yml"\n'
    assert found(folder, text) == told(key)
    key.chmod(0o400)
    assert found(folder, text) == []


def test_the_command_refuses_them_and_those_of_a_dashboard_beside_it(folder, capsys):
    def check() -> tuple[int, str]:
        return bairro.main(["check", "--config", str(folder / "collector.toml")]), capsys.readouterr().out

    assert found(folder, INLINE["community"]) == told(folder / "collector.toml")
    code, said = check()
    assert (code, said.splitlines()[0]) == (1, *told(folder / "collector.toml"))
    (folder / "collector.toml").chmod(0o600)
    assert check()[0] == 0
    (folder / "dashboard.toml").write_text('data = "data"\ncustomer_key = "customer.key"\n')
    assert check()[0] == 0, "a key that is not made yet"
    (folder / "customer.key").write_text("ab" * 32)
    (folder / "customer.key").chmod(0o644)
    code, said = check()
    assert (code, said.splitlines()[0]) == (1, *told(folder / "customer.key"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(("mode", "said"), [(0o640, False), (0o600, False), (0o660, True), (0o644, True)])
def test_a_file_of_roots_may_be_given_to_the_group_of_a_service(folder, mode, said):
    os.chown(folder / "secret", 0, 65534)
    (folder / "secret").chmod(mode)
    why = file_access.why_secret_is_open(folder / "secret")
    assert (why is not None, why is None or f"chmod 640 {folder}" in why) == (said, True)


def test_a_data_folder_that_an_older_version_left_open(folder, capsys):
    (folder / "data").mkdir()
    (folder / "data").chmod(0o755)
    (folder / "collector.toml").write_text(HEAD)
    assert bairro.main(["check", "--config", str(folder / "collector.toml")]) == 0
    assert f"chmod -R u=rwX,go= {folder / 'data'}" in capsys.readouterr().out
