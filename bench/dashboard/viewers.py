"""People who have *Now* open: each asks as a browser does, every five seconds, and keeps what it was told to send back."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import brotli

UPDATE = "/_dash-update-component"
TICK_SECONDS, HEALTH_SECONDS = 5.0, 2.0
HEADERS = {"Accept-Encoding": "gzip, deflate, br", "Content-Type": "application/json"}


@dataclass
class Seen:
    """What one viewer or all of them saw: seconds and bytes of each answered callback, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    unchanged: int = 0
    errors: list[str] = field(default_factory=list)

    def add(self, other: Seen) -> None:
        self.seconds += other.seconds
        self.sizes += other.sizes
        self.unchanged += other.unchanged
        self.errors += other.errors


class Viewer:
    """One open page. ``tick`` is the input that the page's clock moves, ``values`` those of its other inputs and state."""

    def __init__(self, port: int, tick: str, values: Mapping[str, Any]) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._tick, self._values, self._count = tick, dict(values), 0
        self.seen = Seen()
        self._callback = self._find()

    def _find(self) -> dict[str, Any]:
        status, body, _ = self._ask("GET", "/_dash-dependencies", None)
        if status != 200:
            raise RuntimeError(f"/_dash-dependencies answers {status}")
        return next(c for c in json.loads(body) if any(_name(i) == self._tick for i in c["inputs"]))

    def renew(self) -> None:
        """One tick: ask, take in what is told, note how long it took."""
        started = time.perf_counter()
        try:
            status, body, size = self._ask("POST", UPDATE, self._body())
        except (OSError, http.client.HTTPException) as error:
            self.seen.errors.append(repr(error))
            self._http.close()
            return
        self.seen.seconds.append(time.perf_counter() - started)
        self.seen.sizes.append(size)
        self._count += 1
        if status == 204:
            self.seen.unchanged += 1
        elif status == 200:
            told = json.loads(body)["response"]
            for key, properties in told.items():
                self._values |= {f"{key}.{p}": v for p, v in properties.items() if f"{key}.{p}" in self._values}
        else:
            self.seen.errors.append(f"{status} {body[:100]!r}")

    def health(self) -> None:
        self._ask("GET", "/-/healthy", None)

    def _body(self) -> bytes:
        one = self._callback
        places = [
            {**place, "value": self._count if _name(place) == self._tick else self._values.get(_name(place))}
            for place in (*one["inputs"], *one.get("state", ()))
        ]
        inputs, state = places[: len(one["inputs"])], places[len(one["inputs"]) :]
        names = one["output"].strip(".").split("...")
        outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
        told = outputs if one["output"].startswith("..") else outputs[0]
        changed = [self._tick] if self._count else []
        asked = {"output": one["output"], "outputs": told, "inputs": inputs, "state": state, "changedPropIds": changed}
        return json.dumps(asked).encode()

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, int]:
        self._http.request(method, path, body, HEADERS)
        answer = self._http.getresponse()
        raw = answer.read()
        coding = answer.getheader("Content-Encoding")
        plain = brotli.decompress(raw) if coding == "br" else gzip.decompress(raw) if coding == "gzip" else raw
        return answer.status, plain, len(raw)


def _name(place: Mapping[str, Any]) -> str:
    return f"{place['id']}.{place['property']}"


def watch(viewers: list[Viewer], seconds: float, *, asks_health: bool) -> Seen:
    """All of them at once for ``seconds``, their ticks spread evenly; what they saw in that time."""
    began, threads = time.monotonic(), []
    for number, viewer in enumerate(viewers):
        viewer.seen = Seen()
        offset = TICK_SECONDS * number / len(viewers)
        threads.append(threading.Thread(target=_live, args=(viewer, began + offset, began + seconds, asks_health)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = Seen()
    for viewer in viewers:
        together.add(viewer.seen)
    return together


def _live(viewer: Viewer, start: float, end: float, asks_health: bool) -> None:
    tick, health = start, start + 1
    while min(tick, health) < end:
        due = min(tick, health)
        time.sleep(max(0.0, due - time.monotonic()))
        if due == tick:
            viewer.renew()
            tick += TICK_SECONDS
        else:
            if asks_health:
                viewer.health()
            health += HEALTH_SECONDS
