"""The text of one device's interfaces: of the byte counters when it is wanted, of the rest where it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector.publish.exposition import families as f
from collector.publish.exposition.family import Detail, Family, values_of
from collector.publish.exposition.samples import escape, sample
from collector.quality.counters.counter_bounds import WIDE
from collector.quality.counters.doubts import CounterDoubts
from collector.reading import InterfaceReading

FAMILIES: tuple[Family, ...] = (*f.INTERFACE_SELDOM, f.INTERFACE_INFO)
"""Of all that interfaces show those whose text is kept: the order of ``rest``."""
_SELDOM = tuple(family.name for family in f.INTERFACE_SELDOM)
_ARE_COUNTERS = tuple(family.kind == "counter" for family in f.INTERFACE_SELDOM)
_seldom_values = values_of(f.INTERFACE_SELDOM)
_INFO = f.INTERFACE_INFO.name
_NO_VALUES: tuple[Any, ...] = (None,) * len(_SELDOM)


class _Since:
    """The byte counters of an interface since their width last changed, as a counter that begins at 0.

    The pair of the other width stands elsewhere, by terabytes as a rule. To who takes rates, a fall to 0 is a counter that
    was set back, and nothing is made up; shown as it is, the whole difference would have passed within one poll.
    """

    __slots__ = ("_bases", "_modulus", "bits")

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self._modulus = 2**bits
        self._bases: list[int | None] = [None, None]

    def passed(self, *counters: int | None) -> list[int | None]:
        """What the counters, received and sent, have counted; one that was set back counts from 0 itself."""
        for place, counter in enumerate(counters):
            base = self._bases[place]
            if counter is not None and (base is None or (counter < base and self.bits >= WIDE)):
                self._bases[place] = counter if base is None else 0
        pairs = zip(counters, self._bases, strict=True)
        return [None if c is None or base is None else (c - base) % self._modulus for c, base in pairs]


class InterfaceText:
    """One interface: the bytes that it counts, and ``rest``, its lines of the other families.

    ``is_missed`` says that the last poll was answered without it.
    """

    __slots__ = (
        "_bits",
        "_has_rest",
        "_since",
        "_values",
        "alias",
        "is_missed",
        "name",
        "own",
        "receive_bytes",
        "rest",
        "transmit_bytes",
    )

    def __init__(self, head: str, interface: InterfaceReading, detail: Detail) -> None:
        self.own = own = f'{head},interface="{escape(interface.name)}"}}'
        self._has_rest = detail == "full"
        self._values = _NO_VALUES
        self.name, self.alias = interface.name, interface.alias
        self.is_missed = False
        self._bits = interface.counter_bits
        self._since: _Since | None = None
        self.receive_bytes: int | None = None
        self.transmit_bytes: int | None = None
        self.rest = [""] * len(FAMILIES)
        if interface.alias and self._has_rest:
            self.rest[-1] = f'{_INFO}{{alias="{escape(interface.alias)}",{own[1:]} 1.0\n'

    def update(self, i: InterfaceReading) -> bool:
        """Take in what is believed of a poll; whether anything but the bytes changed."""
        self.receive_bytes, self.transmit_bytes = i.receive_bytes, i.transmit_bytes
        if self._since is not None or i.counter_bits != self._bits:
            self._count_since(i)
        new = _seldom_values(i)
        if new == self._values or not self._has_rest:
            return False
        self._values = new
        self.rest[:-1] = [sample(name, self.own, value) for name, value in zip(_SELDOM, new, strict=True)]
        return True

    def _count_since(self, i: InterfaceReading) -> None:
        if i.receive_bytes is None and i.transmit_bytes is None:
            return
        if self._since is None or i.counter_bits != self._since.bits:
            self._bits, self._since = i.counter_bits, _Since(i.counter_bits)
        self.receive_bytes, self.transmit_bytes = self._since.passed(i.receive_bytes, i.transmit_bytes)

    def follow(self, before: InterfaceText) -> None:
        """It is the same interface, by the same name, with another alias: its counters go on."""
        self._bits, self._since = before._bits, before._since

    def begin_anew(self) -> None:
        """The device has restarted: its counters begin at 0 themselves."""
        self._since = None

    def miss(self) -> None:
        """A poll was answered, but not of this interface: its counters would look as fresh as the poll."""
        self.is_missed = True
        self.receive_bytes = self.transmit_bytes = None
        self._forget(counters=True)

    def forget_gauges(self) -> None:
        """Counters stay; a gauge comes back with the next answer."""
        self._forget(counters=False)

    def _forget(self, *, counters: bool) -> None:
        kinds = tuple(enumerate(_ARE_COUNTERS))
        self._values = tuple(None if kind == counters else self._values[i] for i, kind in kinds)
        for i, kind in kinds:
            if kind == counters:
                self.rest[i] = ""


class InterfaceTexts:
    """All shown interfaces of a device, and the labels that are their ``own``; ``head`` is the device's, still open."""

    __slots__ = ("_detail", "_doubts", "_head", "_was_partial", "own", "texts")

    def __init__(self, head: str, detail: Detail) -> None:
        self._head = head
        self._detail = detail
        self._doubts = CounterDoubts()
        self.texts: list[InterfaceText] = []
        self.own: tuple[str, ...] = ()
        self._was_partial = False

    def update(
        self, interfaces: Sequence[InterfaceReading], at: float, *, is_partial: bool, is_anew: bool = False
    ) -> bool:
        """Take in what was read at ``at``; whether ``rest`` has changed. ``is_anew``: the device has restarted since.

        An interface that a whole answer leaves out is gone. One that a partial answer does not speak of loses its
        counters, and is gone too if the next does not either. Counters that cannot be are not shown: to who takes rates,
        one that falls to zero and comes back would have passed all that it ever counted once more.
        """
        for text in self.texts if is_anew else ():
            text.begin_anew()
        interfaces = self._doubts.believed(interfaces, at, is_partial=is_partial, is_anew=is_anew)
        is_known = self._doubts.has_same_rows or self._are_known(interfaces)
        if is_partial or self._was_partial or not is_known:
            self._was_partial = is_partial
            self._take_in(interfaces, is_partial)
            return True
        changed = [text.update(interface) for text, interface in zip(self.texts, interfaces, strict=True)]
        return True in changed

    def __len__(self) -> int:
        return len(self.texts)

    def _are_known(self, interfaces: Sequence[InterfaceReading]) -> bool:
        """Whether these are the interfaces of the answer before, in the same order."""
        if len(interfaces) != len(self.texts):
            return False
        for text, interface in zip(self.texts, interfaces, strict=True):
            if text.name != interface.name or text.alias != interface.alias:
                return False
        return True

    def _take_in(self, interfaces: Sequence[InterfaceReading], is_partial: bool) -> None:
        old = {text.name: text for text in self.texts}
        fresh = {}
        for interface in interfaces:
            text = old.get(interface.name)
            if text is None or text.alias != interface.alias:
                text = InterfaceText(self._head, interface, self._detail)
                if interface.name in old:
                    text.follow(old[interface.name])
            text.update(interface)
            text.is_missed = False
            fresh[interface.name] = text
        for text in self.texts if is_partial else ():
            if text.name not in fresh and not text.is_missed:
                text.miss()
                fresh[text.name] = text
        self.texts = list(fresh.values())
        self.own = tuple(text.own for text in self.texts)

    def forget_gauges(self) -> None:
        for text in self.texts:
            text.forget_gauges()

    def rest(self) -> list[str]:
        """The text of each of FAMILIES."""
        columns = [text.rest for text in self.texts]
        return list(map("".join, zip(*columns, strict=True))) if columns else [""] * len(FAMILIES)
