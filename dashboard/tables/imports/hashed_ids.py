"""The keyed hash that stands for a customer's id: the key lies outside the data, and without it nobody gets back."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import pyarrow as pa

from bairro_error import BairroError

KEY_BYTES = 32
HASH_CHARACTERS = 24


class KeyProblemError(BairroError, ValueError):
    """A customer key that cannot be used; the message names the file and what to do."""


def fingerprint(key: bytes) -> str:
    """Tells two keys apart without telling anything of either."""
    return hmac.digest(key, b"bairro customer key", hashlib.sha256).hex()[:16]


def load_key(path: Path, data: Path, *, known: str | None, is_dry_run: bool = False) -> tuple[bytes, bool]:
    """The key in ``path`` and whether it was made just now; ``known`` is the fingerprint of what is already stored.

    A key is made (mode 0600) where there is neither key nor records; a dry run makes one for itself alone.
    Raises KeyProblemError.
    """
    if path.resolve().is_relative_to(data.resolve()):
        raise KeyProblemError(f"{path}: customer_key lies inside the data folder {data}; keep it elsewhere")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        if known:
            raise KeyProblemError(
                f"{path}: the customer key is missing, and records made with it exist in {data / 'records'}:"
                " put it back, or move those records away and import everything anew"
            ) from None
        return _create(path, is_dry_run), True
    except OSError as error:
        raise KeyProblemError(f"{path}: the customer key cannot be read: {error.strerror}") from None
    except ValueError:
        raise KeyProblemError(f"{path}: not a customer key (64 hexadecimal digits)") from None
    if len(key) < KEY_BYTES:
        raise KeyProblemError(f"{path}: the customer key is too short: 64 hexadecimal digits are needed")
    if known and fingerprint(key) != known:
        raise KeyProblemError(f"{path}: not the customer key that the records in {data / 'records'} were made with")
    return key, False


def hash_ids(ids: pa.Array, key: bytes) -> pa.Array:
    """HMAC-SHA-256 of every id as it stands in the file (trimmed), cut to 96 bits: five million ids meet by chance
    with probability 2e-16. Null stays null."""
    encoded = ids.dictionary_encode()
    hashed = [hash_id(text, key) for text in encoded.dictionary.to_pylist()]
    return pa.array(hashed, pa.string()).take(encoded.indices) if hashed else ids


def hash_id(text: str, key: bytes) -> str:
    """The same of one id."""
    return hmac.digest(key, text.encode(), "sha256").hex()[:HASH_CHARACTERS]


def _create(path: Path, is_dry_run: bool) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    if is_dry_run:
        return key
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyProblemError(f"{path}: the customer key cannot be made: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key
