"""Version 3 with somebody between us and the agent: altered, repeated, stripped and invented packets."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator, Sequence

import pytest

from collector.poll.snmp.codec import (
    GET,
    OCTETS,
    SEQUENCE,
    BadPacketError,
    Packet,
    decode_bare,
    encode_oid,
    encode_request,
    encode_tlv,
    parse_oid,
)
from collector.poll.snmp.engine import AskAgainError
from collector.poll.snmp.usm import Keys
from collector.poll.snmp.usm_session import REPORTS, TIME_WINDOW_SECONDS, Refusal, Sent, Session
from collector.poll.snmp.v3 import AUTHENTIC, PRIVATE, encode_message, encode_outside, parse

from ..agents import Serve, answering, device, encode_integer
from ..secure_agent import CPE, HASTY, MakeSteps, SecureAgent, Start, credential

MINE = credential("SHA", "AES")
QUESTION = encode_request(GET, b"", [encode_oid(parse_oid("1.3.6.1.2.1.1.3.0"))])
FORGED_ENGINE = b"\x80\x00\x1f\x88\x04forged"


@pytest.fixture(scope="module")
def agent(start_snmpd: Start) -> SecureAgent:
    return start_snmpd(users=[("SHA", "AES"), ("MD5", "DES"), ("SHA", None), (None, None)])


class Wire:
    """A Session and the agent, packet by packet, at a time of the test's choosing."""

    def __init__(self, agent: SecureAgent, session: Session) -> None:
        self.session = session
        self.now = 1000.0
        self._ids = iter(range(0x40000001, 0x50000000))
        self._channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._channel.connect((agent.address, agent.port))
        self._channel.settimeout(5)

    def send(self, packet: Packet = QUESTION) -> tuple[bytes, Sent]:
        """Ask, and what came back before anything is made of it."""
        data, sent = self.session.encode(packet.data, packet.id_at, msg_id=next(self._ids), now=self.now)
        self._channel.send(data)
        return self._channel.recv(65535), sent

    def open(self, reply: bytes, sent: Sent) -> bytes | Refusal:
        return self.session.open(reply, parse(reply), sent, self.now)

    def settle(self) -> bytes | Refusal:
        """Ask until it has said who it is and what time it is there."""
        self.session.begin_poll(is_lost=False)
        while True:
            reply, sent = self.send()
            try:
                return self.open(reply, sent)
            except AskAgainError:
                continue

    def close(self) -> None:
        self._channel.close()


@pytest.fixture
def wire(agent: SecureAgent) -> Iterator[Callable[..., Wire]]:
    made: list[Wire] = []

    def make(session: Session) -> Wire:
        made.append(Wire(agent, session))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("protocols", [("SHA", "AES"), ("MD5", "DES"), ("SHA", None)])
def test_no_reply_with_one_bit_changed_is_believed(
    wire: Callable[..., Wire], protocols: tuple[str, str | None]
) -> None:
    talk = wire(Session(credential(*protocols)))
    talk.settle()
    reply, sent = talk.send()
    reasons = set()
    for place in range(len(reply)):
        for bit in range(8):
            changed = bytearray(reply)
            changed[place] ^= 1 << bit
            with pytest.raises(BadPacketError) as refused:
                talk.open(bytes(changed), sent)
            reasons.add(refused.value.reason)
    assert {"bad_digest", "security_level", "wrong_engine", "wrong_user"} <= reasons
    assert isinstance(talk.open(reply, sent), bytes), "unchanged it is"


def test_a_reply_cut_short_or_made_longer_is_refused(wire: Callable[..., Wire]) -> None:
    talk = wire(Session(MINE))
    talk.settle()
    reply, sent = talk.send()
    for changed in (*(reply[:size] for size in range(len(reply))), reply + b"\0"):
        with pytest.raises(BadPacketError):
            talk.open(changed, sent)


def test_an_old_reply_is_not_an_answer_to_a_new_question(wire: Callable[..., Wire]) -> None:
    talk = wire(Session(MINE))
    talk.settle()
    old, first = talk.send()
    talk.open(old, first)
    _, second = talk.send()
    with pytest.raises(BadPacketError, match="unknown_id"):
        talk.open(old, second)


def test_a_reply_from_before_the_time_window_is_refused(wire: Callable[..., Wire]) -> None:
    talk = wire(Session(MINE))
    talk.settle()
    old, sent = talk.send()
    talk.now += TIME_WINDOW_SECONDS - 5
    assert isinstance(talk.open(old, sent), bytes)
    talk.now += 10
    with pytest.raises(BadPacketError, match="outside_time_window"):
        talk.open(old, sent)


def test_a_reply_from_before_a_restart_is_refused(wire: Callable[..., Wire]) -> None:
    talk = wire(Session(MINE))
    talk.settle()
    old, sent = talk.send()
    assert sent.peer is not None
    sent.peer.set_clock(sent.peer.boots + 1, 0, talk.now)
    with pytest.raises(BadPacketError, match="outside_time_window"):
        talk.open(old, sent)


def test_a_clock_that_has_come_to_its_end_is_refused(wire: Callable[..., Wire]) -> None:
    """RFC 3414 section 2.3: an engine whose boots have run out wants new keys."""
    talk = wire(Session(MINE))
    talk.settle()
    _, sent = talk.send()
    assert sent.peer is not None
    assert not sent.peer.hear(2**31 - 1, 5, talk.now)


def report(
    data: bytes, reason: str, *, engine_id: bytes = FORGED_ENGINE, clock: tuple[int, int] = (2**31 - 2, 2**31 - 2)
) -> bytes:
    """An unsigned report in answer to the request ``data``, as anybody could send one who sees it."""
    counter = next(oid for oid, name in REPORTS.items() if name == reason)
    bind = encode_tlv(SEQUENCE, encode_tlv(0x06, encode_oid((*counter, 0))) + encode_integer(1, 0x41))
    pdu = encode_tlv(0xA8, b"\x02\x01\x00" * 3 + encode_tlv(SEQUENCE, bind))
    outside = encode_outside(engine_id, "", "", 0)
    return encode_message(outside, Keys(None, None), clock, msg_id=parse(data).msg_id, pdu=pdu)


INVENTED = ["unknown_engine_id", "not_in_time_window", "wrong_digest", "unknown_user", "unsupported_level"]


@pytest.mark.parametrize("reason", INVENTED)
def test_invented_reports_neither_end_a_poll_nor_multiply_packets(
    agent: SecureAgent, serve: Serve, steps: MakeSteps, reason: str
) -> None:
    """The report comes before each true answer."""
    is_false = False

    def between(data: bytes) -> Sequence[bytes]:
        true = forward(agent, data)
        return [report(data, reason), *true] if is_false else true

    served = serve(answering(between))
    talk = steps(device(served.port, **CPE), MINE, settings=HASTY)
    assert talk.poll().snmp == "answered"
    is_false = True
    for _ in range(3):
        sent = talk.sent
        reading = talk.poll()
        assert (reading.snmp, reading.failure) == ("answered", None)
        assert talk.sent <= sent + 2
    assert set(talk.poller.counts.rejected) <= {reason, "security_level", "duplicate"}


@pytest.mark.parametrize("reason", INVENTED)
def test_nothing_but_invented_reports_ends_refused_after_few_packets(
    agent: SecureAgent, serve: Serve, steps: MakeSteps, reason: str
) -> None:
    is_false = False

    def between(data: bytes) -> Sequence[bytes]:
        return [report(data, reason)] if is_false else forward(agent, data)

    served = serve(answering(between))
    talk = steps(device(served.port, **CPE), MINE, settings=HASTY)
    assert talk.poll().snmp == "answered"
    is_false = True
    for _ in range(2):
        sent = talk.sent
        reading = talk.poll()
        assert reading.snmp == "refused"
        assert talk.sent <= sent + 3
    is_false = False
    assert talk.poll().snmp == "answered", "what was invented has taught us nothing"


def test_an_engine_that_is_another_each_time_is_followed_once_in_a_poll(serve: Serve, steps: MakeSteps) -> None:
    ids = itertools.count()

    def change(data: bytes) -> Sequence[bytes]:
        return [report(data, "unknown_engine_id", engine_id=b"\x80\x00\x1f\x88\x04%d" % next(ids))]

    served = serve(answering(change))
    talk = steps(device(served.port), MINE, settings=HASTY)
    reading = talk.poll()
    assert (reading.snmp, reading.failure) == (
        "refused",
        "credential 'v3': the agent answers as one engine and then as another: are there two agents at this address?",
    )
    assert talk.sent == 3, "who is there, the request, and its one retry"


def forward(agent: SecureAgent, data: bytes) -> list[bytes]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.connect((agent.address, agent.port))
        channel.settimeout(2)
        channel.send(data)
        return [channel.recv(65535)]


def test_a_man_in_the_middle_is_counted_and_never_believed(agent: SecureAgent, serve: Serve, steps: MakeSteps) -> None:
    place = -1

    def between(data: bytes) -> Sequence[bytes]:
        changed = bytearray(forward(agent, data)[0])
        if place >= 0:
            changed[place % len(changed)] ^= 0x10
        return [bytes(changed)]

    served = serve(answering(between))
    talk = steps(device(served.port, **CPE), MINE, settings=HASTY)
    assert talk.poll().snmp == "answered"
    for changed_at in (20, 60, 75, 100, 150, 200):
        place = changed_at
        reading = talk.poll()
        assert reading.snmp in ("refused", "silent")
        assert reading.interfaces == ()
        assert reading.uptime_seconds is None
    refused = talk.poller.counts.rejected
    assert refused["bad_digest"] >= 4
    place = -1
    assert talk.poll().snmp == "answered"


def test_altered_answers_are_said_to_be_so(agent: SecureAgent, serve: Serve, steps: MakeSteps) -> None:
    is_altering = False

    def between(data: bytes) -> Sequence[bytes]:
        reply = forward(agent, data)[0]
        return [reply[:-1] + bytes((reply[-1] ^ 1,))] if is_altering else [reply]

    served = serve(answering(between))
    talk = steps(device(served.port, **CPE), MINE, settings=HASTY)
    talk.poll()
    is_altering = True
    reading = talk.poll()
    assert reading.failure == (
        "credential 'v3': the answers are not signed with this user's key: check auth_password, or somebody alters them"
    )


def test_repeated_old_replies_are_not_taken(agent: SecureAgent, serve: Serve, steps: MakeSteps) -> None:
    kept: list[bytes] = []
    is_repeating = False

    def between(data: bytes) -> Sequence[bytes]:
        if is_repeating:
            return kept
        kept[:] = forward(agent, data)
        return kept

    served = serve(answering(between))
    talk = steps(device(served.port, **CPE), MINE, settings=HASTY)
    assert talk.poll().snmp == "answered"
    is_repeating = True
    reading = talk.poll()
    assert reading.snmp == "silent"
    assert reading.uptime_seconds is None
    assert set(talk.poller.counts.rejected) <= {"unknown_id", "duplicate"}
    assert sum(talk.poller.counts.rejected.values()) == 2


def test_an_answer_less_protected_than_the_question_is_refused(serve: Serve, steps: MakeSteps) -> None:
    """Somebody answers in the clear, with the right numbers of message and user but no key."""

    def clear(data: bytes) -> Sequence[bytes]:
        message = parse(data)
        if not message.engine_id:
            return [report(data, "unknown_engine_id", clock=(1, 100))]
        outside = encode_outside(FORGED_ENGINE, MINE.user, "", 0)
        pdu = encode_tlv(0xA2, b"\x02\x04\x40\x00\x00\x00\x02\x01\x00\x02\x01\x00\x30\x00")
        return [encode_message(outside, Keys(None, None), (1, 100), msg_id=message.msg_id, pdu=pdu)]

    served = serve(answering(clear))
    reading = steps(device(served.port), MINE, settings=HASTY).poll()
    assert (reading.snmp, reading.failure) == (
        "refused",
        "credential 'v3': the answers are less protected than the requests",
    )


def test_flags_and_fields_that_nobody_asked_for(wire: Callable[..., Wire]) -> None:
    open_wire, signed = wire(Session(credential(None))), wire(Session(MINE))
    open_wire.settle()
    signed.settle()
    reply, sent = signed.send()
    _, unsigned_sent = open_wire.send()
    message = parse(reply)
    for flags, to in ((PRIVATE, sent), (AUTHENTIC, unsigned_sent), (AUTHENTIC | PRIVATE, unsigned_sent)):
        with pytest.raises(BadPacketError, match="security_level"):
            signed.session.open(reply, message._replace(flags=flags), to, signed.now)
    with pytest.raises(BadPacketError, match="security_model"):
        signed.session.open(reply, message._replace(model=2), sent, signed.now)


def test_what_travels_shows_no_secret_and_no_question(agent: SecureAgent, serve: Serve, steps: MakeSteps) -> None:
    served = serve(answering(lambda data: forward(agent, data)))
    assert steps(device(served.port), MINE).poll().snmp == "answered"
    asked = encode_oid(parse_oid("1.3.6.1.2.1.1"))
    for data in served.requests:
        assert asked not in data
        assert not any(secret.encode() in data for secret in MINE.secrets)


def test_a_session_without_keys_still_matches_numbers_and_sender(wire: Callable[..., Wire]) -> None:
    talk = wire(Session(credential(None)))
    bare = talk.settle()
    assert isinstance(bare, bytes)
    assert decode_bare(bare).varbinds[0].oid == parse_oid("1.3.6.1.2.1.1.3.0")
    reply, sent = talk.send()
    message = parse(reply)
    for field in ({"engine_id": FORGED_ENGINE}, {"user": b"somebody"}):
        with pytest.raises(BadPacketError, match="wrong_"):
            talk.session.open(reply, message._replace(**field), sent, talk.now)
    with pytest.raises(BadPacketError, match="unknown_id"):
        talk.session.open(reply, message, sent._replace(request_id=1), talk.now)


def test_a_context_field_that_is_another_is_refused(wire: Callable[..., Wire]) -> None:
    talk = wire(Session(credential(None)))
    talk.settle()
    reply, sent = talk.send()
    message = parse(reply)
    scope = encode_tlv(OCTETS, b"other") + message.scope[message.scope.index(b"\x04\x00") :]
    with pytest.raises(BadPacketError, match="wrong_context"):
        talk.session.open(reply, message._replace(scope=scope), sent, talk.now)


def test_an_engine_id_of_a_wrong_size_is_no_engine() -> None:
    session = Session(MINE)
    data, sent = session.encode(QUESTION.data, QUESTION.id_at, msg_id=0x40000001, now=0.0)
    for engine_id in (b"", b"1234", b"x" * 33):
        reply = report(data, "unknown_engine_id", engine_id=engine_id)
        with pytest.raises(BadPacketError, match="wrong_engine"):
            session.open(reply, parse(reply), sent, 0.0)
