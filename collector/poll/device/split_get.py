"""Poll stage: a GET that the agent could not answer whole, asked again in parts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from collector.poll.device.talk import Talk
from collector.poll.objects.get_request import Asked, Question
from collector.poll.objects.interfaces.read_lag import BYTE_COUNTERS, LATE_SECONDS
from collector.poll.snmp.codec import TOO_BIG, Absent, Message, Value

_Ended = Callable[[list[Value], str | None, float], None]


class SplitGet:
    """Asks a question's objects in parts. ``ended(values, failure, late)``: values in the order asked, failure if partial,
    and how late the byte counters among them were read, of which those read at another time than the first are absent.

    The object that an error names is left out (noSuchName of version 1, genErr); on tooBig, or where the error names
    none, the part is halved, and an object that fails alone is absent.
    """

    def __init__(self, talk: Talk, whole: Question, ended: _Ended) -> None:
        self._talk = talk
        self._whole = whole
        self._ended = ended
        self._values: dict[Asked, Value] = {}
        self._late: float | None = None
        self._parts: deque[tuple[Asked, ...]] = deque()
        self._part = whole

    def error(self, message: Message) -> None:
        """Split the part that was answered with this error, and go on."""
        asked, named = self._part.asked, message.error_index
        if message.error_status != TOO_BIG and 1 <= named <= len(asked):
            self._parts.appendleft(asked[: named - 1] + asked[named:])
        elif len(asked) > 1:
            middle = len(asked) // 2
            self._parts.extendleft((asked[middle:], asked[:middle]))
        self._next()

    def _next(self) -> None:
        while self._parts:
            part = self._parts.popleft()
            if part:
                self._part = Question(part, self._talk.access)
                self._talk.ask_question(self._part, self._heard, self._lost)
                return
        self._finish(None)

    def _heard(self, answer: list[Value] | Message, _rtt: float) -> None:
        if isinstance(answer, Message):
            self.error(answer)
            return
        late = self._talk.late_seconds()
        for asked, value in zip(self._part.asked, answer, strict=True):
            if asked.source.field in BYTE_COUNTERS:
                self._late = late if self._late is None else self._late
                if abs(late - self._late) > LATE_SECONDS:
                    continue
            self._values[asked] = value
        self._next()

    def _lost(self, reason: str) -> None:
        self._finish(reason)

    def _finish(self, failure: str | None) -> None:
        values = self._values
        self._ended([values.get(item, Absent.NO_SUCH_OBJECT) for item in self._whole.asked], failure, self._late or 0.0)
