"""Pages renew themselves by asking alike: whoever asks what somebody has just been told is told the same bytes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request

MOST_KEPT_BYTES = 64 * 1024 * 1024
WAIT_SECONDS = 20.0
"""How long one who asks waits for the answer that is being made for another."""
KEPT_HEADERS = ("Content-Type", "Content-Encoding", "Vary")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]


class SharedAnswers:
    """The answers to callbacks that one of ``ticks`` (``id.property``) moves, for as long as ``version`` stays the same.

    Such an answer follows from what is asked and from that version, never from who asks or from the tick's count.
    """

    def __init__(self, ticks: frozenset[str], version: Callable[[], Hashable]) -> None:
        self._ticks, self._version = ticks, version
        self._lock = threading.Lock()
        self._of: Hashable = None
        self._kept: dict[Hashable, _Answer] = {}
        self._bytes = 0
        self._making: dict[Hashable, threading.Event] = {}

    def keep_last(self, server: Flask) -> None:
        """Keep what leaves ``server``; to be called before anything else is asked to change answers, compression too."""
        server.after_request(self._keep)
        server.teardown_request(self._release)

    def told(self) -> Response | None:
        """What somebody else was told who asked the same; None where this is the first to ask, who is then answered."""
        asked = self._asked(request.get_json())
        if asked is None:
            return None
        version = self._version()
        key = (version, request.headers.get("Accept-Encoding", ""), asked)
        for _ in range(2):
            with self._lock:
                if version != self._of:
                    self._of, self._kept, self._bytes = version, {}, 0
                if (kept := self._kept.get(key)) is not None:
                    g.is_shared = True
                    return Response(kept.body, kept.status, list(kept.headers))
                if (making := self._making.get(key)) is None:
                    self._making[key] = threading.Event()
                    g.shared_answer = key
                    return None
            making.wait(WAIT_SECONDS)
        return None

    def _asked(self, body: Mapping[str, Any]) -> str | None:
        """What the answer follows from; None for a callback that no tick moves."""
        inputs = {f"{one['id']}.{one['property']}": one.get("value") for one in body["inputs"]}
        if not self._ticks & inputs.keys():
            return None
        values = [value for name, value in inputs.items() if name not in self._ticks]
        return json.dumps([body["output"], values, [one.get("value") for one in body.get("state", ())]])

    def _keep(self, answer: Response) -> Response:
        key = g.get("shared_answer")
        if key is None or answer.status_code not in {200, 204}:
            return answer
        headers = tuple((name, answer.headers[name]) for name in KEPT_HEADERS if name in answer.headers)
        made = _Answer(answer.status_code, answer.get_data(), headers)
        with self._lock:
            if key[0] == self._of and self._bytes + len(made.body) <= MOST_KEPT_BYTES:
                self._kept[key] = made
                self._bytes += len(made.body)
        return answer

    def _release(self, _: BaseException | None) -> None:
        key = g.pop("shared_answer", None)
        if key is not None:
            with self._lock:
                making = self._making.pop(key, None)
            if making is not None:
                making.set()
