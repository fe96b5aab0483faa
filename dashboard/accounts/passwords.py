"""Passwords: kept as argon2id (RFC 9106), and checked in the same time whether the account is there or not."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

from dashboard.operations.audit import EntryError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_LETTERS, MOST_LETTERS = 12, 256
COMMON = frozenset(
    {"password1234", "passwordpassword", "123456789012", "1234567890123", "qwertyuiop12", "administrator"}
)
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each check takes 64 MiB: more of them at a time wait."""


@functools.cache
def _hasher() -> PasswordHasher:
    """argon2-cffi's own defaults: 64 MiB, three passes, four lanes, which RFC 9106 (4) recommends second."""
    from argon2 import PasswordHasher

    return PasswordHasher()


@functools.cache
def _of_nobody() -> str:
    """What is checked where there is no such account, so that this takes as long."""
    return _hasher().hash("of nobody")


def hashed(password: str, name: str) -> str:
    """``password`` as it is kept. Raises EntryError where it is too weak for ``name``."""
    _check(password, name)
    with _AT_ONCE:
        return _hasher().hash(password)


def _check(password: str, name: str) -> None:
    """Length and nothing of composition (NIST SP 800-63B, 3.1.1.2)."""
    if len(password) < LEAST_LETTERS:
        raise EntryError(
            f"a password has at least {LEAST_LETTERS} letters; a few words that nobody would guess do well"
        )
    if len(password) > MOST_LETTERS:
        raise EntryError(f"a password has at most {MOST_LETTERS} letters")
    plain = password.casefold()
    if plain in COMMON or len(set(plain)) < 4 or plain.strip("0123456789!.-_ ") == name.casefold():
        raise EntryError("this password is among the first that anybody would try; choose another")


def is_right(password: str, kept: str | None) -> bool:
    """Whether ``password`` is the one that is ``kept``; None where there is no such account or it has no password."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _AT_ONCE:
        try:
            _hasher().verify(kept or _of_nobody(), password[: MOST_LETTERS + 1])
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether a password should be kept anew, as another version of the library keeps it."""
    return _hasher().check_needs_rehash(kept)
