"""Poll stage, inside the trap worker: pysnmp reads one packet and says which notification it was, or why it was dropped.

SNMPv3 traps name the sender's engine as the authoritative one (RFC 3414 section 1.5.1), which a receiver cannot know
beforehand. Here a user is entered for an engine when a packet names both; its HMAC then decides. Informs use the
receiver's own engine, which the sender discovers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyasn1.codec.ber import decoder
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.carrier.base import AbstractTransport, AbstractTransportDispatcher
from pysnmp.entity import config as usm
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntfrcv import NotificationReceiver
from pysnmp.proto import errind
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc2576 import SnmpV1SecurityModel, SnmpV2cSecurityModel
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel, UsmSecurityParameters

from collector.poll.traps.kinds import TRAP_ADDRESS, kind_of

Peer = tuple[Any, ...]

AUTHENTICATION = {
    None: usm.USM_AUTH_NONE,
    "MD5": usm.USM_AUTH_HMAC96_MD5,
    "SHA": usm.USM_AUTH_HMAC96_SHA,
    "SHA224": usm.USM_AUTH_HMAC128_SHA224,
    "SHA256": usm.USM_AUTH_HMAC192_SHA256,
    "SHA384": usm.USM_AUTH_HMAC256_SHA384,
    "SHA512": usm.USM_AUTH_HMAC384_SHA512,
}
PRIVACY = {
    None: usm.USM_PRIV_NONE,
    "DES": usm.USM_PRIV_CBC56_DES,
    "AES": usm.USM_PRIV_CFB128_AES,
    "AES192": usm.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "AES256": usm.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES192C": usm.USM_PRIV_CFB192_AES,
    "AES256C": usm.USM_PRIV_CFB256_AES,
}
_REASONS = {
    errind.UnknownCommunityName: "community",
    errind.UnknownSecurityName: "v3_user",
    errind.AuthenticationFailure: "v3_password",
    errind.NoAuthentication: "v3_level",
    errind.DecryptionError: "v3_password",
    errind.UnsupportedSecurityLevel: "v3_level",
    errind.NotInTimeWindow: "v3_time",
}
_LEVELS = {(False, False): 1, (True, False): 2, (True, True): 3}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one packet: a notification of some ``kind``, or dropped for a ``reason``, or neither.

    Neither is the discovery that precedes an inform of version 3: it was answered and says nothing.
    """

    kind: str | None = None
    reason: str | None = None
    address: str | None = None
    """Whom the notification says that it is of; to be believed of relays only."""


class TrapUser:
    """A user of version 3 with its keys stretched once (the costly part of RFC 3414 A.2)."""

    def __init__(self, name: str, auth: tuple[str | None, str | None], priv: tuple[str | None, str | None]) -> None:
        """``auth`` and ``priv`` are (protocol, password), the protocol as in the settings, None where not used."""
        self.name = name
        self.auth, self.priv = AUTHENTICATION[auth[0]], PRIVACY[priv[0]]
        self.level = _LEVELS[auth[0] is not None, priv[0] is not None]
        self.auth_key = self.priv_key = None
        if auth[0] is not None:
            self.auth_key = usm.AUTH_SERVICES[self.auth].hash_passphrase(OctetString(auth[1] or ""))
        if priv[0] is not None:
            self.priv_key = usm.PRIV_SERVICES[self.priv].hash_passphrase(self.auth, OctetString(priv[1] or ""))

    def enter(self, engine: SnmpEngine, engine_id: bytes) -> None:
        """Let pysnmp know the user at this authoritative engine; one of the same name there is replaced."""
        master = usm.USM_KEY_TYPE_MASTER
        usm.add_v3_user(
            engine,
            self.name,
            self.auth,
            self.auth_key,
            self.priv,
            self.priv_key,
            securityEngineId=OctetString(engine_id),
            authKeyType=master,
            privKeyType=master,
        )


class TrapEngine:
    """One pysnmp engine, fed packet by packet; it keeps no socket of its own and answers through ``send``."""

    def __init__(
        self,
        communities: Sequence[str],
        users: Sequence[TrapUser],
        identity: tuple[bytes, int],
        send: Callable[[bytes, Peer], None],
    ) -> None:
        """``identity`` is this engine's id and its number of boots, both of which informs rely on."""
        engine = self._engine = SnmpEngine()
        _set(engine, "snmpEngineID", OctetString(identity[0]))
        _set(engine, "snmpEngineBoots", identity[1])
        self._models = (_V1(), _V2c(), _Usm(users))
        for model in self._models:
            engine.security_models[model.SECURITY_MODEL_ID] = model
        for number, community in enumerate(communities):
            usm.add_v1_system(engine, f"community-{number}", community)
        self._dispatcher = AbstractTransportDispatcher()
        self._wire = _Wire(send)
        engine.register_transport_dispatcher(self._dispatcher)
        self._dispatcher.register_transport(udp.SNMP_UDP_DOMAIN, self._wire)
        self._heard_last: Outcome | None = None
        NotificationReceiver(engine, self._heard)

    def take(self, data: bytes, peer: Peer, now: float) -> Outcome:
        """Read one packet, answer it if it is an inform, and say what it was."""
        self._heard_last = None
        for model in self._models:
            model.failure = None
        self._dispatcher.handle_timer_tick(now)
        try:
            self._wire.deliver(data, peer)
        except Exception:  # pysnmp lets many kinds of error through on malformed packets
            return Outcome(reason="bad_packet")
        if self._heard_last is not None:
            return self._heard_last
        failures = [model.failure for model in self._models if model.failure is not None]
        if not failures:
            return Outcome(reason="bad_packet")
        if isinstance(failures[0], errind.UnknownEngineID):
            return Outcome()
        return Outcome(reason=_REASONS.get(type(failures[0]), "bad_packet"))

    def _heard(self, _engine: Any, _state: Any, _engine_id: Any, _name: Any, varbinds: Any, _context: Any) -> None:
        objects = {str(name): value for name, value in varbinds}
        address = objects.get(TRAP_ADDRESS)
        claimed = address.prettyPrint() if address is not None else None
        self._heard_last = Outcome(kind=kind_of(objects) or "other", address=claimed)


def _set(engine: SnmpEngine, symbol: str, value: Any) -> None:
    (found,) = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", symbol)
    found.syntax = found.syntax.clone(value)


class _Wire(AbstractTransport):
    """Between pysnmp and the worker's socket. pysnmp sees one address for all senders, so that it keeps no state of them."""

    PROTO_TRANSPORT_DISPATCHER = AbstractTransportDispatcher
    _NOBODY = udp.UdpTransportAddress(("0.0.0.0", 0))

    def __init__(self, send: Callable[[bytes, Peer], None]) -> None:
        self._send = send
        self._peer: Peer = ()

    def deliver(self, data: bytes, peer: Peer) -> None:
        self._peer = peer
        self._callback_function(self, self._NOBODY, data)

    def send_message(self, outgoing: bytes, _address: Any) -> None:
        self._send(bytes(outgoing), self._peer)


class _Noting:
    """Remembers why a security model refused a message; pysnmp itself drops it without a word."""

    failure: object | None = None

    def process_incoming_message(self, *arguments: Any) -> Any:
        try:
            return super().process_incoming_message(*arguments)  # type: ignore[misc]
        except StatusInformation as error:
            self.failure = error["errorIndication"]
            raise


class _V1(_Noting, SnmpV1SecurityModel):
    pass


class _V2c(_Noting, SnmpV2cSecurityModel):
    pass


class _KnowingUsm(SnmpUSMSecurityModel):
    """Enters users at the engine that a packet names, and holds every message to the level of its user.

    pysnmp checks the level for its own engine only, so that a trap without authentication would pass for any user.
    """

    def __init__(self, users: Sequence[TrapUser]) -> None:
        super().__init__()
        self._users: dict[bytes, list[TrapUser]] = {}
        for user in users:
            self._users.setdefault(user.name.encode(), []).append(user)
        self._entered: dict[tuple[bytes, bytes], TrapUser] = {}

    def process_incoming_message(self, *arguments: Any) -> Any:
        """As pysnmp's, with each user of that name in turn until one's keys fit."""
        engine, _, _, parameters, _, level, _, _ = arguments
        read, _ = decoder.decode(parameters, asn1Spec=UsmSecurityParameters())
        engine_id, name = bytes(read[0]), bytes(read[3])
        if not name or not 5 <= len(engine_id) <= 32 or name not in self._users:
            return super().process_incoming_message(*arguments)
        fitting = [user for user in self._users[name] if user.level == level]
        if not fitting:
            raise StatusInformation(errorIndication=errind.unsupportedSecurityLevel)
        last = self._entered.get((engine_id, name))
        fitting.sort(key=lambda user: user is not last)
        for user in fitting:
            if self._entered.get((engine_id, name)) is not user:
                user.enter(engine, engine_id)
                self._entered[engine_id, name] = user
            try:
                return super().process_incoming_message(*arguments)
            except StatusInformation as error:
                is_wrong_key = isinstance(
                    error["errorIndication"], errind.AuthenticationFailure | errind.DecryptionError
                )
                if not is_wrong_key or user is fitting[-1]:
                    raise
        raise AssertionError("unreachable: the last user returns or raises")


class _Usm(_Noting, _KnowingUsm):
    pass
