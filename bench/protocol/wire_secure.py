"""The version 3 side of bench/protocol/wire.py's agents: ``python -m bench.protocol.wire_secure PORT AGENT_PORT``.

A process that lets one user in (SHA-1, AES-128) on every loopback address, passes the PDU on to the C agent as version
2c, and signs and encrypts its answer. It shares our codec, so it proves nothing; it is a load.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable

from collector.credentials import Credential
from collector.poll.snmp.codec import SEQUENCE, encode_head, encode_oid, encode_tlv
from collector.poll.snmp.usm import Keys, localize
from collector.poll.snmp.usm_session import USM_STATS
from collector.poll.snmp.v3 import (
    AUTHENTIC,
    PRIVATE,
    Secured,
    decrypted_scope,
    encode_message,
    encode_outside,
    parse,
    pdu_of,
)

CREDENTIAL = Credential("bench", "3", "", "bench", "SHA", "bench-password", "AES", "bench-password")
ENGINE_ID = b"\x80\x00\x1f\x88\x04bench"
IP_PKTINFO = 8


class Front:
    """Opens requests, asks the agent behind by ``ask`` (a version 2c message, and its reply), closes its answers."""

    def __init__(self, ask: Callable[[bytes], bytes]) -> None:
        self._ask = ask
        self._keys = localize(CREDENTIAL, ENGINE_ID)
        self._outside = encode_outside(ENGINE_ID, CREDENTIAL.user, "", AUTHENTIC | PRIVATE)
        self._unsigned = encode_outside(ENGINE_ID, "", "", 0)
        self._head = encode_head("2c", "public")
        self._started = time.monotonic()

    def answer(self, data: bytes) -> bytes:
        message = parse(data)
        clock = 1, int(time.monotonic() - self._started)
        if not message.engine_id:
            return self._who_is_there(message.msg_id, clock)
        reply = self._ask(encode_tlv(SEQUENCE, self._head + self._request(data, message)))
        at = (2 if reply[1] < 0x80 else 2 + (reply[1] & 0x7F)) + len(self._head)
        return encode_message(self._outside, self._keys, clock, msg_id=message.msg_id, pdu=reply[at:])

    def _request(self, data: bytes, message: Secured) -> bytes:
        signer, cipher = self._keys
        assert signer is not None
        assert cipher is not None
        assert signer.is_signed(data, message.mac_at, message.mac)
        plain = cipher.decrypt(message.scope, message.boots, message.seconds, message.salt)
        return pdu_of(decrypted_scope(plain), self._outside.context)

    def _who_is_there(self, msg_id: int, clock: tuple[int, int]) -> bytes:
        bind = encode_tlv(SEQUENCE, encode_tlv(0x06, encode_oid((*USM_STATS, 4, 0))) + b"\x41\x01\x01")
        pdu = encode_tlv(0xA8, b"\x02\x01\x00" * 3 + encode_tlv(SEQUENCE, bind))
        return encode_message(self._unsigned, Keys(None, None), clock, msg_id=msg_id, pdu=pdu)


def main(port: int, agent_port: int) -> None:
    agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    agent.connect(("127.0.0.1", agent_port))

    def ask(request: bytes) -> bytes:
        agent.send(request)
        return agent.recv(65535)

    front = Front(ask)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        served.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        served.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        served.bind(("", port))
        print("ready", flush=True)
        while True:
            data, control, _, sender = served.recvmsg(65535, 64)
            where = struct.pack("@I4s4x", 0, control[0][2][8:12])
            served.sendmsg([front.answer(data)], [(socket.IPPROTO_IP, IP_PKTINFO, where)], 0, sender)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
