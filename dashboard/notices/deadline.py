"""A limit on the whole of a conversation: time-outs of sockets count from one byte to the next, and never end a trickle."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

AGAIN_SECONDS = 1.0
CONNECT_SECONDS = 10.0
"""For a connection to be made, with TLS and a mail server's greeting. A whole attempt may take longer."""
ANSWER_SECONDS = 60.0
"""For a byte of an answer: more than a whole attempt may take, so that its deadline ends it."""


class Deadline:
    """Shuts the connection down that ``watch`` was told how to find, once ``seconds`` have passed."""

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self._seconds = seconds
        self._over = threading.Event()
        self._find: Callable[[], Any] = lambda: None

    def watch(self, find: Callable[[], Any]) -> None:
        """``find`` answers the socket that is open now, or None."""
        self._find = find

    def wait(self) -> None:
        """Until the conversation is over; again and again, since a connection may be made anew beneath TLS."""
        pause = self._seconds
        while not self._over.wait(pause):
            self.has_passed, pause = True, AGAIN_SECONDS
            found = self._find()
            if isinstance(found, socket.socket):
                with contextlib.suppress(OSError):
                    found.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._over.set()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """A conversation that lasts so long at most."""
    deadline = Deadline(seconds)
    threading.Thread(target=deadline.wait, name="deadline of a notice", daemon=True).start()
    try:
        yield deadline
    finally:
        deadline.end()
