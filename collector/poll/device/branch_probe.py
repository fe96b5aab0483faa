"""Poll stage: which branches of the tree a device has, by GETNEXT: for kinds that call themselves what others do."""

from __future__ import annotations

from collections.abc import Callable, Collection

from collector.poll.device.talk import Talk
from collector.poll.snmp.codec import ERRORS, GET_NEXT, Message, Oid, encode_oid, encode_request
from collector.poll.snmp.engine import Request

TRIES = 2
"""One packet may be lost; a device that is silent for this is silent for it about hourly, so no more time is given."""


class BranchProbe:
    """Asks for all branches at once; ``told`` gets those below which the device has an object, or None where it did not
    say.
    """

    def __init__(self, talk: Talk, branches: Collection[Oid], told: Callable[[Collection[Oid] | None], None]) -> None:
        self._talk = talk
        self._told = told
        self._had: set[Oid] = set()
        self._left = sorted(branches)
        self._most = len(self._left)
        self._ask()

    def _ask(self) -> None:
        if not self._left:
            self._told(self._had)
        elif not self._talk.has_time():
            self._told(None)
        else:
            access = self._talk.access
            asked = [encode_oid(branch) for branch in self._left[: self._most]]
            packet = encode_request(GET_NEXT, access.head, asked)
            request = Request(bytearray(packet.data), packet.id_at, access.decode, self._heard, self._lost)
            self._talk.ask(request, min(TRIES, self._talk.tries))

    def _heard(self, answer: Message, _rtt: float) -> None:
        coming = self._left[: self._most]
        error = ERRORS[answer.error_status] if answer.error_status < len(ERRORS) else "unknown"
        if error == "noError":
            self._had |= {branch for branch in coming if any(_is_below(bind.oid, branch) for bind in answer.varbinds)}
            del self._left[: self._most]
        elif error == "tooBig" and len(coming) > 1:
            self._most = len(coming) // 2
        elif error == "noSuchName" and 0 < answer.error_index <= len(coming):
            # Version 1 says so of the end of all objects: no branch from there on is had.
            end = coming[answer.error_index - 1]
            self._left = [branch for branch in self._left if branch < end]
        else:
            self._told(None)
            return
        self._ask()

    def _lost(self, _reason: str) -> None:
        self._told(None)


def _is_below(oid: Oid, branch: Oid) -> bool:
    return len(oid) > len(branch) and oid[: len(branch)] == branch
