"""The text of one device's interfaces: byte counters are rewritten at every poll, the rest only where it changed."""

from __future__ import annotations

from collections.abc import Iterable

from collector.publish import families as f
from collector.publish.text import escape, sample
from collector.reading import InterfaceReading

_RECEIVED, _SENT = (family.name for family in f.INTERFACE_BYTES)
_SELDOM = tuple(family.name for family in f.INTERFACE_SELDOM)
_STAYS = tuple(family.kind == "counter" for family in f.INTERFACE_SELDOM)
_INFO = f.INTERFACE_INFO.name
_NO_VALUES: tuple[float | None, ...] = (None,) * len(_SELDOM)
WIDTH = len(f.INTERFACE_BYTES) + len(_SELDOM) + 1


class InterfaceText:
    """One interface: ``received`` and ``sent`` are its lines of byte counters, ``rest`` those of the other families."""

    __slots__ = ("_has_rest", "_own", "_values", "alias", "received", "rest", "sent")

    def __init__(self, head: str, interface: InterfaceReading, detail: f.Detail) -> None:
        self._own = own = f'{head},interface="{escape(interface.name)}"}}'
        self._has_rest = detail == "full"
        self._values = _NO_VALUES
        self.alias = interface.alias
        self.received = self.sent = ""
        self.rest = [""] * (len(_SELDOM) + 1)
        if interface.alias and self._has_rest:
            self.rest[-1] = f'{_INFO}{{alias="{escape(interface.alias)}",{own[1:]} 1.0\n'

    def update(self, i: InterfaceReading) -> bool:
        """Take in the counters as the device gave them; whether anything but the bytes changed."""
        own, received, sent = self._own, i.receive_bytes, i.transmit_bytes
        self.received = "" if received is None else f"{_RECEIVED}{own} {received}\n"
        self.sent = "" if sent is None else f"{_SENT}{own} {sent}\n"
        if not self._has_rest:
            return False
        new = (
            i.receive_errors,
            i.transmit_errors,
            i.receive_discards,
            i.transmit_discards,
            i.is_up,
            i.speed_bytes_per_second,
        )
        if new == self._values:
            return False
        self._values = new
        self.rest[:-1] = [sample(name, own, value) for name, value in zip(_SELDOM, new, strict=True)]
        return True

    def forget_gauges(self) -> None:
        """Counters stay; a gauge comes back with the next answer."""
        self._values = tuple(v if stays else None for v, stays in zip(self._values, _STAYS, strict=True))
        for i, stays in enumerate(_STAYS):
            if not stays:
                self.rest[i] = ""


class InterfaceTexts:
    """All shown interfaces of a device; ``head`` is its own labels, still open."""

    __slots__ = ("_by_name", "_detail", "_head")

    def __init__(self, head: str, detail: f.Detail) -> None:
        self._head = head
        self._detail = detail
        self._by_name: dict[str, InterfaceText] = {}

    def update(self, interfaces: Iterable[InterfaceReading], *, is_partial: bool) -> list[str]:
        """The text of the families that changed, in their order: those of the bytes, or all of them.

        A partial answer leaves alone the interfaces that it does not speak of; others that it leaves out are gone.
        """
        old = self._by_name
        is_same = not is_partial
        fresh = {}
        received = sent = ""
        for interface in interfaces:
            text = old.get(interface.name)
            if text is None or text.alias != interface.alias:
                text = InterfaceText(self._head, interface, self._detail)
                is_same = False
            if text.update(interface):
                is_same = False
            fresh[interface.name] = text
            received += text.received
            sent += text.sent
        is_same = is_same and len(fresh) == len(old)
        self._by_name = {**old, **fresh} if is_partial else fresh
        return [received, sent] if is_same else self._all()

    def forget_gauges(self) -> list[str]:
        """The text of all families once the gauges are gone."""
        for text in self._by_name.values():
            text.forget_gauges()
        return self._all()

    def _all(self) -> list[str]:
        columns = [(text.received, text.sent, *text.rest) for text in self._by_name.values()]
        return list(map("".join, zip(*columns, strict=True))) if columns else [""] * WIDTH
