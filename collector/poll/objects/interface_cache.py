"""Poll stage: what is remembered of one device's interface table, so that a usual poll asks only for what moves."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from collector.poll.damage import Damaged
from collector.poll.objects import decode, interface_rows
from collector.poll.objects.corrections import Counted, corrections, counted
from collector.poll.objects.decode import Cells, Found, Record
from collector.poll.objects.get_request import Asked
from collector.poll.objects.interface_rows import Correction, Names
from collector.poll.objects.row_names import KnownRow, kept_names, remembered
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Value, decode_subids
from collector.reading import Device, InterfaceReading

log = logging.getLogger(__name__)

WIDE_BITS = 64
AS_IT_IS = Correction(frozenset())


class Uplink:
    """The one row of a CPE's table that is asked for by a GET, and the text that proves the row still the same."""

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


class InterfaceMemory:
    """One interface table of one device: names, aliases, which columns it fills and where its uplink is.

    A CPE with a named uplink is read by that interface alone; all other devices are walked.
    """

    def __init__(self, table: Table, device: Device) -> None:
        self.table = table
        self.uplink: Uplink | None = None
        self.missing_uplink: str | None = None
        self._device_id = device.device_id
        self._named = device.uplink_interface
        self._wanted = device.uplink_interface if device.role == "cpe" else None
        self._names: Names | None = None
        self._known: dict[str, KnownRow] = {}
        self._counted: dict[bytes, Counted] = {}
        self._corrected: dict[bytes, Correction] = {}
        self._told: dict[str, str] = {}
        self._identity: dict[str, Mapping[bytes, Value]] = {}
        """The texts that identify the rows, by column: those of ifName, and of other columns where rows lack it."""
        self._columns: tuple[Source, ...] = table.columns
        self._is_unproven = False
        self._unnamed: frozenset[bytes] = frozenset()

    def columns(self) -> tuple[Source, ...]:
        """What a walk asks for: everything at first, later what identifies and measures."""
        return self._columns

    def columns_left(self, cells: Cells) -> tuple[Source, ...]:
        """What must still be walked before ``cells`` can be used; nothing if the rows are the known ones."""
        if self._identity and all(_are_same(texts, cells.get(name, {})) for name, texts in self._identity.items()):
            return ()
        return tuple(column for column in self.table.columns if column.name not in cells)

    def is_torn(self, cells: Cells) -> bool:
        """Whether two rows now have a text that identified one row before: they were renumbered during the walk."""
        for name, known in self._identity.items():
            texts = [value for value in cells.get(name, {}).values() if not isinstance(value, Damaged)]
            if len(set(texts)) < len(texts) and len(set(known.values())) == len(known):
                return True
        return False

    def learn(self, cells: Cells, *, is_damaged: bool = False) -> bool:
        """Take names and columns from a walk of all columns; False where it was one of fewer.

        Rows that nothing names are known by their number, but of an answer that ``is_damaged``: there names may be lost.
        """
        if any(column.name not in cells for column in self.table.columns):
            return False
        self._unnamed = frozenset() if is_damaged else interface_rows.unnamed_rows(self.table, cells)
        self._names = self._name(cells)
        self._known = remembered(self._known, interface_rows.row_texts(self.table, cells), self._names)
        self._correct(cells, self._names)
        self._identity = self._telling_apart(cells)
        measuring = {source for index in self._names for source in self._measuring(cells, index)}
        self._columns = tuple(c for c in self.table.columns if c in measuring or c.name in self._identity)
        self._learn_uplink(cells)
        return True

    def remember(self, before: InterfaceMemory) -> None:
        """Keep the names of the rows and what was wrong with them when the device is explored again."""
        self._known, self._told = before._known, before._told
        self._counted, self._corrected = before._counted, before._corrected

    def _name(self, cells: Cells) -> Names:
        """The names of the rows of a walk; a row that is known keeps the name that it had."""
        texts = interface_rows.row_texts(self.table, cells)
        names = interface_rows.name_interfaces(self.table, cells, unnamed=self._unnamed)
        kept = kept_names(self._known, texts, names, self._named)
        return interface_rows.name_interfaces(self.table, cells, kept, self._unnamed) if kept else names

    def _correct(self, cells: Cells, names: Names) -> None:
        """Find rows of which not everything is believed; those with another name than before, or that are new, are reported."""
        wide = {column.name for column in self.table.columns if column.bits == WIDE_BITS}
        dead = [index for index, corrected in self._corrected.items() if not wide.isdisjoint(corrected.without)]
        self._corrected = corrections(self.table, cells, names, self._counted, dead)
        self._counted = {index: counted(self.table, cells, index) for index in names}
        told = {names[index][0]: corrected.why for index, corrected in self._corrected.items()}
        news = {name: why for name, why in told.items() if self._told.get(name) != why}
        self._told = told
        for why in sorted(set(news.values())):
            rows = [name for name, reason in news.items() if reason == why]
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            log.warning("%s: interface %s%s: %s", self._device_id, rows[0], more, why)

    def records(
        self, readings: Sequence[InterfaceReading], cells: Cells, places: Mapping[tuple[str, bytes], int]
    ) -> list[Record] | None:
        """What ``readings`` took from a walk's cells, as records; None where its rows are not the ones remembered."""
        names = self._known_names(cells)
        if names is None or self.uplink is not None:
            return None
        columns = [column for column in self.table.columns if not column.is_text]
        records = []
        for index, reading in zip(names, readings, strict=True):
            measured: dict[str, list[int]] = {}
            corrected = self._corrected.get(index, AS_IT_IS)
            for column in columns:
                if (column.name, index) in places and column.name not in corrected.without:
                    measured.setdefault(column.field, []).append(places[column.name, index])
            known = {name: getattr(reading, name) for name in ("name", "index", "alias", "counter_bits")}
            if corrected.has_speed:
                known["speed_bytes_per_second"] = corrected.speed
            records.append(Record(InterfaceReading, measured, known))
        return records

    def readings(self, cells: Cells) -> tuple[InterfaceReading, ...]:
        """The interfaces of a walk: the uplink alone where one is named and found, else all."""
        self._is_unproven = False
        names = self._known_names(cells)
        if names is None:
            names = self._name(cells)
            if self.uplink is None and self._wanted is not None:
                names = {index: named for index, named in names.items() if self._wanted in named} or names
        if self.uplink is not None:
            names = {index: named for index, named in names.items() if decode_subids(index) == self.uplink.index}
        return interface_rows.interfaces(self.table, cells, names, self._corrected)

    @property
    def is_asked(self) -> bool:
        """Whether ``asked`` is all that counts of this table."""
        return self.uplink is not None and not self._is_unproven

    def asked(self) -> list[Asked]:
        """The uplink's columns as objects of a GET; empty while it is not known where it is."""
        uplink = self.uplink
        return [] if uplink is None else [Asked(source, uplink.index) for source in uplink.sources]

    def question_records(self) -> list[Record]:
        """The uplink as a record of the question, its places counted from the first of ``asked()``."""
        return [] if self.uplink is None else [self.uplink.record()]

    def read(self, values: Sequence[Value]) -> Found | None:
        """The uplink from the values of ``asked()``; None, and forgotten, where that row is another interface now.

        Where the text that proves the row is damaged, the whole table must show whether it is still the same.
        """
        if self.uplink is not None and isinstance(values[0], Damaged):
            self._is_unproven = True
            return None
        reading = self.uplink.reading(values) if self.uplink is not None else None
        if reading is None:
            self.forget()
            return None
        return Found(interfaces=(reading,))

    def forget(self) -> None:
        self.uplink = None
        self._is_unproven = False
        self._names = None
        self._unnamed = frozenset()
        self._identity = {}
        self._columns = self.table.columns

    def counted(self, index: bytes) -> Counted:
        """What the row's byte counters of both widths stood at when the whole table was walked last."""
        return self._counted.get(index, {})

    def doubt(self, index: bytes, counted: Counted) -> None:
        """The row's 64-bit counters seem to stand still since they were ``counted``: a whole walk must show it."""
        self._counted[index] = counted
        self.forget()

    def _texts(self) -> list[Source]:
        """The columns that can name a row, the best first."""
        texts = [column for column in self.table.columns if column.field in ("name", "alias")]
        return sorted(texts, key=lambda column: (column.field != "name", column.instead_of is not None))

    def _telling_apart(self, cells: Cells) -> dict[str, Mapping[bytes, Value]]:
        """The texts of the best columns: enough to name every row, and to tell rows of one name apart where possible."""
        identity: dict[str, Mapping[bytes, Value]] = {}
        covered: set[bytes] = set()
        shown: dict[bytes, tuple[Value, ...]] = {}
        for column in self._texts():
            texts = cells[column.name]
            more = {index: (*shown.get(index, ()), texts.get(index)) for index in {*shown, *texts}}
            is_telling = bool(shown) and len(set(more.values())) > len(set(shown.values())) < len(shown)
            if not covered.issuperset(texts) or is_telling:
                identity[column.name] = dict(texts)
                covered.update(texts)
                shown = more
        return identity | self._naming_uplink(cells, identity)

    def _naming_uplink(self, cells: Cells, identity: Mapping[str, object]) -> dict[str, Mapping[bytes, Value]]:
        """The column whose text is the uplink's name, if other columns identify the rows: an alias may move to another row."""
        if self._named is None:
            return {}
        for column in self._texts():
            if any(decode.text(value) == self._named for value in cells[column.name].values()):
                return {} if column.name in identity else {column.name: dict(cells[column.name])}
        return {}

    def _learn_uplink(self, cells: Cells) -> None:
        self.uplink = self.missing_uplink = None
        if self._wanted is None or self._names is None:
            return
        called = [index for index, (name, _) in self._names.items() if name == self._wanted]
        for source in self._texts():
            found = [index for index, value in cells[source.name].items() if decode.text(value) == self._wanted]
            found = [index for index in found if index in called] or found
            if len(found) == 1 and found[0] in self._names:
                measuring = tuple(self._measuring(cells, found[0]))
                proof = cells[source.name][found[0]]
                corrected = self._corrected.get(found[0])
                self.uplink = Uplink(found[0], self._names[found[0]], proof, (source, *measuring), corrected)
                return
        self.missing_uplink = None if called else self._wanted

    def _measuring(self, cells: Cells, index: bytes) -> list[Source]:
        """The columns that give a row's fields: the preferred ones where it has a value there, be it damaged, else the first
        that it answers at all: a state that is unknown now, or a speed of 0, is asked for again.
        """
        without = self._corrected.get(index, AS_IT_IS).without
        columns = [c for c in self.table.columns if not c.is_text and c.name not in without]
        return list(decode.giving(columns, [cells[column.name].get(index) for column in columns]))

    def _known_names(self, cells: Cells) -> Names | None:
        """The remembered names of a walk's rows, or None where any row is not the one remembered."""
        if self._names is None:
            return None
        shown: set[bytes] = set()
        for column, known in self._identity.items():
            texts = cells.get(column, {})
            if not all(_is_same(known.get(index), value) for index, value in texts.items()):
                return None
            shown.update(texts)
        if self._unnamed:
            shown.update(*(cells.get(column.name, {}) for column in self.table.columns if not column.is_text))
        return {index: named for index, named in self._names.items() if index in shown}


def _is_same(known: Value, shown: Value) -> bool:
    """Whether a row shows the text that it is known by; one that is damaged does not deny it."""
    return known == shown or (known is not None and isinstance(shown, Damaged))


def _are_same(known: Mapping[bytes, Value], shown: Mapping[bytes, Value]) -> bool:
    if known == shown:
        return True
    return known.keys() == shown.keys() and all(_is_same(known[index], value) for index, value in shown.items())
