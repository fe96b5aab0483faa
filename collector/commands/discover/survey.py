"""Asks the addresses that it is given: who answers to which credential, and what each says of itself and its neighbours."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from collector import counted
from collector.commands.blocking_client import Caller, NoAnswerError
from collector.commands.discover.ranges import Range, allows
from collector.commands.neighbours import surroundings
from collector.commands.neighbours.surroundings import Surroundings
from collector.commands.walker import Walker
from collector.credentials import Credential
from collector.poll.objects.get_request import access
from collector.poll.snmp.codec import GET, encode_oid, encode_request, parse_oid
from collector.reading import Device

OBJECT_ID = encode_oid(parse_oid("1.3.6.1.2.1.1.2.0"))
WORKERS = 200
NO_ANSWER, CLOSED = "no answer", os.strerror(errno.ECONNREFUSED)
T = TypeVar("T")
R = TypeVar("R")


class Pace:
    """At most ``per_second`` packets leave in a second, whichever thread sends them."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            at = max(time.monotonic(), self._next)
            self._next = at + self._gap
        time.sleep(max(0.0, at - time.monotonic()))


class Answer(NamedTuple):
    """An address that answers to a credential. ``refusal`` says why none fits, where a device is there but lets nobody in;
    ``unsent`` why nothing could be sent there."""

    address: str
    credential: Credential | None
    refusal: str = ""
    unsent: str = ""


class Asked(NamedTuple):
    """A device as it described itself."""

    address: str
    credential: str
    seen: Surroundings


@dataclass
class Survey:
    """How to ask. ``refusals`` are addresses where a device is, but none of the credentials fits, with the reason;
    ``unsent`` those to which nothing could be sent; ``asked`` are all addresses that were asked."""

    credentials: Sequence[Credential]
    pace: Pace
    port: int = 161
    timeout_seconds: float = 1.0
    tries: int = 2
    refusals: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def whole(self, ranges: Sequence[Range], say: Callable[[str], None]) -> list[Asked]:
        """Everything in the ranges that answers."""
        addresses = list(dict.fromkeys(address for given in ranges for address in given))
        ways = counted.of(len(self.credentials), "credential")
        say(
            f"{counted.of(len(addresses), 'address', 'are')} asked, with {ways}{' in turn' if len(self.credentials) > 1 else ''}"
        )
        answers = self._knock(addresses)
        say(
            f"{counted.of(len(answers), 'device', 'answer')}; {'its' if len(answers) == 1 else 'their'} neighbours are read"
        )
        return self._look(answers, say)

    def following(self, seeds: Sequence[str], within: Sequence[Range], say: Callable[[str], None]) -> list[Asked]:
        """The seeds, the neighbours that they name, the neighbours of these, and so on, as far as ``within`` allows."""
        asked: dict[str, Asked] = {}
        known = set(seeds)
        ahead = list(seeds)
        while ahead:
            found = self._look(self._knock(ahead), say)
            asked |= {one.address: one for one in found}
            named = {address for one in found for address in _named_addresses(one.seen)} - known
            ahead = sorted(address for address in named if allows(within, address))
            known |= named
            if ahead:
                say(
                    f"{counted.of(len(asked), 'device')} so far; {counted.of(len(ahead), 'address', 'are')} asked that neighbours name"
                )
        return list(asked.values())

    def _knock(self, addresses: Sequence[str]) -> list[Answer]:
        self.asked.update(addresses)
        answers = list(_together(self._try, addresses))
        self.refusals |= {one.address: one.refusal for one in answers if one.credential is None and one.refusal}
        self.unsent |= {one.address: one.unsent for one in answers if one.unsent}
        return [one for one in answers if one.credential is not None]

    def _try(self, address: str) -> Answer:
        """The first credential that is answered."""
        refusal = ""
        for credential in self.credentials:
            try:
                self._ask(address, credential)
            except NoAnswerError as error:
                if error.is_unsent:
                    return Answer(address, None, unsent=str(error))
                if str(error) == CLOSED:
                    return Answer(address, None, f"its port {self.port} is closed")
                refusal = refusal if str(error) == NO_ANSWER else f"{credential.name}: {error}"
            else:
                return Answer(address, credential)
        return Answer(address, None, refusal)

    def _ask(self, address: str, credential: Credential) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        through = access(credential)
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            try:
                channel.connect((address, self.port))
            except OSError as error:
                raise NoAnswerError(error.strerror or str(error), is_unsent=True) from None
            channel.settimeout(credential.timeout_seconds or self.timeout_seconds)
            tries = self.tries if credential.retries is None else 1 + credential.retries
            caller = Caller(channel, through, tries=tries, pace=self.pace.wait)
            caller.ask(encode_request(GET, through.head, [OBJECT_ID]))

    def _look(self, answers: Sequence[Answer], say: Callable[[str], None]) -> list[Asked]:
        found = []
        for number, one in enumerate(_together(self._describe, answers), 1):
            found.append(one)
            if number % 100 == 0:
                say(f"{number:,} of {len(answers):,} are read")
        return found

    def _describe(self, answer: Answer) -> Asked:
        assert answer.credential is not None
        credential = answer.credential
        device = Device(answer.address, answer.address, "router", "", port=self.port)
        walker = Walker(
            device,
            credential,
            timeout_seconds=credential.timeout_seconds or self.timeout_seconds,
            tries=self.tries + 1,
            pace=self.pace.wait,
        )
        seen = surroundings.ask(walker, lambda vlan: replace(walker, credential=_of_vlan(credential, vlan), tries=1))
        return Asked(answer.address, credential.name, seen)


def _of_vlan(credential: Credential, vlan: int) -> Credential:
    """Cisco's bridges show a VLAN to the community with its number, or to the user in a context of its name."""
    if credential.version == "3":
        return replace(credential, context=f"vlan-{vlan}")
    return replace(credential, community=f"{credential.community}@{vlan}")


def _named_addresses(seen: Surroundings) -> Iterator[str]:
    for sighting in seen.sightings:
        yield from sighting.addresses
    for gateway in seen.gateways:
        yield gateway.address
    for entry in seen.arp:
        yield entry.address


def _together(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results in the order of the items, many at a time; each thread has one question on its way."""
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="discover") as pool:
        yield from pool.map(work, items)
