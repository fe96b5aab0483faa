"""The first tree: every device by the nearest way to the core, or by whoever has learnt of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from collector.commands.discover.found import Found, Guess, replace_sure
from collector.commands.discover.topology.directory import Directory
from collector.commands.discover.topology.links import Links
from collector.commands.discover.topology.observers import Observed


class Reach:
    """Parents by device, and ``depth``, the number of links to the core.

    ``leaves`` are customers' devices, which lead nowhere.
    """

    def __init__(
        self, directory: Directory, graph: Links, observed: Observed, core: Guess, leaves: frozenset[str]
    ) -> None:
        self.found: dict[str, Found] = directory.by_id
        self.graph = graph
        self.observed = observed
        self.core = core
        self.leaves = leaves
        self.parents: dict[str, Guess] = {}
        self.depth: dict[str, int] = {core.value: 0}
        self._spread(core.value)
        while self._attach_some():
            pass

    def above(self, device_id: str) -> list[str]:
        """The way to the core."""
        trail: list[str] = []
        at = self.parents.get(device_id)
        while at is not None and at.value not in trail:
            trail.append(at.value)
            at = self.parents.get(at.value)
        return trail

    def _spread(self, start: str) -> None:
        """Reach all that is linked to ``start``, nearest first; customers' devices lead nowhere."""
        queue = deque([start])
        while queue:
            at = queue.popleft()
            if at in self.leaves and at != self.core.value:
                continue
            for other in sorted(self.graph.ends.get(at, {}), key=lambda o: (self.graph.ends[at][o].is_doubtful, o)):
                if other not in self.depth:
                    end = self.graph.ends[at][other]
                    by = "/".join(sorted(end.by)).upper().replace("REGISTRATION", "its registration")
                    why = f"{by} link" + (", but who it is is doubtful" if end.is_doubtful else "")
                    self.parents[other] = Guess(at, why, not end.is_doubtful and self.core.is_sure)
                    self.depth[other] = self.depth[at] + 1
                    queue.append(other)

    def _attach_some(self) -> bool:
        """Place devices that no link leads to: all that are surely placed; without such ones one in doubt, since that may
        decide on others; and customers' last, who decide on none. False where nothing can be placed."""
        loose = [device_id for device_id in sorted(self.found) if device_id not in self.depth]
        inner = [device_id for device_id in loose if device_id not in self.leaves]
        outer = [device_id for device_id in loose if device_id in self.leaves]
        for attach in (self._by_observer, self._by_gateway):
            options = [(device_id, guess) for device_id in inner if (guess := attach(device_id)) is not None]
            if options:
                sure = [option for option in options if option[1].is_sure]
                self._attach(sure or options[:1])
                return True
        for attach in (self._by_observer, self._by_gateway):
            options = [(device_id, guess) for device_id in outer if (guess := attach(device_id)) is not None]
            if options:
                self._attach(options)
                return True
        return self._leave_one_island(loose)

    def _attach(self, options: Sequence[tuple[str, Guess]]) -> None:
        for device_id, guess in options:
            if device_id not in self.depth:
                self.parents[device_id] = guess
                self.depth[device_id] = self.depth[guess.value] + 1
                self._spread_from_doubtful(device_id)

    def _spread_from_doubtful(self, device_id: str) -> None:
        """Reach what is linked to a device that was just attached; where another of these could be the first as well,
        which is above which is in doubt."""
        before, guess = set(self.parents), self.parents[device_id]
        self._spread(device_id)
        if guess.is_sure:
            return
        port = self.observed.observers(device_id).get(guess.value)
        beside = None if port is None else self._beside(device_id, guess.value, port)
        for other in set(self.parents) - before - self.leaves:
            if beside is None or other in beside or guess.value not in self.observed.observers(other):
                doubted = self.parents[other]
                self.parents[other] = replace_sure(
                    doubted, f"{doubted.why}, but the way to the core may be the other way"
                )

    def _leave_one_island(self, loose: Sequence[str]) -> bool:
        """What no table leads to stands alone; those linked with it are placed below it, in doubt."""
        linked = [device_id for device_id in loose if any(o in self.found for o in self.graph.ends.get(device_id, {}))]
        if not linked:
            return False
        top = max(linked, key=lambda device_id: (len(self.graph.ends[device_id]), device_id))
        self.depth[top] = 0
        before = set(self.parents)
        self._spread(top)
        for device_id in set(self.parents) - before:
            guess = self.parents[device_id]
            self.parents[device_id] = replace_sure(guess, f"{guess.why}; no way from there to the core is known")
        return True

    def _by_observer(self, device_id: str) -> Guess | None:
        """The deepest of those who see it below them."""
        deepest = self.observed.deepest(device_id)
        if not deepest or any(s not in self.depth for s in deepest):
            return None
        observer = max(deepest, key=lambda s: (self.depth[s], s))
        port = self.observed.observers(device_id)[observer]
        beside = self._beside(device_id, observer, port)
        where = self.found[observer].seen.interfaces.title(port) or f"ifIndex {port}"
        kind = "ARP table" if observer in self.observed.routed else "bridge table"
        why = f"the {kind} of {observer} has it at {where}"
        if len(deepest) > 1:
            return Guess(observer, f"{why}, but {', '.join(sorted(set(deepest) - {observer}))} sees it too", False)
        if beside:
            radios = [other for other in beside if other not in self.leaves]
            if device_id in self.leaves and len(radios) == 1 and radios[0] in self.depth:
                return Guess(radios[0], f"{why}, where {radios[0]} is too", False)
            if radios or device_id in self.leaves:
                some = ", ".join(self.graph.strangers.get(other, other) for other in sorted(beside)[:3])
                return Guess(observer, f"{why}, but {some} may stand between", False)
        unseen = self._unseen_mates(device_id, observer)
        if unseen:
            return Guess(observer, f"{why}, but {', '.join(unseen[:3])}, linked with it, may stand between", False)
        return Guess(observer, why, self.core.is_sure)

    def _unseen_mates(self, device_id: str, observer: str) -> list[str]:
        """Those linked with a device that its observer does not see, nor the device itself below it."""
        below = self.observed.below
        seen = set().union(*below.get(observer, {}).values(), *below.get(device_id, {}).values())
        mates = {other for other in self.graph.ends.get(device_id, {}) if other in self.found}
        return sorted(mates - seen - self.leaves - set(self.depth))

    def _beside(self, device_id: str, observer: str, port: int) -> set[str]:
        """The others at the same port, learnt or linked there, without those that are known to be behind the device."""
        behind = set().union(*self.observed.below.get(device_id, {}).values())
        return (self.observed.below[observer][port] | set(self.graph.at(observer, port))) - {device_id} - behind

    def _by_gateway(self, device_id: str) -> Guess | None:
        gateway = self.observed.gateways.get(device_id)
        if gateway is None or gateway not in self.depth:
            return None
        return Guess(gateway, f"its default route points at {gateway}; no table tells what stands between", False)
