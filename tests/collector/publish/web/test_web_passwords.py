"""Passwords: remembered while their hash stands, equally slow for anybody, never in the loop's way."""

from __future__ import annotations

import asyncio
import base64

import bcrypt
import pytest

from collector.publish.web import passwords as web_users
from collector.publish.web.passwords import Passwords, TooManyChecksError

PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Basic YWxpY2U=", f"Bearer {HASH}", "Basic " + "A" * 9000, "Digest username=alice"],
    ids=["empty", "no value", "no base64", "no colon", "bearer", "too long", "digest"],
)
def test_headers_that_are_no_password(header: str) -> None:
    assert not asyncio.run(Passwords().fit({"alice": HASH}, header))


def test_a_password_is_remembered_until_its_hash_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bytes] = []
    really = bcrypt.checkpw
    monkeypatch.setattr(
        web_users.bcrypt, "checkpw", lambda given, hashed: checked.append(given) or really(given, hashed)
    )
    header = "Basic " + base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
    another = bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()

    async def ask() -> list[bool]:
        passwords = Passwords()
        answers = [await passwords.fit({"alice": HASH}, header) for _ in range(5)]
        assert len(checked) == 1
        answers += [await passwords.fit({"alice": another}, header) for _ in range(5)]
        assert len(checked) == 2
        return answers

    assert asyncio.run(ask()) == [True] * 5 + [False] * 5


def test_unknown_users_cost_what_known_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[bytes] = []
    really = bcrypt.checkpw

    def check(given: bytes, hashed: bytes) -> bool:
        costs.append(hashed.split(b"$")[2])
        return really(given, hashed)

    monkeypatch.setattr(web_users.bcrypt, "checkpw", check)
    for user in ("alice", "nobody"):
        header = "Basic " + base64.b64encode(f"{user}:wrong".encode()).decode()
        assert not asyncio.run(Passwords().fit({"alice": HASH}, header))
    assert costs == [b"04", b"04"]


def test_the_loop_turns_while_passwords_are_checked() -> None:
    """One check holds a thread, the others wait their turn, and too many are sent away."""
    slow = bcrypt.hashpw(b"x", bcrypt.gensalt(10)).decode()

    async def ask() -> tuple[int, int, int]:
        passwords = Passwords()

        async def one(number: int) -> bool | None:
            header = "Basic " + base64.b64encode(f"alice:{number}".encode()).decode()
            try:
                return await passwords.fit({"alice": slow}, header)
            except TooManyChecksError:
                return None

        waiting = [asyncio.create_task(one(number)) for number in range(web_users.MOST_WAITING + 4)]
        turns = 0
        while not all(task.done() for task in waiting):
            await asyncio.sleep(0.001)
            turns += 1
        answers = [task.result() for task in waiting]
        return answers.count(False), answers.count(None), turns

    failed, refused, turns = asyncio.run(ask())
    assert (failed, refused) == (web_users.MOST_WAITING, 4)
    assert turns > 2 * web_users.MOST_WAITING, "a check that held the loop would leave it one turn each"
