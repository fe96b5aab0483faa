"""Poll stage: the last request of a poll in which 64-bit counters stand still: what their 32-bit ones say."""

from __future__ import annotations

from collections.abc import Callable

from collector.poll.device.talk import Talk
from collector.poll.objects.get_request import Question
from collector.poll.objects.interfaces.standing_counters import Standing
from collector.poll.snmp.codec import Message, Value


class SecondLook:
    """Asks once, where there is something to ask; ``ended(is_doubted)``: whether the table must be walked anew.

    What is not answered, or with an error, is asked again later, and costs the poll nothing but time.
    """

    def __init__(self, talk: Talk, standing: Standing, ended: Callable[[bool], None]) -> None:
        self._standing = standing
        self._ended = ended
        asked = standing.asked()
        if asked and talk.has_time():
            talk.ask_question(Question(asked, talk.access), self._heard, self._lost)
        else:
            ended(False)

    def _heard(self, answer: list[Value] | Message, _rtt: float) -> None:
        if isinstance(answer, Message):
            self._lost("")
        else:
            self._ended(self._standing.read(answer))

    def _lost(self, _reason: str) -> None:
        self._standing.put_off()
        self._ended(False)
