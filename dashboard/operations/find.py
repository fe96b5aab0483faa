"""Find a device, an address, a port's alias, an area or an incident by any part of its name; the best answers first."""

from __future__ import annotations

import heapq
import re
import threading
import unicodedata
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from dashboard.operations.live.live_state import Live

Kind = Literal["device", "port", "area", "incident"]
MOST = 20
MOST_LETTERS = 100
EXACT, BEGINNING, WORD, INSIDE, WORDS = range(5)


@dataclass(frozen=True, slots=True)
class Named:
    """All that has a name: ``areas`` are names by id, ``aliases`` (device, port, alias)."""

    live: Live
    areas: Mapping[str, str]
    aliases: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """``key`` is the id of what was found, of a port the device's; ``row`` its place in the table of its kind; ``said``
    the text that fits.
    """

    kind: Kind
    key: str
    row: int
    said: str


@dataclass(frozen=True, slots=True)
class _Entries:
    """Texts of one kind that can be asked for, folded and as written, each with the row that it is of."""

    kind: Kind
    keys: Sequence[str]
    rows: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    folded: list[str] = field(default_factory=list)

    def add(self, texts: Iterable[object]) -> _Entries:
        for row, text in enumerate(texts):
            if isinstance(text, str) and text:
                self.rows.append(row)
                self.texts.append(text)
                self.folded.append(fold(text))
        return self


def fold(text: str) -> str:
    """``text`` without regard to case and accents, as people type it."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


class Finder:
    """Keeps what can be asked for until the network, the areas or the incidents change; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Hashable = None
        self._entries: tuple[_Entries, ...] = ()

    def find(self, asked: str, named: Named, version: Hashable, kinds: Collection[str] = get_args(Kind)) -> list[Found]:
        """At most MOST answers: what is called so, begins so, has a word that begins so, or has it inside, in this order.

        Of several words each must be there. ``version`` changes with ``named``; nothing is told but of ``kinds``.
        """
        wanted = " ".join(fold(asked[:MOST_LETTERS]).split())
        if not wanted:
            return []
        known = self._known(named, version)
        places = (
            (rank, order, len(entries.folded[number]), entries.rows[number], number)
            for order, entries in enumerate(known)
            if entries.kind in kinds
            for rank, number in _hits(entries, wanted)
        )
        # A thing has two texts at most, its name and its id or address: the best of twice as many are of MOST things.
        best = heapq.nsmallest(2 * MOST, places)
        found = [_found(known[order], number) for _, order, _, _, number in best]
        return list({(one.kind, one.key, one.row): one for one in reversed(found)}.values())[::-1][:MOST]

    def _known(self, named: Named, version: Hashable) -> tuple[_Entries, ...]:
        with self._lock:
            if version != self._of:
                self._entries, self._of = _entries(named), version
            return self._entries


def _entries(named: Named) -> tuple[_Entries, ...]:
    """All that can be asked for, by kind; of what fits equally well the first kind comes first."""
    devices, incidents, areas = named.live.devices, named.live.incidents, named.areas
    names, ids = devices["device_id"].tolist(), [str(one) for one in incidents["incident_id"]]
    is_at_a_customer = (devices["role"] == "cpe").tolist()
    places = list(dict.fromkeys([*areas, *devices["area"].unique().tolist()]))
    return (
        _Entries("area", places).add(areas.get(place, place) for place in places).add(places),
        *(
            _devices(names, devices["address"].tolist(), [one == at for one in is_at_a_customer])
            for at in (False, True)
        ),
        _Entries("port", [device for device, _, _ in named.aliases]).add(alias for _, _, alias in named.aliases),
        _Entries("incident", ids).add(ids).add(incidents["root_device_id"].tolist()),
    )


def _devices(names: Sequence[str], addresses: Sequence[object], wanted: Sequence[bool]) -> _Entries:
    """Names and addresses of those ``wanted``: the network's own come before the many at customers."""
    entries = _Entries("device", names)
    for texts in (names, addresses):
        entries.add(text if is_wanted else None for text, is_wanted in zip(texts, wanted, strict=True))
    return entries


def _found(entries: _Entries, number: int) -> Found:
    row = entries.rows[number]
    return Found(entries.kind, entries.keys[row], row, entries.texts[number])


def _hits(entries: _Entries, wanted: str) -> Iterator[tuple[int, int]]:
    """How well each text fits that has ``wanted`` inside, with its number; else those that have all of its words."""
    word = re.compile(rf"(?<![^\W_]){re.escape(wanted)}")
    is_any = False
    for number, text in enumerate(entries.folded):
        if wanted in text:
            is_any = True
            yield _rank(text, wanted, word), number
    words = wanted.split(" ")
    if not is_any and len(words) > 1:
        for number, text in enumerate(entries.folded):
            if all(one in text for one in words):
                yield WORDS, number


def _rank(text: str, wanted: str, word: re.Pattern[str]) -> int:
    if text == wanted:
        return EXACT
    if text.startswith(wanted):
        return BEGINNING
    return WORD if word.search(text) else INSIDE
