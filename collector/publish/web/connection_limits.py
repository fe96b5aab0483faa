"""Who holds a connection: a limited number in all and from one source; the oldest idle one makes way.

Before it goes who asks in advance, and where few are idle who has taken nothing of an answer for longest.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice

MOST = 128
MOST_OF_SOURCE = 64
CROWDED_RATIO = 0.75
"""Once this many connections are at work, costly requests are refused: the others are for short answers."""
NEWCOMERS_IN_A_TURN = 4
"""So many connections are taken in at each turn of the event loop."""
IDLE_KEPT = 32
"""So many idle ones are left where others can make way, so that a newcomer has eight turns to ask.

Reading a request that has arrived takes about four.
"""
IPV6_PREFIX = 64
"""This many bits of an IPv6 address identify the source: a host chooses the rest freely (RFC 4291)."""


class Place:
    """One connection's: idle, then at work from `work` on, sending from `send` on, and idle again from `rest` on.

    ``let_go`` ends it to make way.
    """

    __slots__ = ("_places", "let_go", "source")

    def __init__(self, places: Places, source: str, let_go: Callable[[], object]) -> None:
        self._places = places
        self.source = source
        self.let_go = let_go

    def work(self) -> None:
        """A whole request has come: it is not ended for another."""
        self._places.idle.pop(self, None)
        self._places.in_advance.pop(self, None)

    def send(self) -> None:
        """Its client has taken all that it was sent so far, and is sent more."""
        if self in self._places.held:
            self._places.sending.pop(self, None)
            self._places.sending[self] = None

    def rest(self, *, in_advance: bool = False) -> None:
        """It waits for its next request, or for its turn where that has come ``in_advance`` of the last answer."""
        self._places.sending.pop(self, None)
        if self in self._places.held:
            (self._places.in_advance if in_advance else self._places.idle)[self] = None

    @property
    def is_crowded(self) -> bool:
        """Whether most places, or most of its source, are at work."""
        return self._places.is_crowded(self.source)

    def leave(self) -> None:
        """It has ended, or been ended."""
        self._places.give_back(self)


class Places:
    """Counts connections; ``ended`` says how many were ended to make way, by whose room was short, or turned away."""

    def __init__(self, most: int = MOST, most_of_source: int = MOST_OF_SOURCE) -> None:
        self.most, self.most_of_source = most, most_of_source
        self.held: set[Place] = set()
        self.idle: dict[Place, None] = {}
        self.sending: dict[Place, None] = {}
        self.in_advance: dict[Place, None] = {}
        self.ended: Counter[str] = Counter(crowded=0, source_crowded=0, turned_away=0, slow=0)
        self._of_source: Counter[str] = Counter()

    def take(self, address: str, let_go: Callable[[], object]) -> Place | None:
        """A place for a connection from ``address``; None where all that could make way are at work."""
        source = source_of(address)
        is_crowded_by_source = self._of_source[source] >= self.most_of_source
        if is_crowded_by_source and not self._make_way("source_crowded", source):
            return None
        if len(self.held) >= self.most and not self._make_way("crowded", None):
            return None
        place = Place(self, source, let_go)
        self.held.add(place)
        self.idle[place] = None
        self._of_source[source] += 1
        return place

    def give_back(self, place: Place) -> None:
        """Room for another."""
        if place not in self.held:
            return
        self.held.discard(place)
        self.idle.pop(place, None)
        self.sending.pop(place, None)
        self.in_advance.pop(place, None)
        self._of_source[place.source] -= 1
        if not self._of_source[place.source]:
            del self._of_source[place.source]

    def is_crowded(self, source: str) -> bool:
        """Whether most places, or most of ``source``, are at work."""
        at_work = self.held - self.idle.keys() - self.sending.keys() - self.in_advance.keys()
        of_source = sum(place.source == source for place in at_work)
        return len(at_work) > CROWDED_RATIO * self.most or of_source > CROWDED_RATIO * self.most_of_source

    def _make_way(self, reason: str, source: str | None) -> bool:
        """End the connection that has been idle for longest, or not taken its answer, of ``source`` or of all."""
        are_many_idle = next(islice(_of(source, self.idle), IDLE_KEPT - 1, None), None) is not None
        groups = (self.in_advance, self.idle) if are_many_idle else (self.in_advance, self.sending, self.idle)
        oldest = next((place for places in groups for place in _of(source, places)), None)
        if oldest is None:
            self.ended["turned_away"] += 1
            return False
        self.ended[reason] += 1
        self.give_back(oldest)
        oldest.let_go()
        return True


def _of(source: str | None, places: Iterable[Place]) -> Iterator[Place]:
    """The places of one source, or all."""
    return iter(places) if source is None else (place for place in places if place.source == source)


@lru_cache(maxsize=1024)
def source_of(address: str) -> str:
    """What counts as one source: an IPv4 address, or the network of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))
