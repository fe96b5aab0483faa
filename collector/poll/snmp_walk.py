"""Poll stage: a table walked several columns at a time, with as many rows to a request as the device can take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from operator import lt
from typing import TYPE_CHECKING

from collector.poll.profile import Source
from collector.poll.snmp_codec import (
    ERRORS,
    GENERAL_ERROR,
    GET_BULK,
    GET_NEXT,
    NO_SUCH_NAME,
    REPORT,
    TOO_BIG,
    Absent,
    BadPacketError,
    Message,
    Value,
    decode_subids,
    encode_oid,
    encode_request,
)
from collector.poll.snmp_expected import Cells, expected_rows
from collector.poll.snmp_fast import TIMEOUT

if TYPE_CHECKING:
    from collector.poll.conversation import Conversation

REPLY_BYTES = 1400
"""What a reply should stay under, so that it crosses an Ethernet path in one piece (1,472 less some headroom)."""
VARBIND_BYTES = 24
"""A guess at the size of one varbind, until the device has shown its own."""
FIRST_REPETITIONS = 10
MOST_REPETITIONS = 100


class Pace:
    """What earlier walks of one table on one device have taught: rows, bytes per row and a ceiling on repetitions."""

    __slots__ = ("ceiling", "row_bytes", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.row_bytes = 0.0
        self.ceiling = MOST_REPETITIONS


class Walk:
    """One walk of some columns. ``cells`` maps column name -> index bytes -> value; ``failure`` says why it is partial."""

    def __init__(
        self, talk: Conversation, columns: Sequence[Source], pace: Pace, ended: Callable[[Walk], None]
    ) -> None:
        self.cells: dict[str, dict[bytes, Value]] = {column.name: {} for column in columns}
        self.failure: str | None = None
        self._talk = talk
        self._pace = pace
        self._ended = ended
        self._had_trouble = False
        self._tries = talk.tries
        self._bytes = 0
        self._repetitions = 1
        self._groups: deque[list[_Column]] = deque([[_Column(column, self.cells[column.name]) for column in columns]])

    def step(self) -> None:
        """Send the next request, or end the walk."""
        while self._groups and not any(not column.is_ended for column in self._groups[0]):
            self._groups.popleft()
        if not self._groups or self._is_over_limits():
            self._finish()
            return
        group = self._groups[0] = [column for column in self._groups[0] if not column.is_ended]
        oids = [column.prefix + column.last for column in group]
        head = self._talk.access.head
        if self._talk.access.version == "1":
            packet = encode_request(GET_NEXT, head, oids)
        else:
            self._repetitions = self._fitting_repetitions(group)
            packet = encode_request(GET_BULK, head, oids, second=self._repetitions)
        self._talk.ask(packet, self._read, self._heard, self._lost)

    def _fitting_repetitions(self, group: list[_Column]) -> int:
        """Rows for one reply: those that are still to come, as many as fit, and no more than the device has borne."""
        row_bytes = self._pace.row_bytes or VARBIND_BYTES * len(group)
        coming = self._pace.rows - len(group[0].cells) + 1
        wanted = coming if coming > 0 and self._pace.rows else FIRST_REPETITIONS
        return max(1, min(wanted, int((REPLY_BYTES - self._talk.access.outside_bytes) / row_bytes), self._pace.ceiling))

    def _is_over_limits(self) -> bool:
        limits = self._talk.limits
        if max(len(column.cells) for column in self._groups[0]) >= limits.max_rows:
            self.failure = f"more than {limits.max_rows} rows"
        elif self._bytes >= limits.max_answer_bytes:
            self.failure = f"more than {limits.max_answer_bytes} bytes"
        return self.failure is not None

    def _read(self, data: bytes) -> Cells | Message:
        group = self._groups[0]
        cells = expected_rows(data, self._talk.access.head, [column.prefix for column in group])
        if cells is not None:
            self._bytes += len(data)
            return cells
        message = self._talk.access.decode(data)
        self._bytes += len(data)
        if message.kind == REPORT or message.error_status:
            return message
        if not message.varbinds:
            raise BadPacketError("names", "no varbinds")
        binds = message.varbinds
        indexes = [group[n % len(group)].index_of(encode_oid(bind.oid)) for n, bind in enumerate(binds)]
        return Cells(indexes, [bind.value for bind in binds])

    def _heard(self, answer: Cells | Message, _rtt: float) -> None:
        self._tries = self._talk.tries
        if isinstance(answer, Message):
            self._error(answer)
            return
        group = self._groups[0]
        width = len(group)
        for place, column in enumerate(group):
            if not column.take(answer.indexes[place::width], answer.values[place::width]):
                self.failure = "the agent's answers do not increase"
        self.step()

    def _error(self, message: Message) -> None:
        """tooBig and genErr shrink the request; noSuchName is how version 1 ends a column; others end what they name."""
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
        else:
            if message.error_status != NO_SUCH_NAME:
                self.failure = ERRORS[message.error_status]
            named = message.error_index
            for column in group[named - 1 : named] if 1 <= named <= len(group) else group:
                column.is_ended = True
            self.step()

    def _lost(self, reason: str) -> None:
        """No answer: perhaps it was too large for the path, so each retry asks for less."""
        self._tries -= 1
        if reason == TIMEOUT and self._tries > 0 and self._talk.has_time():
            self._shrink()
            self._talk.count_retry()
            self.step()
        else:
            self._stop(reason)

    def _shrink(self) -> None:
        self._had_trouble = True
        self._pace.ceiling = max(1, self._repetitions // 2)

    def _stop(self, reason: str) -> None:
        self.failure = reason
        self._finish()

    def _finish(self) -> None:
        rows = max((len(cells) for cells in self.cells.values()), default=0)
        if rows and self.failure is None:
            self._pace.rows = rows
            self._pace.row_bytes = self._bytes / (rows + 1)
        if not self._had_trouble:
            self._pace.ceiling = min(MOST_REPETITIONS, self._pace.ceiling * 2)
        self._ended(self)


class _Column:
    """How far one column has got."""

    __slots__ = ("cells", "is_ended", "last", "order", "prefix")

    def __init__(self, source: Source, cells: dict[bytes, Value]) -> None:
        self.prefix = encode_oid(source.numbers)
        self.cells = cells
        self.last = b""
        self.order: tuple[int, ...] = ()
        self.is_ended = False

    def index_of(self, content: bytes) -> bytes | None:
        """The index in an OID's content, or None where it lies outside this column."""
        inside = content.startswith(self.prefix) and len(content) > len(self.prefix)
        return content[len(self.prefix) :] if inside else None

    def take(self, indexes: list[bytes | None], values: list[Value]) -> bool:
        """Take the next cells up to the column's end; False where they do not increase, which ends it too."""
        if None not in indexes:
            orders = [decode_subids(index) for index in indexes if index is not None]
            if orders and all(map(lt, (self.order, *orders), orders)):
                self.order = orders[-1]
                self.last = indexes[-1] or b""
                self.cells.update(zip(indexes, values, strict=True))  # type: ignore[arg-type]
                return True
        for index, value in zip(indexes, values, strict=True):
            if index is None or isinstance(value, Absent):
                self.is_ended = True
                return True
            order = decode_subids(index)
            if order <= self.order:
                self.is_ended = True
                return False
            self.order = order
            self.last = index
            self.cells[index] = value
        return True
