"""collector.toml: one broken file for each fault with its exact message, and what a good one becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

import settings_file
from collector import config
from collector.credentials import Credential

BROKEN = Path(__file__).parent.parent / "data" / "config"
TOP = "inventory, data, data_access, database, discovery, poll, ping, outage, degradation, web, traps, metrics, publish, maintenance, retention, sentinels, credentials, profiles, shard"

MESSAGES = {
    "bad_database": "database: must be a URL such as sqlite:////var/lib/bairro/operations.sqlite",
    "bad_relay": "traps.relays[1]: 'relay.example.net' is not an IP address",
    "bad_sentinel": "sentinels[1]: '10.0.0.256' is not an IPv4 address",
    "bad_shard": "shard: must be K/N, the shard K (from 0) of N, such as 0/2, not '../0'",
    "community_empty": "credentials[0].community: the community must not be empty",
    "community_env_unset": ("credentials[0].community_env: the environment variable BAIRRO_TEST_NOT_SET is not set"),
    "community_file_missing": (
        f"credentials[0].community_file: {BROKEN / 'no-such-file'} cannot be read: No such file or directory"
    ),
    "credential_empty_name": "credentials[0].name: must not be empty",
    "credential_twice": "credentials[1].name: 'a' is there twice",
    "credential_unknown_key": (
        "credentials[0].password: unknown key; known here: name, version, community, community_env, community_file, "
        "user, auth_protocol, auth_password, auth_password_env, auth_password_file, priv_protocol, priv_password, "
        "priv_password_env, priv_password_file, context, timeout_seconds, retries, max_repetitions, max_reply_bytes, "
        "requests_per_second, getnext"
    ),
    "credential_version": "credentials[0].version: must be one of 1, 2c, 3, not '4'",
    "credential_with_two_communities": (
        "credentials[0]: needs exactly one of community, community_env, community_file; "
        "it has community and community_env"
    ),
    "credential_without_community": (
        "credentials[0]: needs exactly one of community, community_env, community_file; it has none of them"
    ),
    "credential_called_off": "credentials[0].name: 'off' means that a device is not asked by SNMP",
    "credential_name_with_plus": ("credentials[0].name: must have no '+' (it parts names) and no blanks around it"),
    "v2c_with_user": "credentials[0].user: is for version 3 only",
    "v3_context_too_long": "credentials[0].context: must be at most 32 bytes of UTF-8",
    "v3_password_file_missing": (
        f"credentials[0].priv_password_file: {BROKEN / 'no-such-file'} cannot be read: No such file or directory"
    ),
    "v3_password_short": (
        "credentials[0].auth_password: the password must have at least 8 characters (RFC 3414 section 11.2)"
    ),
    "v3_password_unset": ("credentials[0].auth_password_env: the environment variable BAIRRO_TEST_NOT_SET is not set"),
    "v3_password_without_protocol": "credentials[0].priv_password: needs priv_protocol too",
    "v3_privacy_alone": "credentials[0].priv_protocol: needs auth_protocol too (RFC 3414 has no privacy alone)",
    "v3_unknown_protocol": (
        "credentials[0].auth_protocol: must be one of MD5, SHA, SHA224, SHA256, SHA384, SHA512, not 'SHA1'"
    ),
    "v3_with_community": "credentials[0].community: is for versions 1 and 2c only",
    "v3_without_password": (
        "credentials[0]: needs exactly one of auth_password, auth_password_env, auth_password_file; it has none of them"
    ),
    "v3_without_user": "credentials[0].user: is required for version 3",
    "credentials_not_a_list": "credentials: must be one or more [[credentials]] tables",
    "degradation_of_more_windows_than_kept": "degradation.windows: is more than degradation.of_windows (5)",
    "fraction_for_a_count": "poll.retries: must be a whole number, not 1.5",
    "interval_zero": "poll.interval_seconds: must be 0.1 to 3600, not 0",
    "missing_key": "data: is required",
    "no_profiles": f"profiles: {BROKEN / 'nowhere'} is not a folder",
    "not_a_number": "ping.spacing_seconds: must be 0 to 10, not nan",
    "not_toml": "not TOML: Invalid value (at line 1, column 13)",
    "not_utf8": "not UTF-8 text (byte 14)",
    "out_of_range": "outage.group_share_ratio: must be 0.01 to 1, not 50",
    "port_too_large": "web.port: must be 0 to 65535, not 97330",
    "timeout_beyond_budget": "poll.timeout_seconds: is longer than poll.budget_seconds (10)",
    "unknown_detail": "metrics.cpe: must be one of full, summary, area, not 'everything'",
    "unknown_key": f"pol: unknown key; known here: {TOP}; did you mean poll?",
    "unknown_key_in_table": (
        "poll.intervall_seconds: unknown key; known here: interval_seconds, timeout_seconds, retries, "
        "budget_seconds, packets_per_second, tick_seconds, max_rows, max_answer_bytes, health_every_polls, "
        "max_interfaces, interfaces, counters_refresh_seconds; did you mean interval_seconds?"
    ),
    "wrong_type": "poll.interval_seconds: must be a number, not '60'",
}


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.toml")))
def test_each_fault_is_named_by_file_and_key(name):
    path = BROKEN / f"{name}.toml"
    with pytest.raises(settings_file.SettingsError) as caught:
        config.load(path)
    assert str(caught.value) == f"{path}: {MESSAGES[name]}"


def test_every_message_has_its_broken_file():
    assert {path.stem for path in BROKEN.glob("*.toml")} == MESSAGES.keys()


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(settings_file.SettingsError, match=r"none\.toml: no such file"):
        config.load(tmp_path / "none.toml")


def write(tmp_path, text):
    path = tmp_path / "collector.toml"
    path.write_text('inventory = "devices.csv"\ndata = "data"\n' + text)
    return path


def test_the_shortest_file_takes_the_defaults(tmp_path):
    settings = config.load(write(tmp_path, ""))
    assert settings == config.CollectorSettings(tmp_path / "devices.csv", tmp_path / "data")
    assert settings.database_url == f"sqlite:///{tmp_path}/data/operations.sqlite"
    assert settings.credentials[0].community == "public"


def test_communities_come_from_the_file_the_environment_or_a_secret_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BAIRRO_TEST_COMMUNITY", "from-environment")
    (tmp_path / "secret").write_text("from-file\n")
    settings = config.load(
        write(
            tmp_path,
            """
            [[credentials]]
            name = "plain"
            community = "from-toml"
            [[credentials]]
            name = "env"
            version = "1"
            community_env = "BAIRRO_TEST_COMMUNITY"
            [[credentials]]
            name = "file"
            community_file = "secret"
            """,
        )
    )
    found = [(c.name, c.version, c.community) for c in settings.credentials]
    assert found == [("plain", "2c", "from-toml"), ("env", "1", "from-environment"), ("file", "2c", "from-file")]
    assert "from-" not in repr(settings)


def test_a_user_of_version_3_with_passwords_from_all_three_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("BAIRRO_TEST_PASSWORD", "from-environment")
    (tmp_path / "secret").write_text("from-file\n")
    settings = config.load(
        write(
            tmp_path,
            """
            [[credentials]]
            name = "routers"
            version = "3"
            user = "bairro"
            auth_protocol = "SHA256"
            auth_password_env = "BAIRRO_TEST_PASSWORD"
            priv_protocol = "AES256C"
            priv_password_file = "secret"
            context = "vrf1"
            [[credentials]]
            name = "signed"
            version = "3"
            user = "bairro"
            auth_protocol = "MD5"
            auth_password = "from-toml"
            [[credentials]]
            name = "open"
            version = "3"
            user = "guest"
            """,
        )
    )
    assert settings.credentials == (
        Credential("routers", "3", "", "bairro", "SHA256", "from-environment", "AES256C", "from-file", "vrf1"),
        Credential("signed", "3", "", "bairro", "MD5", "from-toml"),
        Credential("open", "3", "", "guest"),
    )
    assert "from-" not in repr(settings)


def test_no_password_shows_in_a_message(tmp_path):
    for line in (
        'auth_protocol = "SHA9"\nauth_password = "hushhush"',
        'auth_password = "hushhush"',
        'auth_protocol = "SHA"\nauth_password = "hush"',
    ):
        path = write(tmp_path, f'[[credentials]]\nname = "a"\nversion = "3"\nuser = "u"\n{line}\n')
        with pytest.raises(settings_file.SettingsError) as caught:
            config.load(path)
        assert "hush" not in str(caught.value)


def test_no_error_message_shows_a_community(tmp_path):
    path = write(tmp_path, '[[credentials]]\nname = "a"\nversion = "4"\ncommunity = "hush"\n')
    with pytest.raises(settings_file.SettingsError) as caught:
        config.load(path)
    assert "hush" not in str(caught.value)


def test_a_community_that_is_not_text_is_not_shown_either(tmp_path):
    path = write(tmp_path, '[[credentials]]\nname = "a"\ncommunity = 123456\n')
    with pytest.raises(settings_file.SettingsError) as caught:
        config.load(path)
    assert "123456" not in str(caught.value)


def test_a_folder_is_no_settings_file(tmp_path):
    with pytest.raises(settings_file.SettingsError, match="cannot be read: Is a directory"):
        config.load(tmp_path)


def test_every_range_is_of_a_setting_and_holds_its_default(tmp_path):
    settings = config.load(write(tmp_path, ""))
    for key, (low, high) in config.RANGES.items():
        section, name = key.split(".")
        default = getattr(getattr(settings, section), name)
        assert default is None or low <= default <= high
