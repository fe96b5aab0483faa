"""Poll stage: the cryptography of SNMPv3's user-based security model: keys, signatures and privacy, without packets.

RFC 3414 (MD5, SHA-1, DES), RFC 3826 (AES-128), RFC 7860 (SHA-2); AES-192 and AES-256 have no RFC but two drafts that
differ in how a key is made longer than its hash: Blumenthal's (net-snmp and most) and Reeder's (Cisco).
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from hmac import compare_digest
from typing import NamedTuple

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from collector.credentials import Credential
from collector.poll.snmp.codec import BadPacketError

EXPANDED_PASSWORD_BYTES = 1 << 20
SALT_BYTES = 8


class Auth(NamedTuple):
    """A signing protocol: its hash, the hash's block, and how many bytes of the result a message carries."""

    hash_name: str
    block_bytes: int
    mac_bytes: int


class Priv(NamedTuple):
    """A privacy protocol: its cipher, the bytes of its key, and whose rule makes the key longer where it must be."""

    cipher: str
    key_bytes: int
    extension: str = ""


AUTH = {
    "MD5": Auth("md5", 64, 12),
    "SHA": Auth("sha1", 64, 12),
    "SHA224": Auth("sha224", 64, 16),
    "SHA256": Auth("sha256", 64, 24),
    "SHA384": Auth("sha384", 128, 32),
    "SHA512": Auth("sha512", 128, 48),
}
PRIV = {
    "DES": Priv("DES", 16),
    "AES": Priv("AES", 16),
    "AES192": Priv("AES", 24, "blumenthal"),
    "AES256": Priv("AES", 32, "blumenthal"),
    "AES192C": Priv("AES", 24, "reeder"),
    "AES256C": Priv("AES", 32, "reeder"),
}


@lru_cache(maxsize=1024)
def password_key(hash_name: str, password: bytes) -> bytes:
    """The user's key Ku: the hash of the password repeated to a megabyte (RFC 3414 A.2), a millisecond or two."""
    repeated = password * (EXPANDED_PASSWORD_BYTES // len(password) + 1)
    return hashlib.new(hash_name, repeated[:EXPANDED_PASSWORD_BYTES]).digest()


def localized_key(hash_name: str, key: bytes, engine_id: bytes) -> bytes:
    """The user's key at one engine, Kul (RFC 3414 section 2.6)."""
    return hashlib.new(hash_name, key + engine_id + key).digest()


def privacy_key(hash_name: str, key: bytes, engine_id: bytes, priv: Priv) -> bytes:
    """The localized privacy key from Ku, as long as the protocol needs."""
    made = localized_key(hash_name, key, engine_id)
    while len(made) < priv.key_bytes:
        if priv.extension == "reeder":
            made += localized_key(hash_name, password_key(hash_name, made), engine_id)
        else:
            made += hashlib.new(hash_name, made).digest()
    return made[: priv.key_bytes]


class Signer:
    """HMAC with one localized key (RFC 2104), cut to what a message carries. The two padded keys are hashed once."""

    __slots__ = ("_inner", "_outer", "mac_bytes", "zeros")

    def __init__(self, auth: Auth, key: bytes) -> None:
        block = key.ljust(auth.block_bytes, b"\0")
        self._inner = hashlib.new(auth.hash_name, bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.new(auth.hash_name, bytes(byte ^ 0x5C for byte in block))
        self.mac_bytes = auth.mac_bytes
        self.zeros = bytes(auth.mac_bytes)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message whose own place for it holds zeros."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()[: self.mac_bytes]

    def is_signed(self, message: bytes, mac_at: int, mac: bytes) -> bool:
        """Whether ``mac``, which stands at ``mac_at``, is the message's signature."""
        if len(mac) != self.mac_bytes:
            return False
        unsigned = message[:mac_at] + self.zeros + message[mac_at + self.mac_bytes :]
        return compare_digest(self.sign(unsigned), mac)


class Aes:
    """AES in CFB mode; the vector is the engine's boots and time and a salt that never comes twice (RFC 3826)."""

    __slots__ = ("_algorithm", "_salt")

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)
        self._salt = int.from_bytes(os.urandom(8), "big")

    def encrypt(self, plain: bytes, boots: int, seconds: int) -> tuple[bytes, bytes]:
        """The encrypted bytes and their salt."""
        self._salt = (self._salt + 1) & 0xFFFFFFFFFFFFFFFF
        salt = self._salt.to_bytes(8, "big")
        vector = (boots << 32 | seconds).to_bytes(8, "big") + salt
        return Cipher(self._algorithm, CFB(vector)).encryptor().update(plain), salt

    def decrypt(self, encrypted: bytes, boots: int, seconds: int, salt: bytes) -> bytes:
        """The plain bytes. Raises BadPacketError."""
        if len(salt) != SALT_BYTES:
            raise BadPacketError("bad_decryption", f"a salt of {len(salt)} bytes")
        vector = (boots << 32 | seconds).to_bytes(8, "big") + salt
        return Cipher(self._algorithm, CFB(vector)).decryptor().update(encrypted)


class Des:
    """DES in CBC mode; half of the key makes the vector (RFC 3414 section 8). One DES is three with the same key."""

    __slots__ = ("_algorithm", "_pre_vector", "_salt")

    def __init__(self, key: bytes) -> None:
        self._algorithm = TripleDES(key[:8] * 3)
        self._pre_vector = int.from_bytes(key[8:16], "big")
        self._salt = int.from_bytes(os.urandom(4), "big")

    def encrypt(self, plain: bytes, boots: int, seconds: int) -> tuple[bytes, bytes]:
        """The encrypted bytes, filled up to whole blocks, and their salt."""
        self._salt = (self._salt + 1) & 0xFFFFFFFF
        salt = (boots << 32 | self._salt).to_bytes(8, "big")
        filled = plain + bytes(-len(plain) % 8)
        return Cipher(self._algorithm, self._mode(salt)).encryptor().update(filled), salt

    def decrypt(self, encrypted: bytes, boots: int, seconds: int, salt: bytes) -> bytes:
        """The plain bytes with what filled them up. Raises BadPacketError."""
        if len(salt) != SALT_BYTES or len(encrypted) % 8:
            raise BadPacketError("bad_decryption", f"a salt of {len(salt)} bytes, {len(encrypted)} encrypted ones")
        return Cipher(self._algorithm, self._mode(salt)).decryptor().update(encrypted)

    def _mode(self, salt: bytes) -> CBC:
        return CBC((int.from_bytes(salt, "big") ^ self._pre_vector).to_bytes(8, "big"))


class Keys(NamedTuple):
    """What one user signs and encrypts with at one engine; None where the credential does not."""

    signer: Signer | None
    cipher: Aes | Des | None


def localize(credential: Credential, engine_id: bytes) -> Keys:
    """The keys of a version 3 credential at an engine."""
    if credential.auth_protocol is None:
        return Keys(None, None)
    auth = AUTH[credential.auth_protocol]
    key = password_key(auth.hash_name, credential.auth_password.encode("utf-8"))
    signer = Signer(auth, localized_key(auth.hash_name, key, engine_id))
    if credential.priv_protocol is None:
        return Keys(signer, None)
    priv = PRIV[credential.priv_protocol]
    key = password_key(auth.hash_name, credential.priv_password.encode("utf-8"))
    secret = privacy_key(auth.hash_name, key, engine_id, priv)
    return Keys(signer, Des(secret) if priv.cipher == "DES" else Aes(secret))
