"""Version 3 against a real snmpd: every protocol that it speaks, restarts, replacement, and everything that is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from collector.config import CollectorSettings
from collector.credentials import Credential
from collector.poll.explain import explain
from collector.poll.profile import load_profiles

from .agents import QUICK, device, poll
from .secure_agent import AUTH_PASSWORD, EVERYONE, PRIV_PASSWORD, SecureAgent, Start, credential

CALM = dataclasses.replace(QUICK, timeout_seconds=2.0, retries=2, budget_seconds=10.0)


@pytest.fixture(scope="module")
def agent(start_snmpd: Start) -> SecureAgent:
    """One with a user for every pair of protocols."""
    return start_snmpd(users=EVERYONE)


PROFILES = load_profiles()


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


def test_explained_in_the_clear_and_without_secrets(agent: SecureAgent, tmp_path: Path) -> None:
    mine = credential("SHA256", "AES256")
    settings = CollectorSettings(inventory=tmp_path, data=tmp_path, poll=CALM, credentials=(mine,))
    text = str(explain(device(agent.port, address=agent.address), settings))
    for part in (
        "discovery: which SNMP engine is there?",
        "report\n  usmStatsUnknownEngineIDs.0 (1.3.6.1.6.3.15.1.1.4.0) = Counter32: ",
        "GET\n  1.3.6.1.2.1.1.2.0\n",
        "sysUpTime.0 (1.3.6.1.2.1.1.3.0) = TimeTicks: ",
        "InterfaceReading(name='lo'",
        "snmp = answered",
    ):
        assert part in text
    assert "unusable" not in text
    assert not any(secret in text for secret in (AUTH_PASSWORD, PRIV_PASSWORD))
