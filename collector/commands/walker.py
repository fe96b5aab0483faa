"""Everything below some names that a device answers, asked one question at a time: for recordings and for neighbours."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from collector.commands.blocking_client import Caller, NoAnswerError
from collector.credentials import Credential
from collector.poll.objects.get_request import access
from collector.poll.snmp.codec import (
    GET_BULK,
    GET_NEXT,
    NO_ERROR,
    NO_SUCH_NAME,
    TOO_BIG,
    Absent,
    Message,
    Oid,
    Packet,
    encode_oid,
    encode_request,
    oid_text,
    parse_oid,
)
from collector.reading import Device
from collector.recordings import Recorded

ROOTS = tuple(map(parse_oid, ("1.3.6.1.2.1", "1.3.6.1.4.1", "1.3.6.1.6.3.10.2.1")))
MOST_OBJECTS = 200_000
REPETITIONS = 20
ROOTS_AT_ONCE = 12


@dataclass
class Walker:
    """Walks a device over a socket of its own, one request at a time."""

    device: Device
    credential: Credential
    timeout_seconds: float
    tries: int
    repetitions: int = REPETITIONS
    is_bulk: bool = True
    """Whether GETBULK is asked; no longer where it has failed."""
    pace: Callable[[], None] | None = None
    """Waits until the next packet may leave; None: it may at once."""
    most_objects: int = MOST_OBJECTS

    def __post_init__(self) -> None:
        self._through = access(self.credential)

    def walk(self) -> tuple[dict[Oid, Recorded], str | None]:
        """All objects below ROOTS that a recording can hold, and why there are not more, if so."""
        objects: dict[Oid, Recorded] = {}
        failures = self.walk_into(objects, ROOTS)
        return objects, next((failure for failure in failures if failure is not None), None)

    def walk_into(self, objects: dict[Oid, Recorded], roots: Sequence[Oid]) -> Iterator[str | None]:
        """Add what stands below each of ``roots`` to ``objects``; for each in turn why there is not more, if so.

        Who asks for no more after a failure spares a device that has fallen silent.
        """
        try:
            with self._caller() as caller:
                for root in roots:
                    yield self._walk_below(root, objects, lambda after: caller.ask(self._request(after)))
        except OSError as error:
            yield f"address: {error.strerror}"

    def occupied(self, roots: Sequence[Oid]) -> list[Oid]:
        """Those of ``roots`` below which the device has anything, found out by a few requests for what follows each.

        Where the device does not answer such a request, or not as it should, all that were asked for in it count.
        """
        found: list[Oid] = []
        try:
            with self._caller() as caller:
                for at in range(0, len(roots), ROOTS_AT_ONCE):
                    found += self.occupied_among(roots[at : at + ROOTS_AT_ONCE], caller)
        except (OSError, NoAnswerError):
            return list(roots)
        return found

    def occupied_among(self, asked: Sequence[Oid], caller: Caller) -> list[Oid]:
        """Those of a few roots, by one request. Raises NoAnswerError."""
        head = self._through.head
        answer = caller.ask(encode_request(GET_NEXT, head, [encode_oid(root) for root in asked]))
        if answer.error_status or len(answer.varbinds) != len(asked):
            return list(asked)
        pairs = list(zip(asked, answer.varbinds, strict=True))
        if not all(bind.oid >= root for root, bind in pairs):
            return list(asked)
        return [root for root, bind in pairs if bind.oid[: len(root)] == root and not isinstance(bind.value, Absent)]

    @contextlib.contextmanager
    def _caller(self) -> Iterator[Caller]:
        """Raises OSError where the device's address cannot be found."""
        family, _, _, _, address = socket.getaddrinfo(self.device.address, self.device.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            channel.settimeout(self.timeout_seconds)
            yield Caller(channel, self._through, tries=self.tries, pace=self.pace)

    def _walk_below(self, root: Oid, objects: dict[Oid, Recorded], ask: Callable[[Oid], Message]) -> str | None:
        last, most = root, len(objects) + self.most_objects
        while len(objects) < most:
            try:
                answer = ask(last)
            except NoAnswerError as error:
                if self._gives_up_bulk():
                    continue
                return str(error)
            if answer.error_status == TOO_BIG and self.repetitions > 1:
                self.repetitions //= 2
                continue
            if answer.error_status not in (NO_ERROR, NO_SUCH_NAME) and self._gives_up_bulk():
                continue
            if answer.error_status:
                return None if answer.error_status == NO_SUCH_NAME else f"error {answer.error_status} after {last}"
            readable = [bind for bind in answer.varbinds if bind.oid]
            if not readable:
                return f"the names after {oid_text(last)} cannot be read"
            for bind in readable:
                if bind.oid[: len(root)] != root or isinstance(bind.value, Absent):
                    return None
                if bind.oid <= last:
                    return f"the agent's answers do not increase after {oid_text(last)}"
                last = bind.oid
                if isinstance(bind.value, (int, bytes, tuple)):
                    objects[last] = Recorded(bind.tag, bind.value)
        return f"more than {self.most_objects:,} objects below {oid_text(root)}"

    def _gives_up_bulk(self) -> bool:
        """Ask by GETNEXT from here on; False where that was tried already."""
        was_bulk, self.is_bulk = self.is_bulk and self.credential.version != "1", False
        return was_bulk

    def _request(self, after: Oid) -> Packet:
        is_bulk = self.is_bulk and self._through.version != "1"
        second = self.repetitions if is_bulk else 0
        return encode_request(GET_BULK if is_bulk else GET_NEXT, self._through.head, [encode_oid(after)], second=second)
