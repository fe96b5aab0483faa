"""Version 3 against a real snmpd: every protocol that it speaks, restarts, replacement, and everything that is wrong."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bairro
from collector import recordings
from collector.config import CollectorSettings
from collector.credentials import Credential
from collector.poll.explain import explain

from ...fleet import CollectorRun
from ..agents import device, poll
from ..secure_agent import (
    AUTH_PASSWORD,
    CALM,
    CPE,
    EVERYONE,
    HASTY,
    PRIV_PASSWORD,
    PROFILES,
    MakeSteps,
    SecureAgent,
    Start,
    credential,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def agent(start_snmpd: Start) -> SecureAgent:
    """One with a user for every pair of protocols."""
    return start_snmpd(users=EVERYONE)


def ask(agent: SecureAgent, *credentials: Credential, polls: int = 1, **fields: Any) -> Any:
    target = device(agent.port, address=agent.address, **fields)
    return poll(*[target] * polls, settings=CALM, credentials=credentials, profiles=PROFILES)


@pytest.mark.parametrize(("auth", "priv"), EVERYONE)
def test_every_pair_of_protocols(agent: SecureAgent, auth: str | None, priv: str | None) -> None:
    polled = ask(agent, credential(auth, priv), polls=2)
    by_community = ask(agent, Credential("c", community="also-by-community"))
    for reading in polled.readings:
        assert (reading.snmp, reading.failure) == ("answered", None)
        assert [i.name for i in reading.interfaces] == [i.name for i in by_community.reading.interfaces]
        assert reading.uptime_seconds is not None
    assert polled.counts.rejected == {}
    assert polled.counts.retries == 1, "the question who is there, once"


def test_over_ipv6(start_snmpd: Start) -> None:
    agent = start_snmpd(address="::1")
    reading = ask(agent, credential("SHA", "AES")).reading
    assert (reading.snmp, reading.failure) == ("answered", None)


def test_the_engines_time_stands_in_for_the_object_that_a_user_may_not_read(start_snmpd: Start) -> None:
    """snmpEngineTime and hrSystemUptime lie outside the view, as on many devices; each message carries the first."""
    agent = start_snmpd(view=["1.3.6.1.2.1.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.31"])
    polled = ask(agent, credential("SHA", "AES"), polls=2)
    assert [reading.snmp for reading in polled.readings] == ["answered"] * 2
    for reading in polled.readings:
        assert reading.boot_seconds is not None
        assert 0 <= agent.clock()[2] - reading.boot_seconds <= 60


CREDENTIAL = "credential 'v3': "


@pytest.mark.parametrize(
    ("mine", "failure"),
    [
        (credential("SHA", "AES", auth_password="not-this-one"), "the agent finds the request's signature wrong"),
        (credential("MD5", "AES", user="SHA-AES"), "the agent finds the request's signature wrong"),
        (credential("SHA512", "AES", user="SHA-AES"), "the agent finds the request's signature wrong"),
        (credential("SHA", "AES", user="nobody"), "the agent knows no such user: check user"),
        (credential("SHA", "AES", user="SHA-no"), "the agent does not let this user in at this security level"),
    ],
)
def test_a_refusal_names_what_to_check(agent: SecureAgent, mine: Credential, failure: str) -> None:
    polled = ask(agent, mine)
    assert polled.reading.snmp == "refused"
    assert polled.reading.failure.startswith(CREDENTIAL + failure)
    assert polled.counts.packets_sent == 2, "who is there, and one request: a refusal is not asked again"
    assert polled.reading.is_reachable
    assert not any(secret in polled.reading.failure for secret in mine.secrets)


@pytest.mark.parametrize(
    "mine",
    [
        credential("SHA", "AES", priv_password="not-this-one"),
        credential("SHA", "DES", priv_password="not-this-one"),
        credential("SHA", "DES", user="SHA-AES"),
        credential("SHA", "AES256C", user="SHA-AES256"),
        credential("SHA", "AES", context="elsewhere"),
    ],
)
def test_an_agent_that_keeps_its_refusal_to_itself_is_there_all_the_same(agent: SecureAgent, mine: Credential) -> None:
    """net-snmp 5.9 says that it cannot decrypt only where the noise does not look like a PDU, and nothing of contexts."""
    target = device(agent.port)
    for reading in poll(target, target, settings=HASTY, credentials=[mine], profiles=PROFILES).readings:
        assert reading.snmp == "refused"
        assert reading.failure is not None
        assert reading.failure.startswith(CREDENTIAL + "the agent")
        assert "check priv_protocol" in reading.failure
        assert not any(secret in reading.failure for secret in mine.secrets)


def test_less_than_the_agent_asks_for_is_refused(agent: SecureAgent) -> None:
    reading = ask(agent, credential("SHA", None, user="SHA-AES")).reading
    assert (reading.snmp, reading.failure) == ("refused", "authorizationError")


def test_a_restart_costs_one_more_packet_and_no_poll(
    start_snmpd: Start, steps: MakeSteps, eventually: Callable[..., Any]
) -> None:
    agent = start_snmpd()
    talk = steps(device(agent.port, **CPE), credential("SHA", "AES"))
    assert talk.poll().snmp == "answered"
    usual = talk.sent
    assert talk.poll().snmp == "answered"
    assert talk.sent == usual + 1
    before = agent.clock()
    agent.stop()
    agent.start()
    eventually(agent.is_up)
    assert agent.clock()[:2] == (before[0], before[1] + 1), "the same engine, started once more"
    sent = talk.sent
    reading = talk.poll()
    assert (reading.snmp, reading.failure) == ("answered", None)
    assert talk.sent == sent + 2, "its report of the time, and the request again"
    assert talk.poll().snmp == "answered"
    assert talk.poller.counts.rejected == {}


def test_an_engine_that_forgot_how_often_it_was_started(
    start_snmpd: Start, steps: MakeSteps, eventually: Callable[..., Any]
) -> None:
    agent = start_snmpd()
    for _ in range(2):
        agent.stop()
        agent.start()
        eventually(agent.is_up)
    talk = steps(device(agent.port, **CPE), credential("SHA", "AES"))
    assert talk.poll().snmp == "answered"
    assert agent.clock()[1] == 3
    agent.stop()
    agent.forget()
    agent.start()
    eventually(agent.is_up)
    assert agent.clock()[1] == 1
    assert talk.poll().snmp == "answered"
    assert talk.poller.counts.rejected == {}


def test_another_engine_in_its_place_is_found_within_the_poll(start_snmpd: Start, steps: MakeSteps) -> None:
    agent = start_snmpd()
    talk = steps(device(agent.port, **CPE), credential("SHA", "AES"))
    assert talk.poll().snmp == "answered"
    agent.stop()
    start_snmpd(port=agent.port, engine="another-box")
    sent = talk.sent
    reading = talk.poll()
    assert (reading.snmp, reading.failure) == ("answered", None)
    assert talk.sent == sent + 2, "its report of who it is, and the request again"
    talk.poll()
    assert talk.sent > sent + 3, "another engine is another device: everything is asked for anew"
    assert talk.poller.counts.rejected == {}


def test_a_changed_password_is_refused_and_said(start_snmpd: Start, steps: MakeSteps) -> None:
    agent = start_snmpd()
    talk = steps(device(agent.port), credential("SHA", "AES"), settings=HASTY)
    assert talk.poll().snmp == "answered"
    agent.stop()
    start_snmpd(port=agent.port, auth_password="changed-password")
    reading = talk.poll()
    assert reading.snmp == "refused"
    assert reading.failure is not None
    assert "check auth_protocol and auth_password" in reading.failure
    assert talk.poller.counts.rejected == {"wrong_digest": 2}, "one unsigned word does not end a poll of a known engine"


# Several credentials.


def test_the_credential_that_works_is_found_and_kept_to(agent: SecureAgent, steps: MakeSteps) -> None:
    wrong = Credential("community", community="not-this-one")
    stranger = credential("SHA", "AES", user="nobody", name="stranger")
    right = credential("SHA256", "AES", name="right")
    target = device(agent.port, credential="community+stranger+right", **CPE)
    talk = steps(target, wrong, stranger, right, settings=HASTY)
    first = talk.poll()
    assert (first.snmp, first.failure) == ("answered", None)
    for _ in range(3):
        sent = talk.sent
        assert talk.poll().snmp == "answered"
        assert talk.sent == sent + 1, "no other one is tried"


def test_when_it_stops_working_the_others_are_tried_again(start_snmpd: Start, steps: MakeSteps) -> None:
    agent = start_snmpd(users=[("SHA", "AES")])
    old, new = credential("SHA", "AES", name="old"), credential("SHA256", "AES", name="new")
    talk = steps(device(agent.port, credential="new+old"), old, new, settings=HASTY)
    assert talk.poll().snmp == "answered"
    agent.stop()
    start_snmpd(port=agent.port, users=[("SHA256", "AES")])
    reading = talk.poll()
    assert (reading.snmp, reading.failure) == ("answered", None)


def test_all_refused_is_said_and_soon_costs_little(agent: SecureAgent, steps: MakeSteps) -> None:
    strangers = [credential("SHA", "AES", user=f"nobody{n}", name=f"stranger{n}") for n in range(3)]
    names = "+".join(given.name for given in strangers)
    talk = steps(device(agent.port, credential=names), *strangers, settings=HASTY)
    for packets in (6, 6, 6, 2, 2):
        sent = talk.sent
        reading = talk.poll()
        assert reading.snmp == "refused"
        assert reading.failure is not None
        assert "the agent knows no such user: check user" in reading.failure
        assert talk.sent - sent == packets, "who is there, and one request, for each; later for one of them in turn"


def test_a_silent_device_with_many_credentials_costs_one_packet_a_poll(free_port: Any, steps: MakeSteps) -> None:
    many = [Credential(f"c{n}", community=f"word{n}") for n in range(8)]
    target = device(free_port(), credential="+".join(given.name for given in many))
    talk = steps(target, *many, settings=dataclasses.replace(HASTY, budget_seconds=0.3))
    started = talk.poller.counts
    for _ in range(3):
        assert talk.poll().snmp == "silent"
    assert started.packets_sent <= 3 * 8, "within the time limit, not eight times the retries"
    asked: list[bytes] = []
    talk.poller.engine.watch = lambda _way, _address, data: asked.append(data)
    for _ in range(8):
        talk.poll()
    assert len(asked) == 8
    assert len({word for data in asked for word in (f"word{n}".encode() for n in range(8)) if word in data}) == 8


def test_a_device_that_comes_back_is_let_in_at_once(start_snmpd: Start, steps: MakeSteps, eventually: Any) -> None:
    agent = start_snmpd()
    given = [*(Credential(f"c{n}", community=f"word{n}") for n in range(3)), credential("SHA", "AES")]
    talk = steps(device(agent.port, credential="c0+c1+c2+v3"), *given, settings=HASTY)
    assert talk.poll().snmp == "answered"
    agent.stop()
    for _ in range(4):
        assert talk.poll().snmp == "silent"
    sent = talk.sent
    assert talk.poll().snmp == "silent"
    assert talk.sent == sent + 2, "the one that once worked, and one other"
    agent.start()
    eventually(agent.is_up)
    assert talk.poll().snmp == "answered"


def test_explained_in_the_clear_and_without_secrets(agent: SecureAgent, tmp_path: Path) -> None:
    mine = credential("SHA256", "AES256")
    settings = CollectorSettings(inventory=tmp_path, data=tmp_path, poll=CALM, credentials=(mine,))
    text = str(explain(device(agent.port, address=agent.address), settings))
    for part in (
        "discovery: which SNMP engine is there?",
        "report\n  usmStatsUnknownEngineIDs.0 (1.3.6.1.6.3.15.1.1.4.0) = Counter32: ",
        "GET\n  1.3.6.1.2.1.1.2.0\n",
        "sysUpTime.0 (1.3.6.1.2.1.1.3.0) = TimeTicks: ",
        "interface lo: index 1, is_up yes, ",
        "snmp = answered",
    ):
        assert part in text
    assert "unusable" not in text
    assert not any(secret in text for secret in (AUTH_PASSWORD, PRIV_PASSWORD))


# The programs around it.

TABLES = f"""
[[credentials]]
name = "stranger"
community = "community-secret"
[[credentials]]
name = "v3"
version = "3"
user = "SHA256-AES"
auth_protocol = "SHA256"
auth_password = "{AUTH_PASSWORD}"
priv_protocol = "AES"
priv_password = "{PRIV_PASSWORD}"
[[credentials]]
name = "wrong"
version = "3"
user = "SHA256-AES"
auth_protocol = "SHA256"
auth_password = "wrong-password"
"""
SECRETS = (AUTH_PASSWORD, PRIV_PASSWORD, "community-secret", "wrong-password")


def write_files(folder: Path, agent: SecureAgent) -> str:
    """Settings, and an inventory of a device that is let in by its second credential and one that is not."""
    where = f"{agent.address}:{agent.port}"
    (folder / "devices.csv").write_text(
        "device_id,address,role,area,ping,credential\n"
        f"gate,{where},router,centre,off,stranger+v3\nlocked,{where},router,centre,off,wrong\n"
    )
    (folder / "collector.toml").write_text(
        f'inventory = "devices.csv"\ndata = "data"\n[poll]\ntimeout_seconds = 0.3\nretries = 0\n{TABLES}'
    )
    return str(folder / "collector.toml")


def test_check_explain_and_capture(
    agent: SecureAgent, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_files(tmp_path, agent)
    Path(path).chmod(0o600)
    recording = tmp_path / "gate.snmprec"
    assert bairro.main(["check", "--config", path]) == 0
    assert bairro.main(["explain", "gate", "--config", path]) == 0
    assert bairro.main(["explain", "locked", "--config", path]) == 1
    assert bairro.main(["capture", "gate", "--config", path, "--out", str(recording)]) == 0
    assert bairro.main(["capture", "locked", "--config", path]) == 1
    said = capsys.readouterr()
    for part in (
        "3 credentials",
        "credential = stranger+v3",
        "let in by = v3",
        "verdict\n  SNMP answered",
        "the agent refuses the request: credential 'wrong': the agent finds the request's signature wrong: check auth_",
        "bairro capture: locked: credential 'wrong': the agent finds the request's signature wrong",
    ):
        assert part in said.out
    objects, problems = recordings.read(recording)
    assert problems == []
    assert len(objects) > 50
    told = said.out + said.err + caplog.text + recording.read_text()
    assert [secret for secret in SECRETS if secret in told] == []


def test_no_secret_in_metrics_log_or_files(
    agent: SecureAgent, tmp_path: Path, free_port: Callable[[], int], eventually: Callable[..., Any]
) -> None:
    run = CollectorRun(tmp_path, port=free_port(), tables=TABLES)
    where = f"{agent.address}:{agent.port}"
    run.write_inventory(
        f"gate,{where},router,centre,,off,stranger+v3,lo,1", f"locked,{where},router,centre,,off,wrong,,1"
    )
    run.start()
    try:
        eventually(run.is_ready)
        up = eventually(lambda: run.metrics()["bairro_device_up"])
        probes = [run.get(f"/probe?target={name}")[1] for name in ("gate", "locked")]
        metrics = run.get("/metrics")[1]
    finally:
        code = run.stop(signal.SIGTERM)
    assert code == 0
    assert up[("device", "gate"),] == 1
    files = [file for file in run.data.rglob("*") if file.is_file()]
    written = b"".join(file.read_bytes() for file in files)
    assert files
    told = "".join([metrics, *probes, run.said()]).encode() + written
    assert [secret for secret in SECRETS if secret.encode() in told] == []
    assert "ERROR" not in run.said()
