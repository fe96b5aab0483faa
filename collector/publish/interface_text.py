"""The text of one device's interfaces: of the byte counters when it is wanted, of the rest where it has changed."""

from __future__ import annotations

from collections.abc import Sequence

from collector.publish import families as f
from collector.publish.text import escape, sample
from collector.reading import InterfaceReading

_RECEIVED, _SENT = (family.name for family in f.INTERFACE_BYTES)
_SELDOM = tuple(family.name for family in f.INTERFACE_SELDOM)
_STAYS = tuple(family.kind == "counter" for family in f.INTERFACE_SELDOM)
_INFO = f.INTERFACE_INFO.name
_NO_VALUES: tuple[float | None, ...] = (None,) * len(_SELDOM)
_WIDTH = len(_SELDOM) + 1


class InterfaceText:
    """One interface: what it has ``received`` and ``sent``, and ``rest``, its lines of the other families."""

    __slots__ = ("_has_rest", "_values", "alias", "name", "own", "received", "rest", "sent")

    def __init__(self, head: str, interface: InterfaceReading, detail: f.Detail) -> None:
        self.own = own = f'{head},interface="{escape(interface.name)}"}}'
        self._has_rest = detail == "full"
        self._values = _NO_VALUES
        self.name, self.alias = interface.name, interface.alias
        self.received: int | None = None
        self.sent: int | None = None
        self.rest = [""] * _WIDTH
        if interface.alias and self._has_rest:
            self.rest[-1] = f'{_INFO}{{alias="{escape(interface.alias)}",{own[1:]} 1.0\n'

    def update(self, i: InterfaceReading) -> bool:
        """Take in the counters as the device gave them; whether anything but the bytes changed."""
        _, _, _, is_up, speed, _, self.received, self.sent, errors, errors_sent, discards, discards_sent, _, _ = i
        new = (errors, errors_sent, discards, discards_sent, is_up, speed)
        if new == self._values or not self._has_rest:
            return False
        self._values = new
        self.rest[:-1] = [sample(name, self.own, value) for name, value in zip(_SELDOM, new, strict=True)]
        return True

    def forget_gauges(self) -> None:
        """Counters stay; a gauge comes back with the next answer."""
        self._values = tuple(v if stays else None for v, stays in zip(self._values, _STAYS, strict=True))
        for i, stays in enumerate(_STAYS):
            if not stays:
                self.rest[i] = ""


class InterfaceTexts:
    """All shown interfaces of a device; ``head`` is its own labels, still open."""

    __slots__ = ("_detail", "_head", "_texts")

    def __init__(self, head: str, detail: f.Detail) -> None:
        self._head = head
        self._detail = detail
        self._texts: list[InterfaceText] = []

    def update(self, interfaces: Sequence[InterfaceReading], *, is_partial: bool) -> bool:
        """Take in what was read; whether ``rest`` has changed.

        A partial answer leaves alone the interfaces that it does not speak of; others that it leaves out are gone.
        """
        if is_partial or not self._are_known(interfaces):
            self._take_in(interfaces, is_partial)
            return True
        changed = [text.update(interface) for text, interface in zip(self._texts, interfaces, strict=True)]
        return True in changed

    def _are_known(self, interfaces: Sequence[InterfaceReading]) -> bool:
        """Whether these are the interfaces of the answer before, in the same order."""
        if len(interfaces) != len(self._texts):
            return False
        for text, interface in zip(self._texts, interfaces, strict=True):
            if text.name != interface.name or text.alias != interface.alias:
                return False
        return True

    def _take_in(self, interfaces: Sequence[InterfaceReading], is_partial: bool) -> None:
        old = {text.name: text for text in self._texts}
        fresh = dict(old) if is_partial else {}
        for interface in interfaces:
            text = old.get(interface.name)
            if text is None or text.alias != interface.alias:
                text = InterfaceText(self._head, interface, self._detail)
            text.update(interface)
            fresh[interface.name] = text
        self._texts = list(fresh.values())

    def forget_gauges(self) -> None:
        for text in self._texts:
            text.forget_gauges()

    def moving(self) -> tuple[str, str]:
        """The text of ``families.INTERFACE_BYTES``."""
        texts = self._texts
        return (
            "".join([f"{_RECEIVED}{text.own} {text.received}\n" for text in texts if text.received is not None]),
            "".join([f"{_SENT}{text.own} {text.sent}\n" for text in texts if text.sent is not None]),
        )

    def rest(self) -> list[str]:
        """The text of ``families.INTERFACE_SELDOM`` and INTERFACE_INFO."""
        columns = [text.rest for text in self._texts]
        return list(map("".join, zip(*columns, strict=True))) if columns else [""] * _WIDTH
