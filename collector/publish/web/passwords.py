"""Passwords of the web configuration: bcrypt off the event loop, each answer remembered."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping

import bcrypt

MOST_REMEMBERED = 100
MOST_WAITING = 16
LONGEST_PASSWORD = 72
"""bcrypt reads no more bytes than that."""


class TooManyChecksError(Exception):
    """More passwords wait to be checked than can be; the client should come back later."""


class Passwords:
    """Checks HTTP basic authentication (RFC 7617), one password at a time: bcrypt is made to cost a core."""

    def __init__(self) -> None:
        self._fits: OrderedDict[bytes, None] = OrderedDict()
        self._fails: OrderedDict[bytes, None] = OrderedDict()
        self._key = secrets.token_bytes(32)
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    async def fit(self, users: Mapping[str, str], authorization: str) -> bool:
        """Whether the header names one of ``users`` (name -> bcrypt hash) with its password.

        An unknown user costs as much time as a known one. Raises TooManyChecksError.
        """
        given = _read(authorization)
        if given is None:
            return False
        name, password = given
        by_name = {user.encode(): hashed.encode() for user, hashed in users.items()}
        hashed = by_name.get(name, _nobody(max(by_name.values(), key=_cost)))
        mark = self._mark(name, hashed, password)
        if mark not in self._fits and mark not in self._fails:
            fits = await self._check(password, hashed) and name in by_name
            _remember(self._fits if fits else self._fails, mark)
        return mark in self._fits

    async def _check(self, password: bytes, hashed: bytes) -> bool:
        if self._waiting >= MOST_WAITING:
            raise TooManyChecksError
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                return await asyncio.to_thread(_is_it, password, hashed)
        finally:
            self._waiting -= 1

    def _mark(self, *parts: bytes) -> bytes:
        """What is kept in memory in place of user, hash and password: no password, and no hash without a key."""
        joined = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hashlib.blake2b(joined, key=self._key, digest_size=32).digest()


def _remember(known: OrderedDict[bytes, None], mark: bytes) -> None:
    known[mark] = None
    if len(known) > MOST_REMEMBERED:
        known.popitem(last=False)


def _read(authorization: str) -> tuple[bytes, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon else None


def _is_it(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:LONGEST_PASSWORD], hashed)
    except ValueError:
        return False


def _cost(hashed: bytes) -> bytes:
    return hashed.split(b"$")[2]


def _nobody(like: bytes) -> bytes:
    """A hash that nothing fits, as costly as ``like``."""
    return b"$2b$%s$%s" % (_cost(like), b"." * 53)
