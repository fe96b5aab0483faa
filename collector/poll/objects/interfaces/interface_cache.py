"""Poll stage: what is remembered of one device's interface table, so that a usual poll asks only for what moves."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping, Sequence

from collector.interface_filter import USUAL, InterfaceFilter
from collector.poll.damage import Damaged
from collector.poll.objects import decode
from collector.poll.objects.decode import Cells, Found, Record
from collector.poll.objects.get_request import Asked
from collector.poll.objects.interfaces import interface_rows
from collector.poll.objects.interfaces.asked_row import AskedRow
from collector.poll.objects.interfaces.corrections import Counted, corrections, counted
from collector.poll.objects.interfaces.interface_rows import Correction, Names
from collector.poll.objects.interfaces.joined_rows import is_extended
from collector.poll.objects.interfaces.row_names import MOST_KNOWN, KnownRow, kept_names, remembered
from collector.poll.objects.interfaces.summed_rows import SummedRows
from collector.poll.objects.interfaces.uplink_twins import UplinkTwins, uplink_twins
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Value, decode_subids, encode_subids
from collector.reading import Device, InterfaceReading

log = logging.getLogger(__name__)

WIDE_BITS = 64
AS_IT_IS = Correction(frozenset())
MOST_FIRST = 3
"""Rows that are asked for by name beside all else that one GET asks for: more would not fit into a packet."""


class InterfaceMemory:
    """One interface table of one device: names, aliases, which columns it fills and where its uplink is.

    A CPE with a named uplink is read by that interface alone; all other devices are walked. Of those too, the rows that are
    named are asked for by GET before the walk, which may not reach them in time: ``first``. Where they have not been met
    yet, ``where`` may tell at which index they were.
    """

    def __init__(
        self, table: Table, device: Device, wanted: InterfaceFilter = USUAL, most_shown: int = MOST_KNOWN
    ) -> None:
        self.table = table
        self.summed = SummedRows(wanted, most_shown, device.uplink_interface)
        self._types: dict[int, int] = {}
        self.is_joined = False
        """Whether the rows of ifXTable are numbered apart: then no row can be asked for, and all columns are walked."""
        self.uplink: AskedRow | None = None
        self.first: tuple[AskedRow, ...] = ()
        self.where: dict[str, bytes] = {}
        self.is_sought = False
        self.missing_uplink: str | None = None
        self.twins: UplinkTwins | None = None
        """The rows that the uplink's name fits, where they are several, as the last rows that were named show it."""
        self._device_id = device.device_id
        self._named = device.uplink_interface
        is_alone = device.role == "cpe"
        self._wanted = device.uplink_interface if is_alone else None
        named = (device.uplink_interface, *wanted.named)
        self.wanted_first = () if is_alone else tuple(dict.fromkeys(name for name in named if name is not None))
        self._names: Names | None = None
        self._known: dict[str, KnownRow] = {}
        self._counted: dict[bytes, Counted] = {}
        self._corrected: dict[bytes, Correction] = {}
        self._told: dict[str, str] = {}
        self._told_twins: tuple[str, str, str | None] | None = None
        self._identity: dict[str, Mapping[bytes, Value]] = {}
        """The texts that identify the rows, by column: those of ifName, and of other columns where rows lack it."""
        self._columns: tuple[Source, ...] = table.columns
        self._is_unproven = False
        self._unnamed: frozenset[bytes] = frozenset()

    def columns(self) -> tuple[Source, ...]:
        """What a walk asks for: everything at first, later what identifies and measures."""
        return self.table.columns if self.is_joined else self._columns

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
        measuring = {
            source for index in self._names for source in self._measuring(cells, index, self._corrected.get(index))
        }
        self._columns = tuple(c for c in self.table.columns if c in measuring or c.name in self._identity)
        self._learn_uplink(cells)
        return True

    def remember(self, before: InterfaceMemory) -> None:
        """Keep the names of the rows and what was wrong with them when the device is explored again."""
        self._known, self._told, self.where = before._known, before._told, before.where
        self._told_twins = before._told_twins
        self._counted, self._corrected = before._counted, before._corrected
        self._types = before._types
        self.summed.keep_from(before.summed)

    def _name(self, cells: Cells) -> Names:
        """The names of the rows of a walk; a row that is known keeps the name that it had."""
        texts = interface_rows.row_texts(self.table, cells)
        names = interface_rows.name_interfaces(self.table, cells, unnamed=self._unnamed)
        kept = kept_names(self._known, texts, names, self._named)
        names = interface_rows.name_interfaces(self.table, cells, kept, self._unnamed) if kept else names
        self._note_twins(uplink_twins(texts, names, self._named))
        return names

    def _note_twins(self, twins: UplinkTwins | None) -> None:
        """Say once of which rows the uplink may be any."""
        self.twins = twins
        told = None if twins is None else (twins.uplink, twins.column, twins.taken)
        if told is not None and told != self._told_twins:
            self._told_twins = told
            log.warning("%s: %s", self._device_id, twins)

    def _correct(self, cells: Cells, names: Names) -> None:
        """Find rows of which not everything is believed; those with another name than before, or that are new, are reported."""
        self._corrected = self._corrections(cells, names)
        self._counted = {index: counted(self.table, cells, index) for index in names}
        told = {names[index][0]: corrected.why for index, corrected in self._corrected.items()}
        news = {name: why for name, why in told.items() if self._told.get(name) != why}
        self._told = told
        for why in sorted(set(news.values())):
            rows = [name for name, reason in news.items() if reason == why]
            more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            log.warning("%s: interface %s%s: %s", self._device_id, rows[0], more, why)

    def _corrections(self, cells: Cells, names: Names) -> dict[bytes, Correction]:
        wide = {column.name for column in self.table.columns if column.bits == WIDE_BITS}
        dead = [index for index, corrected in self._corrected.items() if not wide.isdisjoint(corrected.without)]
        return corrections(self.table, cells, names, self._counted, dead)

    def records(
        self,
        readings: Sequence[InterfaceReading],
        cells: Cells,
        places: Mapping[tuple[str, bytes], int],
        without: Container[int] = (),
    ) -> list[Record] | None:
        """What ``readings`` took from a walk's cells, as records; None where its rows are not the ones remembered."""
        names = self._known_names(cells)
        if names is None or self.uplink is not None or self.is_joined:
            return None
        names = _but(names, without)
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

    def readings(self, cells: Cells, without: Container[int] = ()) -> tuple[InterfaceReading, ...]:
        """The interfaces of a walk: the uplink alone where it is asked for alone and found, else all but those ``without``,
        which the poll has read by their ifIndex already. Rows that are to be summed are among them, and known from now on.
        """
        self._is_unproven = False
        types = next((cells.get(column.name) for column in self.table.columns if column.field == "type"), None)
        if types:
            self._types = {decode_subids(i)[0]: value for i, value in types.items() if isinstance(value, int)}
        names = self._known_names(cells)
        if names is None:
            names = self._name(cells)
            if self.uplink is None and self._wanted is not None:
                names = {index: named for index, named in names.items() if self._wanted in named} or names
        if self.uplink is not None:
            names = {index: named for index, named in names.items() if decode_subids(index) == self.uplink.index}
        names = _but(names, without)
        readings = interface_rows.interfaces(self.table, cells, names, self._corrected)
        self.summed.learn(readings, self._types)
        return readings

    @property
    def is_asked(self) -> bool:
        """Whether ``asked`` is all that counts of this table."""
        return self.uplink is not None and not self._is_unproven

    @property
    def has_first(self) -> bool:
        """Whether ``asked`` is some of what counts."""
        return bool(self.first)

    @property
    def is_to_be_sought(self) -> bool:
        """Whether rows are named that nobody has met yet, and that a walk of the whole table might not reach in time."""
        return bool(self.wanted_first) and not self.first and not self.is_sought

    def naming_columns(self) -> list[Source]:
        """The columns that may hold the name of a row, the likeliest first."""
        return sorted(self._texts(), key=lambda column: column.field == "alias")

    def meet(self, cells: Cells) -> tuple[InterfaceReading, ...]:
        """Take the rows that were sought, of which ``cells`` hold every column, and ask for them from now on; none where they
        are not the named ones, or their other half is numbered apart.
        """
        if not any(cells.get(column.name) for column in self.table.columns if not is_extended(column)):
            return ()
        cells = decode.settled(self.table, cells)
        names = self._name(cells)
        corrected = self._corrections(cells, names)
        self.first = self._rows_of(cells, names, corrected)
        if not self.first:
            return ()
        return interface_rows.interfaces(self.table, cells, names, corrected)

    def asked(self) -> list[Asked]:
        """What is asked for by name: the columns of the uplink or of the first rows; nothing while they are not known."""
        rows = self.first if self.uplink is None else (self.uplink,)
        return [asked for row in rows for asked in row.asked()]

    def question_records(self) -> list[Record]:
        """The same rows as records of the question, their places counted from the first of ``asked()``."""
        rows, records, place = self.first if self.uplink is None else (self.uplink,), [], 0
        for row in rows:
            records.append(row.record().moved(place))
            place += len(row.sources)
        return records

    def read(self, values: Sequence[Value]) -> Found | None:
        """The uplink from the values of ``asked()``; None, and forgotten, where that row is another interface now.

        Where the text that proves the row is damaged, the whole table must show whether it is still the same.
        """
        if self.uplink is None:
            return self._read_first(values)
        if isinstance(values[0], Damaged):
            self._is_unproven = True
            return None
        reading = self.uplink.reading(values)
        if reading is None:
            self.forget()
            return None
        return Found(interfaces=(reading,))

    def _read_first(self, values: Sequence[Value]) -> Found | None:
        """The first rows; one whose proof is damaged is left to the walk."""
        readings, place = [], 0
        for row in self.first:
            own = values[place : place + len(row.sources)]
            place += len(row.sources)
            reading = row.reading(own)
            if reading is not None:
                readings.append(reading)
            elif not isinstance(own[0], Damaged):
                self.forget()
                return None
        return Found(interfaces=tuple(readings))

    def forget(self) -> None:
        self.uplink = None
        self.first = ()
        self.is_sought = False
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
        names = self._names or {}
        self.first = self._rows_of(cells, names, self._corrected)
        self.is_sought = True
        if self._wanted is not None:
            self.uplink = self._row_of(self._wanted, cells, names, self._corrected)
            is_there = self.uplink is not None or any(name == self._wanted for name, _ in names.values())
            self.missing_uplink = None if is_there else self._wanted

    def _rows_of(self, cells: Cells, names: Names, corrected: Mapping[bytes, Correction]) -> tuple[AskedRow, ...]:
        """The rows that are to be asked for first, as far as they are here."""
        found = {name: self._row_of(name, cells, names, corrected) for name in self.wanted_first[:MOST_FIRST]}
        rows = {row.index: (name, row) for name, row in found.items() if row is not None}
        self.where |= {name: encode_subids(index) for index, (name, _) in rows.items()}
        return tuple(row for _, row in rows.values())

    def _row_of(
        self, wanted: str, cells: Cells, names: Names, corrected: Mapping[bytes, Correction]
    ) -> AskedRow | None:
        """The only row that a name can mean, as it is asked for by a GET."""
        if self.is_joined:
            return None
        called = [index for index, (name, _) in names.items() if name == wanted]
        for source in self._texts():
            found = [index for index, value in cells[source.name].items() if decode.text(value) == wanted]
            found = [index for index in found if index in called] or found
            if len(found) == 1 and found[0] in names:
                index = found[0]
                right = corrected.get(index)
                measuring = tuple(self._measuring(cells, index, right))
                return AskedRow(index, names[index], cells[source.name][index], (source, *measuring), right)
        return None

    def _measuring(self, cells: Cells, index: bytes, corrected: Correction | None = None) -> list[Source]:
        """The columns that give a row's fields: the preferred ones where it has a value there, be it damaged, else the first
        that it answers at all: a state that is unknown now, or a speed of 0, is asked for again.
        """
        without = (corrected or AS_IT_IS).without
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


def _but(names: Names, without: Container[int]) -> Names:
    """The rows but those of these ifIndexes."""
    if not without:
        return names
    return {index: named for index, named in names.items() if decode_subids(index)[0] not in without}


def _is_same(known: Value, shown: Value) -> bool:
    """Whether a row shows the text that it is known by; one that is damaged does not deny it."""
    return known == shown or (known is not None and isinstance(shown, Damaged))


def _are_same(known: Mapping[bytes, Value], shown: Mapping[bytes, Value]) -> bool:
    if known == shown:
        return True
    return known.keys() == shown.keys() and all(_is_same(known[index], value) for index, value in shown.items())
