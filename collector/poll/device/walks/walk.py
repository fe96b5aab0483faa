"""Poll stage: a table walked several columns at a time, with as many rows to a request as the device can take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from collector.poll.damage import Damaged
from collector.poll.device.talk import Talk
from collector.poll.device.walks.walk_cache import Bulk, Progress, Route, Step
from collector.poll.device.walks.walk_column import Column
from collector.poll.device.walks.walk_pace import Pace
from collector.poll.manner import MOST_REPETITIONS
from collector.poll.objects.interfaces.joined_rows import is_extended, joined, joins
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import (
    ERRORS,
    GENERAL_ERROR,
    GET_BULK,
    GET_NEXT,
    NO_SUCH_NAME,
    REPORT,
    REST,
    TOO_BIG,
    BadPacketError,
    Message,
    Value,
    Varbind,
    encode_oid,
    encode_request,
)
from collector.poll.snmp.engine import TIMEOUT, Exchange, Request
from collector.poll.snmp.reply_parser import Cells, expected_rows, learn_layout

VARBIND_BYTES = 24
"""A guess at the size of one varbind, until the device has shown its own."""
FIRST_REPETITIONS = 10
LONG_WALK = 20
"""Requests after which a walk is long: its next ones leave as soon as the device has answered, not at the next tick. A
table of 48 ports takes fewer.
"""
MOST_STILL_ROWS = 500
"""Rows of the largest table whose states and speeds are taken to stay: in a larger one some change in every poll."""


class Walk:
    """One walk of some columns. ``failure`` says why it is partial, ``cut`` which columns are, ``is_damaged`` that some
    cells could not be read, ``late`` by column and row how many seconds late cells were read. A reply that breaks off
    within a row is taken up to that row, so that a row is of one moment. It begins after the index ``after``, and ends where
    the table does, or where ``is_enough`` says so.
    """

    def __init__(
        self,
        talk: Talk,
        columns: Sequence[Source],
        pace: Pace,
        ended: Callable[[Walk], None],
        *,
        after: bytes = b"",
        is_enough: Callable[[Walk], bool] | None = None,
    ) -> None:
        self.failure: str | None = None
        self.cut: set[str] = set()
        self.is_damaged = False
        self.late: dict[tuple[str, bytes], float] = {}
        self._talk = talk
        self._columns = tuple(columns)
        self._pace = pace
        self._ended = ended
        self._after = after
        self._is_enough = is_enough
        self._had_trouble = False
        self._bulk = talk.bulk
        self._is_bulk = talk.access.version != "1" and self._bulk.is_used and not talk.manner.is_getnext
        self._has_fallen_back = False
        self._tries = talk.tries
        self._asked = 0
        self._bytes = 0
        self._repetitions = 1
        self._cells: dict[str, dict[bytes, Value]] | None = None
        self._groups: deque[list[Column]] = deque()
        self._request: Bulk
        self._reply = b""
        self._trail: list[Step] | None = None
        self._progress: Progress | None = None
        if pace.route is not None and pace.route.columns == self._columns and pace.route.is_bulk == self._is_bulk:
            self._progress = Progress(pace.route)
        else:
            self._begin_carefully()
            self._trail = [] if pace.is_known else None

    @property
    def cells(self) -> dict[str, dict[bytes, Value]]:
        """What was walked: column name -> index bytes -> value."""
        if self._cells is None:
            self._cells = {column.name: {} for column in self._columns}
            for name, index, value in self._progress.cells() if self._progress is not None else ():
                self._cells[name][index] = value
        return self._cells

    def join(self, table: Table) -> bool:
        """Put rows of ifXTable that are numbered apart where they belong; whether there were any."""
        found = joins(table, self.cells)
        if not found:
            return False
        extended = {column.name for column in table.columns if is_extended(column)}
        self._cells = joined(table, self.cells, found)
        self.late = {(c, found.get(i, i) if c in extended else i): late for (c, i), late in self.late.items()}
        return True

    @property
    def route(self) -> Route | None:
        """The route that this walk has followed, or found for the next."""
        route = self._pace.route
        return route if route is not None and route.columns == self._columns else None

    def usual_row(self) -> list[Any] | None:
        """All that was walked, as the recipe of its route puts it; None where it must be taken from ``cells``."""
        return self._progress.row() if self._progress is not None else None

    def step(self) -> None:
        """Send the next request, or end the walk."""
        if self._progress is not None and self._progress.is_complete:
            self._ended(self)
            return
        if self._progress is not None and self._talk.has_time():
            self._ask(self._progress.step.request)
            return
        self._leave_route()
        while self._groups and not any(not column.is_ended for column in self._groups[0]):
            self._groups.popleft()
        if not self._groups or (self._is_enough is not None and self._is_enough(self)) or self._is_over_limits():
            self._finish()
            return
        self._groups[0] = [column for column in self._groups[0] if not column.is_ended]
        self._ask(self._compose())

    def _compose(self) -> Bulk:
        """The request for the next cells of the columns that are under way."""
        group = self._groups[0]
        oids = [column.prefix + column.last for column in group]
        head = self._talk.access.head
        if self._is_bulk:
            self._repetitions = self._fitting_repetitions(group)
            packet = encode_request(GET_BULK, head, oids, second=self._repetitions)
            self._tries = 1 if self._bulk.is_last_try else self._tries
        else:
            self._repetitions = 1
            packet = encode_request(GET_NEXT, head, oids)
        prefixes = [column.prefix for column in group]
        self._request = Bulk(bytearray(packet.data), packet.id_at, prefixes, self._repetitions)
        return self._request

    def _ask(self, request: Bulk) -> None:
        wanted = Request(request.packet, request.id_at, self._read, self._heard, self._lost)
        self._asked += 1
        known = len(self._progress.route.steps) if self._progress is not None else 0
        is_long = max(self._asked, known) > LONG_WALK
        self._talk.ask(wanted, self._tries, at_once=is_long).renew = self._renew

    def _renew(self, exchange: Exchange) -> None:
        """A try was not answered: put the next one, while an answer to this one is still an answer."""
        self._note_lost()
        request = self._compose()
        exchange.packet, exchange.id_at, exchange.tries = request.packet, request.id_at, self._tries

    def _leave_route(self) -> None:
        """Go on the careful way from here: what came is no usual reply, or nothing came."""
        progress, self._progress = self._progress, None
        if progress is None:
            return
        self._pace.route = None
        self._repetitions = progress.step.request.repetitions
        self._bytes = sum(step.layout.size for step in progress.done)
        self._begin_carefully()
        columns = {column.name: column for column in self._groups[0]}
        for name, index, value in progress.cells():
            columns[name].put(index, value)
        for step in progress.done:
            for name in step.ended:
                columns[name].is_ended = True
        self._groups[0] = [column for column in self._groups[0] if not column.is_ended]

    def _begin_carefully(self) -> None:
        self._cells = {column.name: {} for column in self._columns}
        self._groups.append([Column(column, self._cells[column.name], self._after) for column in self._columns])

    def _fitting_repetitions(self, group: list[Column]) -> int:
        """Rows for one reply: those that are still to come, as many as fit, and no more than the device has borne."""
        if self._bulk.is_last_try and not self._bulk.is_trial:
            return 1
        row_bytes = self._pace.row_bytes or VARBIND_BYTES * len(group)
        coming = self._pace.rows - len(group[0].cells) + 1
        wanted = coming if coming > 0 and self._pace.rows else FIRST_REPETITIONS
        manner = self._talk.manner
        fitting = int((manner.reply_bytes - self._talk.access.outside_bytes) / row_bytes)
        return max(1, min(wanted, fitting, self._pace.ceiling, manner.max_repetitions))

    def _is_over_limits(self) -> bool:
        limits = self._talk.limits
        if not self._talk.has_time():
            self.failure = "not read to its end within the time of a poll (poll.budget_seconds)"
            return True
        if max(len(column.cells) for column in self._groups[0]) >= limits.max_rows:
            self.failure = f"more than {limits.max_rows} rows"
            return True
        if self._bytes >= limits.max_answer_bytes:
            self.failure = f"more than {limits.max_answer_bytes} bytes"
            return True
        return False

    def _read(self, data: bytes) -> tuple[Any, ...] | Cells | Message:
        """The numbers of a reply that keeps to the route, else its cells, or the whole message if it has an error."""
        if self._progress is not None:
            numbers = self._progress.read(data, self._talk.access.head)
            if numbers is not None:
                return numbers
            self._leave_route()
        group = self._groups[0]
        cells = expected_rows(data, self._talk.access.head, [column.prefix for column in group])
        if cells is not None:
            self._bytes += len(data)
            self._reply = data
            return cells
        self._trail = None
        message = self._talk.access.decode(data)
        self._bytes += len(data)
        if message.kind == REPORT or message.error_status:
            return message
        if not message.varbinds:
            raise BadPacketError("names", "no varbinds")
        return self._read_damaged(message.varbinds, group)

    def _read_damaged(self, binds: Sequence[Varbind], group: Sequence[Column]) -> Cells:
        """The cells of a reply that holds something odd. A cell whose name cannot be read goes by that of another column
        of its row; what lengths do not let be followed is left out.
        """
        if binds[-1] == REST:
            self._note_damage(Damaged.FRAMING, group[(len(binds) - 1) % len(group)].name)
            binds = binds[:-1]
        cells = Cells([], [])
        for start in range(0, len(binds), len(group)):
            row = list(zip(group, binds[start : start + len(group)], strict=False))
            found = [column.index_of(encode_oid(bind.oid)) if bind.oid else None for column, bind in row]
            shown = next((index for index in found if index is not None), None)
            for (column, bind), index in zip(row, found, strict=True):
                if isinstance(bind.value, Damaged):
                    self._note_damage(bind.value, column.name)
                is_outside = index is None and bind.oid != ()
                cells.indexes.append(index if bind.oid else shown)
                cells.values.append(None if is_outside else bind.value)
        return cells

    def _note_damage(self, damaged: Damaged, name: str) -> None:
        self.is_damaged = True
        self._talk.count_damage(damaged, name)

    def _heard(self, answer: tuple[Any, ...] | Cells | Message, _rtt: float) -> None:
        self._tries = self._talk.tries
        if isinstance(answer, Message):
            self._error(answer)
            return
        if self._is_bulk:
            self._bulk.answered()
        elif self._bulk.answered_next():
            self._talk.count_avoided(self._bulk.trouble or "")
        if isinstance(answer, Cells):
            self._take(answer)
        elif self._progress is not None:
            late = self._talk.late_seconds()
            if late:
                self.late.update({(cell.column, cell.index): late for cell in self._progress.step.cells})
            self._progress.take(answer)
        self.step()

    def _take(self, answer: Cells) -> None:
        group, trail = self._groups[0], self._trail
        width, count = len(group), len(answer.values)
        if count > width:
            count -= count % width
        late = self._talk.late_seconds()
        stood = [(column.last, column.is_ended) for column in group] if self.is_damaged else None
        if trail is not None:
            still = self._still(answer.indexes)
            layout = learn_layout(self._reply, self._talk.access.head, answer.values, still)
            trail.append(Step(self._request, layout, answer.indexes, still))
        for place, column in enumerate(group):
            before = len(column.cells)
            indexes, values = answer.indexes[place:count:width], answer.values[place:count:width]
            if late:
                self.late |= {(column.name, index): late for index in indexes if index is not None}
            if not column.take(indexes, values):
                self._give_up([column], "the agent's answers do not increase")
            if trail is not None:
                taken = range(place, count, width)[: len(column.cells) - before]
                trail[-1].note(column.name, taken, is_ended=column.is_ended)
        if stood is not None and stood == [(column.last, column.is_ended) for column in group]:
            self._give_up(group, "the names in the agent's answers cannot be read")

    def _still(self, indexes: Sequence[bytes | None]) -> frozenset[int]:
        """The places in a reply of the cells that rarely change."""
        if self._pace.rows > MOST_STILL_ROWS:
            return frozenset()
        group = self._groups[0]
        are_still = [column.is_still for column in group]
        width = len(group)
        return frozenset(n for n, index in enumerate(indexes) if index is not None and are_still[n % width])

    def _error(self, message: Message) -> None:
        """tooBig and genErr shrink the request; what is left of a GETBULK's errors is tried by GETNEXT; noSuchName is how
        version 1 ends a column; others end what they name.
        """
        group = self._groups[0]
        if message.kind == REPORT:
            self._stop("report")
        elif message.error_status in (TOO_BIG, GENERAL_ERROR) and self._repetitions > 1:
            self._shrink()
            self.step()
        elif message.error_status == TOO_BIG and len(group) > 1:
            middle = len(group) // 2
            self._groups[0] = group[:middle]
            self._groups.insert(1, group[middle:])
            self._had_trouble = True
            self.step()
        elif self._is_bulk and (message.error_status != NO_SUCH_NAME or not any(column.cells for column in group)):
            self._bulk.refused(f"is answered with {ERRORS[message.error_status]}")
            self._fall_back()
        else:
            if self._has_fallen_back:
                self._bulk.acquit()
                self._is_bulk = self._bulk.is_used and not self._talk.manner.is_getnext
            named = message.error_index
            ended = group[named - 1 : named] if 1 <= named <= len(group) else group
            if message.error_status != NO_SUCH_NAME:
                self._give_up(ended, ERRORS[message.error_status])
            for column in ended:
                column.is_ended = True
            self.step()

    def _note_lost(self) -> None:
        """No answer: by chance, so the same once more; or it is too large for the path, so then for less each time."""
        self._leave_route()
        self._tries -= 1
        if self._is_bulk:
            self._bulk.lost(self._repetitions)
        if self._tries < self._talk.tries - 1 or not self._tries:
            self._shrink()

    def _lost(self, reason: str) -> None:
        """All tries are lost: by GETNEXT, where it may be GETBULK that the device does not like."""
        if reason == TIMEOUT:
            self._note_lost()
        self._leave_route()
        if self._is_bulk and reason != TIMEOUT and not reason.startswith("send: "):
            self._bulk.refused(f"is answered by what cannot be read ({reason})")
        if not self._is_bulk:
            self._bulk.acquit()
        elif self._bulk.has_failed and self._talk.has_time():
            self._fall_back()
            return
        elif self._bulk.has_failed:
            self._bulk.ran_out()
        self._stop(reason)

    def _fall_back(self) -> None:
        """Go on by GETNEXT from here."""
        self._had_trouble = self._has_fallen_back = True
        self._is_bulk = False
        self._tries = self._talk.tries
        self.step()

    def _shrink(self) -> None:
        self._had_trouble = True
        self._pace.ceiling = max(1, self._repetitions // 2)

    def _stop(self, reason: str) -> None:
        self.failure = reason
        self._finish()

    def _give_up(self, columns: Iterable[Column], reason: str) -> None:
        """Go on without these columns."""
        self.failure = reason
        for column in columns:
            column.is_ended = True
            self.cut.add(column.name)

    def _finish(self) -> None:
        self.cut.update(column.name for group in self._groups for column in group if not column.is_ended)
        if self.failure is None:
            rows = max((len(cells) for cells in self.cells.values()), default=0)
            went_as_expected = self._pace.note(rows, self._bytes)
            if went_as_expected and self._trail is not None and not self._had_trouble:
                self._pace.route = Route(self._columns, self._trail, is_bulk=self._is_bulk)
        if not self._had_trouble:
            self._pace.ceiling = min(MOST_REPETITIONS, self._pace.ceiling * 2)
        self._ended(self)
