"""Version 3's cryptography: the published keys, and pysnmp answering us in every pair of protocols that there is."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context

from collector.commands.blocking_client import Caller, NoAnswerError
from collector.credentials import AUTH_PROTOCOLS, PRIV_PROTOCOLS, Credential
from collector.poll.objects.get_request import access
from collector.poll.snmp.codec import GET, BadPacketError, encode_oid, encode_request, parse_oid
from collector.poll.snmp.usm import AUTH, PRIV, Aes, Des, Signer, localized_key, password_key, privacy_key

from ..secure_agent import AUTH_PASSWORD, PRIV_PASSWORD, credential, user_name

ENGINE = bytes.fromhex("000000000000000000000002")
SYS_DESCR = encode_oid(parse_oid("1.3.6.1.2.1.1.1.0"))


@pytest.mark.parametrize(
    ("hash_name", "key", "localized"),
    [
        ("md5", "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
        ("sha1", "9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f"),
    ],
)
def test_keys_of_rfc_3414_a_3(hash_name: str, key: str, localized: str) -> None:
    made = password_key(hash_name, b"maplesyrup")
    assert made.hex() == key
    assert localized_key(hash_name, made, ENGINE).hex() == localized


@pytest.mark.parametrize(
    ("hash_name", "extended"),
    [
        ("md5", "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12"),
        ("sha1", "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c"),
    ],
)
def test_longer_keys_of_reeders_draft_appendix_b(hash_name: str, extended: str) -> None:
    key = password_key(hash_name, b"maplesyrup")
    assert privacy_key(hash_name, key, ENGINE, PRIV["AES256C"]).hex() == extended
    assert privacy_key(hash_name, key, ENGINE, PRIV["AES192C"]).hex() == extended[:48]


@pytest.mark.parametrize("name", AUTH_PROTOCOLS)
@pytest.mark.parametrize("key_bytes", [16, 64, 200])
def test_signatures_are_those_of_the_standard_library(name: str, key_bytes: int) -> None:
    auth = AUTH[name]
    key, message = bytes(range(key_bytes))[: hmac.new(b"", b"", auth.hash_name).digest_size], b"packet" * 50
    signer = Signer(auth, key)
    assert signer.sign(message) == hmac.digest(key, message, auth.hash_name)[: auth.mac_bytes]
    unsigned = message[:30] + signer.zeros + message[30:]
    mac = signer.sign(unsigned)
    signed = message[:30] + mac + message[30:]
    assert signer.is_signed(signed, 30, mac)
    assert not signer.is_signed(signed[:-1] + b"!", 30, mac)
    assert not signer.is_signed(signed, 30, mac[:-1])
    assert not signer.is_signed(signed, 30, b"")


@pytest.mark.parametrize("cipher", [Aes(bytes(range(16))), Aes(bytes(range(32))), Des(bytes(range(16)))])
def test_what_is_encrypted_is_decrypted_and_no_salt_comes_twice(cipher: Aes | Des) -> None:
    plain = b"a scoped PDU of forty-three bytes, not blocks"
    salts = set()
    for _ in range(100):
        encrypted, salt = cipher.encrypt(plain, 7, 1000)
        salts.add(salt)
        assert encrypted[: len(plain)] != plain
        assert cipher.decrypt(encrypted, 7, 1000, salt)[: len(plain)] == plain
    assert len(salts) == 100
    for encrypted, salt in ((b"12345678", b"short"), (b"12345678", b"")):
        with pytest.raises(BadPacketError, match="bad_decryption"):
            cipher.decrypt(encrypted, 7, 1000, salt)


def test_des_takes_whole_blocks_only() -> None:
    with pytest.raises(BadPacketError, match="bad_decryption"):
        Des(bytes(16)).decrypt(b"123456789", 7, 1000, bytes(8))


PYSNMP_AUTH = {
    "MD5": config.USM_AUTH_HMAC96_MD5,
    "SHA": config.USM_AUTH_HMAC96_SHA,
    "SHA224": config.USM_AUTH_HMAC128_SHA224,
    "SHA256": config.USM_AUTH_HMAC192_SHA256,
    "SHA384": config.USM_AUTH_HMAC256_SHA384,
    "SHA512": config.USM_AUTH_HMAC384_SHA512,
}
PYSNMP_PRIV = {
    None: config.USM_PRIV_NONE,
    "DES": config.USM_PRIV_CBC56_DES,
    "AES": config.USM_PRIV_CFB128_AES,
    "AES192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "AES256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES192C": config.USM_PRIV_CFB192_AES,
    "AES256C": config.USM_PRIV_CFB256_AES,
}
PAIRS = list(itertools.product(AUTH_PROTOCOLS, (None, *PRIV_PROTOCOLS)))


def respond(port: int) -> SnmpEngine:
    """A pysnmp agent with a user for every pair, in this thread's event loop."""
    engine = SnmpEngine()
    config.add_transport(engine, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(("127.0.0.1", port)))
    for auth, priv in PAIRS:
        name = user_name(auth, priv)
        secrets = (PYSNMP_AUTH[auth], AUTH_PASSWORD, PYSNMP_PRIV[priv], PRIV_PASSWORD if priv else None)
        config.add_v3_user(engine, name, *secrets)
        level = "authPriv" if priv else "authNoPriv"
        config.add_vacm_user(engine, 3, name, level, (1, 3, 6), (1, 3, 6))
    cmdrsp.GetCommandResponder(engine, context.SnmpContext(engine))
    return engine


@pytest.fixture(scope="module")
def pysnmp_port(free_port: Callable[[], int]) -> Iterator[int]:
    port, started = free_port(), threading.Event()
    loop = asyncio.new_event_loop()
    engines: list[Any] = []

    def serve() -> None:
        asyncio.set_event_loop(loop)
        engines.append(respond(port))
        loop.call_soon(started.set)
        loop.run_forever()
        engines[0].close_dispatcher()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(60)
    yield port
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def ask(port: int, through: Credential) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.connect(("127.0.0.1", port))
        channel.settimeout(5)
        message = Caller(channel, access(through), tries=1).ask(encode_request(GET, b"", [SYS_DESCR]))
    value = message.varbinds[0].value
    assert isinstance(value, bytes)
    return value


@pytest.mark.parametrize(("auth", "priv"), PAIRS)
def test_pysnmp_answers_every_pair_of_protocols(pysnmp_port: int, auth: str, priv: str | None) -> None:
    assert b"PySNMP" in ask(pysnmp_port, credential(auth, priv))


def test_pysnmp_refuses_the_other_way_to_make_a_long_key(pysnmp_port: int) -> None:
    with pytest.raises(NoAnswerError, match=r"cannot decrypt|no answer"):
        ask(pysnmp_port, credential("SHA", "AES256C", user=user_name("SHA", "AES256")))
