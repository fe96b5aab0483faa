"""`bairro notices` and `bairro silence` as they are typed: what they say, and with which exit code."""

from __future__ import annotations

import bairro
from tests.dashboard.notices.conftest import http_receiver  # noqa: F401  (a fixture)

SETTINGS = """
data = "data"
customer_key = "customer.key"
provider = "Harbour Broadband"
[[notices]]
kind = "webhook"
name = "chat"
url = "{url}"
[notices.body]
text = "{{provider}}: {{what}} {{link}}"
[[notices]]
kind = "telegram"
name = "night"
chat = "-100"
token_env = "BAIRRO_TEST_NOBODY"
url = "{url}"
"""


def typed(capsys, *words: str) -> tuple[int, str]:
    code = bairro.main(list(words))
    out, err = capsys.readouterr()
    return code, f"{out}{err}".strip()


def test_a_test_is_sent_and_what_fails_names_file_and_receiver(http_receiver, tmp_path, capsys):  # noqa: F811
    config = tmp_path / "dashboard.toml"
    config.write_text(SETTINGS.format(url=http_receiver.url))
    at = ("--config", str(config))
    assert typed(capsys, "notices", "test", "chat", *at) == (0, "chat took the test message")
    assert http_receiver.got[0].body == {
        "text": "Harbour Broadband: Test: this is a test of Bairro's notices, nothing has happened "
    }
    code, said = typed(capsys, "notices", "test", *at)
    assert (code, said) == (
        2,
        f"bairro: {config}: chat took the test message; "
        "notices[1].token_env: night needs the secret in the environment variable BAIRRO_TEST_NOBODY, which holds none",
    )
    code, said = typed(capsys, "notices", "retry", "caht", *at)
    assert (code, said) == (2, f"bairro: {config}: notices: none is called 'caht'; there are chat, night")
    assert typed(capsys, "notices", "list", *at) == (0, "no notice waits, and none was refused")


def test_silences_are_entered_listed_and_ended(tmp_path, capsys):
    config = tmp_path / "dashboard.toml"
    config.write_text('data = "data"\ncustomer_key = "customer.key"\n')
    at = ("--config", str(config))
    assert typed(capsys, "silence", "list", *at) == (0, "no silence holds now")
    words = ("--device", "olt-7", "--hours", "2", "--reason", "part ordered", "--by", "ana")
    code, said = typed(capsys, "silence", "add", *words, *at)
    assert (code, said.split(" on ")[1]) == (0, "device olt-7 holds for 2 hours")
    code, listed = typed(capsys, "silence", "list", *at)
    assert (code, listed.endswith(" UTC: part ordered (ana)")) == (0, True)
    key = listed.split()[0]
    assert typed(capsys, "silence", "end", key[:9], *at) == (0, f"silence {key} on device olt-7 is ended")
    code, said = typed(capsys, "silence", "end", "zz", *at)
    assert (code, said) == (2, "bairro: there is no silence 'zz'")
    code, said = typed(capsys, "notices", "test", *at)
    assert (code, said) == (2, f"bairro: {config}: notices: names no receiver, so that nobody is told of incidents")
