"""Poll stage: which branches of the tree a device has, by one GETNEXT: for kinds that call themselves what others do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from collector.poll.device.talk import Talk
from collector.poll.snmp.codec import GET_NEXT, Message, Oid, encode_oid, encode_request
from collector.poll.snmp.engine import Request


class BranchProbe:
    """Asks once; ``told`` gets those of the branches below which the device has an object. No answer tells of none."""

    def __init__(self, talk: Talk, branches: Sequence[Oid], told: Callable[[Collection[Oid]], None]) -> None:
        self._branches = branches
        self._told = told
        packet = encode_request(GET_NEXT, talk.access.head, [encode_oid(branch) for branch in branches])
        request = Request(bytearray(packet.data), packet.id_at, talk.access.decode, self._heard, self._lost)
        talk.ask(request, 1)

    def _heard(self, answer: Message, _rtt: float) -> None:
        self._told(
            {branch for branch in self._branches if any(_is_below(bind.oid, branch) for bind in answer.varbinds)}
        )

    def _lost(self, _reason: str) -> None:
        self._told(())


def _is_below(oid: Oid, branch: Oid) -> bool:
    return len(oid) > len(branch) and oid[: len(branch)] == branch
