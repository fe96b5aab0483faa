"""dashboard.toml: defaults, paths relative to the file, and one broken file per fault."""

from __future__ import annotations

from pathlib import Path

import pytest

import settings_file
from dashboard.config import AnalysisSettings, DashboardSettings, EngineSettings, load

FILES = Path(__file__).parent.parent / "data" / "records" / "settings"

FAULTS = {
    "unknown_key": "colour: unknown key; known here: data, customer_key, data_access, provider, timezone, currency, database",
    "unknown_key_in_table": "analysis.reporting_lag: unknown key; known here: records_complete_from, reporting_lag_days",
    "missing_key": "customer_key: is required",
    "timezone": "timezone: no IANA time zone is called 'Mars/Olympus'",
    "timezone_folder": "timezone: no IANA time zone is called 'Europe'",
    "records_complete_from": "analysis.records_complete_from: must be a date YYYY-MM-DD, not '1.1.2025'",
    "lag_negative": "analysis.reporting_lag_days: must be between 0 and 365, not -1",
    "lag_not_whole": "analysis.reporting_lag_days: must be a whole number, not 2.5",
    "port": "web.port: must be between 0 and 65535, not 70000",
    "build_at": "build.at: a time of day is written HH:MM, not '25:00'",
    "build_twice": "build.at: build.every_hours is set too; set only one of them",
    "engine": "engine.name: must be one of duckdb, spark, not 'pandas'",
    "memory": "engine.memory_gigabytes: must be between 0.05 and 4096, not 0",
    "link_scheme": "links.Grafana: must begin with http:// or https://, not 'javascript:alert(1)'",
    "link_field": "links.Grafana: {name} stands for nothing; known here: {device}, {area}, {role}, {site}, {from}, {to}",
    "prometheus_url": "prometheus.url: must begin with http:// or https://, not 'localhost:9090'",
    "user_header": "web.user_header: is set, but web.behind_proxy is not: without a proxy anybody could send it",
    "notice_kind": "notices[0].kind: must be one of email, webhook, telegram, ntfy, not 'pager'",
    "notice_secret": "notices[0].token_env: is required for kind 'telegram'; token_env or token_file names where it is",
    "notice_field": "notices[0].topic: means nothing for kind 'webhook'",
    "notice_template": "notices[0].text: does not parse (expected '}' before end of string); a brace that means itself is written twice",
    "notice_template_field": "notices[0].body.content: {customer.name} stands for nothing; known here: {event}, {what}",
    "notice_quiet": "notices[0].quiet_hours: is written HH:MM-HH:MM, such as 22:00-07:00, not '22-7'",
    "notice_twice": "notices[1].name: two are called 'noc': the queue tells them apart by name",
    "notice_address": "notices[0].sender: must be an e-mail address such as noc@example.net, not 'bairro'",
    "notice_password": "notices[0].url: must hold no user and password: set username and password_env",
    "notice_unknown_key": "notices[0].topics: unknown key; known here: kind, name",
    "public_url": "web.public_url: must begin with http:// or https://, not 'bairro.example.net'",
    "role_header": "web.role_header: is set, but web.user_header is not: name the header that says whose role it is",
    "account_role": "accounts.roles.staff: must be one of viewer, operator, analyst, admin, not 'boss'",
    "default_role": "accounts.default_role: must be one of viewer, operator, analyst, admin, not 'boss'",
    "idle_hours": "accounts.idle_hours: must be between 0.05 and 8760, not 0",
    "openid_client": "openid.client_id: is required where openid.issuer is set",
    "openid_plain": "openid.issuer: must begin with https://, since who people are is asked there; http:// is for this host",
    "not_a_number": "engine.memory_gigabytes: must be between 0.05 and 4096, not nan",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_by_file_and_key(name: str) -> None:
    path = FILES / f"{name}.toml"
    with pytest.raises(settings_file.SettingsError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: {FAULTS[name]}")


def test_every_broken_file_has_its_message() -> None:
    assert {path.stem for path in FILES.glob("*.toml")} == set(FAULTS)


def test_two_keys_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.toml"
    path.write_text('data = "data"\ncustomer_key = "keys/customer.key"\n')
    settings = load(path)
    assert settings == DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "keys" / "customer.key")
    assert (settings.analysis, settings.engine) == (AnalysisSettings(), EngineSettings())
    assert settings.database_url == f"sqlite:///{tmp_path}/data/operations.sqlite"
