"""What goes wrong while the demo runs: a timeline that repeats, and faults that tests ask for in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from demo import noise
from demo.network import Network

CYCLE_SECONDS = 900.0
FAULT_KINDS = ("outage", "loss", "delay", "restart")


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that goes wrong ``start`` seconds into each cycle, for ``seconds``.

    ``who``: a node (with all behind it), a group of a node's CPE, a lone CPE. ``value``: the share of echoes lost,
    or seconds of delay added.
    """

    start: float
    seconds: float
    kind: str
    who: str
    value: float = 0.0


SCENES = (
    Scene(8, 240, "outage", "node"),
    Scene(15, 420, "outage", "lone CPE"),
    Scene(20, 300, "loss", "second node", 0.25),
    Scene(35, 260, "outage", "group"),
    Scene(60, 1, "restart", "third node"),
    Scene(330, 240, "delay", "fourth node", 0.120),
    Scene(420, 150, "outage", "fifth node"),
    Scene(640, 180, "outage", "second group"),
)


@dataclass(slots=True)
class Faults:
    """What is wrong now, by device position."""

    silent: set[int] = field(default_factory=set)
    loss: dict[int, float] = field(default_factory=dict)
    delay: dict[int, float] = field(default_factory=dict)
    restarted_at: dict[int, float] = field(default_factory=dict)


class Timeline:
    """Says what is wrong at any second after ``started_at`` (Unix seconds), by the scenes and by ``faults.json``.

    The file holds ``{"timeline": true or false, "faults": [{"device": ID, "kind": KIND, "value": NUMBER}]}``; kinds
    are outage (silent, and so is all behind it), loss (share of packets), delay (seconds) and restart.
    """

    def __init__(self, network: Network, folder: Path, started_at: float) -> None:
        self._network = network
        self._path = folder / "faults.json"
        self._started_at = started_at
        self._position = {name: i for i, name in enumerate(network.device_id.tolist())}
        self._children: dict[int, list[int]] = {}
        for i, parent in enumerate(network.parent.tolist()):
            self._children.setdefault(parent, []).append(i)
        self._asked: dict[str, Any] = {}
        self._seen: float | None = None
        self._restarts: dict[int, float] = {}

    def at(self, now: float) -> Faults:
        """What is wrong at ``now``."""
        self._read(now)
        faults = Faults(restarted_at=self._restarts)
        if self._asked.get("timeline", True):
            since = (now - self._started_at) % CYCLE_SECONDS
            cycle = int((now - self._started_at) // CYCLE_SECONDS)
            for number, scene in enumerate(SCENES):
                if scene.start <= since < scene.start + scene.seconds:
                    began = self._started_at + cycle * CYCLE_SECONDS + scene.start
                    for position in self._cast(scene, number, cycle):
                        self._apply(faults, position, (scene.kind, scene.value), began)
        for fault in self._asked.get("faults", []):
            if fault["kind"] != "restart":
                self._apply(faults, self._position[fault["device"]], (fault["kind"], fault.get("value", 0.0)), now)
        return faults

    def _read(self, now: float) -> None:
        """Take in the file when it changed; one that is not understood is reported and changes nothing."""
        try:
            changed = self._path.stat().st_mtime
        except FileNotFoundError:
            self._asked, self._seen = {}, None
            return
        if changed == self._seen:
            return
        self._seen = changed
        try:
            asked = json.loads(self._path.read_text(encoding="utf-8"))
            faults = [(self._position[fault["device"]], fault["kind"]) for fault in asked.get("faults", [])]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            print(f"{self._path}: not understood: {error!r}", flush=True)
            return
        unknown = {kind for _, kind in faults} - set(FAULT_KINDS)
        if unknown:
            print(f"{self._path}: kinds are {', '.join(FAULT_KINDS)}, not {', '.join(map(str, unknown))}", flush=True)
            return
        self._asked = asked
        self._restarts |= {position: now for position, kind in faults if kind == "restart"}

    def _apply(self, faults: Faults, position: int, what: tuple[str, float], began: float) -> None:
        kind, value = what
        if kind == "restart":
            self._restarts[position] = began
            return
        behind = [position]
        for member in behind:
            behind.extend(self._children.get(member, ()))
        if kind == "outage":
            faults.silent.update(behind)
        else:
            {"loss": faults.loss, "delay": faults.delay}[kind].update(dict.fromkeys(behind, value))

    def _cast(self, scene: Scene, number: int, cycle: int) -> list[int]:
        """Who plays in a scene: other devices in each cycle."""
        network, seed = self._network, self._network.seed
        nodes = np.array(network.nodes)
        order = nodes[np.argsort(noise.uniform(seed, "cast", np.arange(nodes.size), cycle))]
        if scene.who.endswith("node"):
            place = {"node": 0, "second node": 1, "third node": 2, "fourth node": 3, "fifth node": 4}[scene.who]
            return [int(order[place % order.size])]
        node = int(order[(5 + number) % order.size])
        if scene.who.endswith("group"):
            node = int(max(order[-4:], key=lambda n: len(self._children.get(int(n), ()))))
            children = self._children.get(node, [])
            return children[: max(1, round(0.8 * len(children)))]
        return self._children.get(node, [])[:1]
