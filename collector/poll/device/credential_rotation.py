"""Poll stage: which of a device's credentials to try, and how often; the one that works is kept to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from collector.poll.objects.get_request import Access

BACK_OFF_AFTER = 3
"""After this many failed polls in a row a device costs one packet a poll (two where it has several
credentials and one of them once worked), without retries, until it answers."""


class CredentialRotation:
    """The credentials of one device, through its polls. ``access`` and ``tries`` are those of the current attempt,
    ``kept`` is the one that worked last.

    The one that worked last comes first, with all its tries; then each of the others once. While none has worked,
    each is tried once in turn, for as many rounds as there are tries. A poll's time limit cuts either short; the
    next poll goes on where this one stopped.
    """

    __slots__ = (
        "_accesses",
        "_failed_polls",
        "_is_plain",
        "_planned",
        "_refused",
        "_turn",
        "access",
        "failure",
        "kept",
        "tries",
    )

    def __init__(self, accesses: Sequence[Access]) -> None:
        self._accesses = tuple(accesses)
        self._is_plain = len(self._accesses) == 1 and self._accesses[0].session is None
        self.kept: Access | None = None
        self._failed_polls = 0
        self._turn = 0
        self._planned: deque[tuple[Access, int]] = deque()
        self._refused: set[str] = set()
        self.access = self._accesses[0]
        self.tries = 1
        self.failure: str | None = None

    def begin(self, tries: int, silent_polls: int) -> None:
        """Start a poll, in which a credential that works may be asked ``tries`` times."""
        self.failure = None
        if self._is_plain and not silent_polls:
            self.tries = tries
            return
        is_lost = silent_polls >= BACK_OFF_AFTER
        for access in self._accesses:
            if access.session is not None:
                access.session.begin_poll(is_lost=is_lost)
        self.tries = 1 if is_lost else tries
        if len(self._accesses) > 1:
            self._refused.clear()
            self._plan()
            self._take()

    def next(self, reason: str | None) -> bool:
        """Go on to another credential: this one was refused for ``reason``, or stayed silent (None).

        False where none is left; ``failure`` is then the first refusal, if any.
        """
        self.failure = self.failure or reason
        if reason is not None:
            self._refused.add(self.access.name)
        while self._planned:
            if self._planned[0][0].name not in self._refused:
                self._take()
                return True
            self._planned.popleft()
        return False

    def worked(self) -> None:
        """The device accepted the current credential."""
        self.kept = self.access
        self._failed_polls = 0

    def failed(self) -> None:
        """The poll came to nothing."""
        self._failed_polls += 1

    def _plan(self) -> None:
        tries = self.tries
        others = [self._accesses[(self._turn + n) % len(self._accesses)] for n in range(len(self._accesses))]
        self._planned.clear()
        if self.kept is None:
            self._planned += [(access, 1) for access in others] * tries
        else:
            self._planned += [(self.kept, tries), *((access, 1) for access in others if access is not self.kept)]
        if self._failed_polls >= BACK_OFF_AFTER:
            self._planned = deque(list(self._planned)[: 1 if self.kept is None else 2])

    def _take(self) -> None:
        self.access, self.tries = self._planned.popleft()
        if self.access is not self.kept:
            self._turn = (self._accesses.index(self.access) + 1) % len(self._accesses)
