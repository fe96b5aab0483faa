"""Poll stage: one row of an interface table that is asked for by name, in the GET of its device."""

from __future__ import annotations

from collections.abc import Sequence

from collector.poll.objects.decode import Record
from collector.poll.objects.get_request import Asked
from collector.poll.objects.interfaces import interface_rows
from collector.poll.objects.interfaces.interface_rows import Correction
from collector.poll.profile import Source
from collector.poll.snmp.codec import Value, decode_subids
from collector.reading import InterfaceReading


class AskedRow:
    """A row that is asked for by a GET, and the text that proves it still the same."""

    __slots__ = ("_corrected", "_row", "alias", "index", "name", "proof", "sources")

    def __init__(
        self,
        index: bytes,
        named: tuple[str, str | None],
        proof: Value,
        sources: tuple[Source, ...],
        corrected: Correction | None = None,
    ) -> None:
        """``sources`` are the column that proves the row's identity and those that measure it and are believed."""
        self.index = decode_subids(index)
        self.name, self.alias = named
        self.proof = proof
        self.sources = sources
        self._corrected = corrected if corrected is not None and corrected.has_speed else None
        self._row = interface_rows.InterfaceRow(sources[1:])

    def asked(self) -> list[Asked]:
        """Its cells as objects of a GET."""
        return [Asked(source, self.index) for source in self.sources]

    def reading(self, values: Sequence[Value]) -> InterfaceReading | None:
        """The interface from the values of ``sources``; None where the row has become another interface."""
        if values[0] != self.proof:
            return None
        reading = self._row.reading(values[1:], index=self.index[0], name=self.name, alias=self.alias)
        return reading if self._corrected is None else reading._replace(speed_bytes_per_second=self._corrected.speed)

    def record(self) -> Record:
        """The same as a record of the question; its places count from the first of ``sources``."""
        measured = {source.field: (place,) for place, source in enumerate(self.sources) if place}
        known: dict[str, object] = {"name": self.name, "index": self.index[0], "alias": self.alias}
        known["counter_bits"] = self._row.bits
        if self._corrected is not None:
            known["speed_bytes_per_second"] = self._corrected.speed
        return Record(InterfaceReading, measured, known, (0,))
