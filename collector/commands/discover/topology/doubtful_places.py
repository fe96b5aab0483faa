"""What speaks against the first tree: rings, tables that point elsewhere, devices that may stand between two others."""

from __future__ import annotations

from collector.commands.discover.found import NOT_KNOWN, Guess, replace_sure
from collector.commands.discover.topology.reach import Reach


class Doubts:
    """Goes through a tree from the core outwards and puts right, or in doubt, what the devices' tables contradict."""

    def __init__(self, tree: Reach) -> None:
        self._tree = tree
        self.rings: list[tuple[str, ...]] = []
        self._note_rings()
        self._loose = self._find_loose()
        for device_id in sorted(tree.depth, key=tree.depth.__getitem__):
            if device_id in tree.found and device_id in tree.parents:
                self._settle(device_id)
        self._drop_circles()

    def _settle(self, device_id: str) -> None:
        guess = self._tree.parents[device_id]
        uplink = self._tree.observed.uplinks.get(device_id)
        if uplink is not None and uplink.port is not None:
            guess = self._by_uplink(device_id, guess, uplink.port, uplink.why)
            if uplink.needs_core and not self._tree.core.is_sure:
                guess = replace_sure(guess, guess.why)
        elif self._is_in_ring(device_id):
            why = f"{guess.why}, but there is another way to the core and no table tells which one is used"
            guess = replace_sure(guess, why)
        guess = self._by_loose(device_id, self._by_beside(device_id, guess))
        self._tree.parents[device_id] = self._by_between(device_id, guess)

    def _by_uplink(self, device_id: str, guess: Guess, port: int, why: str) -> Guess:
        """The neighbour at the port towards the core goes before the nearest way."""
        name = self._tree.found[device_id].seen.interfaces.title(port)
        own = self._tree.graph.ends.get(device_id, {})
        there = [other for other in self._tree.graph.at(device_id, port) if other in self._tree.depth]
        if guess.value in own and port in own[guess.value].ports:
            others = [o for o in there if o != guess.value and self._tree.depth[o] < self._tree.depth[device_id]]
            if not others:
                return Guess(guess.value, f"{guess.why} at {name}; {why}", not own[guess.value].is_doubtful)
            return replace_sure(guess, f"{guess.why} at {name}, where {others[0]} is too")
        if there:
            best = min(there, key=lambda other: (self._tree.depth[other], other))
            is_sure = len(there) == 1 and not own[best].is_doubtful and best not in self._tree.leaves
            return Guess(best, f"it is linked to several, but {why} ({name})", is_sure)
        if guess.value in own and own[guess.value].ports:
            return replace_sure(guess, f"{guess.why}, but {why} ({name}), where no neighbour is known")
        if self._is_in_ring(device_id):
            return replace_sure(guess, f"{guess.why}, but there is another way to the core")
        return guess

    def _by_beside(self, device_id: str, guess: Guess) -> Guess:
        """Others at the parent's port that are not known to be behind the device may stand between the two: there are
        bridges that let LLDP through."""
        end = self._tree.graph.ends.get(guess.value, {}).get(device_id)
        if end is None or "registration" in end.by:
            return guess
        below = self._tree.observed.below.get(guess.value, {})
        seen_at = self._tree.observed.observers(device_id).get(guess.value)
        ports = end.ports | ({seen_at} if seen_at is not None else set())
        beside = set().union(*(below.get(port, set()) for port in ports)) - {device_id} - self._tree.leaves
        between = sorted(other for other in beside if device_id not in self._tree.above(other))
        if not between:
            return guess
        return replace_sure(guess, f"{guess.why}, but {', '.join(between[:3])} at the same port may stand between")

    def _by_loose(self, device_id: str, guess: Guess) -> Guess:
        """Where some devices have no known place, they may stand in any link that no table of its upper end vouches for."""
        end = self._tree.graph.ends.get(guess.value, {}).get(device_id)
        if not guess.is_sure or not self._loose or (end is not None and "registration" in end.by):
            return guess
        seen_at = self._tree.observed.observers(device_id).get(guess.value)
        loose = self._loose - {device_id}
        if end is None or (seen_at is not None and (not end.ports or seen_at in end.ports)):
            loose = self._unseen_fellows(device_id, guess.value, loose)
        some = ", ".join(sorted(loose)[:3])
        why = f"{guess.why}, but {some} may stand between or lead round: no table tells where they are"
        return replace_sure(guess, why) if loose else guess

    def _unseen_fellows(self, device_id: str, observer: str, loose: frozenset[str]) -> frozenset[str]:
        """Those in the same network that the observer sees nowhere, and the device not behind it."""
        observed = self._tree.observed
        seen = observed.known.get(observer, set()).union(*observed.below.get(device_id, {}).values())
        home = observed.gateways.get(device_id)
        return frozenset(x for x in loose - seen - {observer} if observed.gateways.get(x) in (None, home))

    def _find_loose(self) -> frozenset[str]:
        """Devices that could pass traffic on, have no link by LLDP or its like, and are not surely placed."""
        return frozenset(
            device_id
            for device_id in self._tree.found
            if device_id not in self._tree.leaves
            and not any(end.by & {"lldp", "cdp", "stp"} for end in self._tree.graph.ends.get(device_id, {}).values())
            and not self._tree.parents.get(device_id, NOT_KNOWN).is_sure
        )

    def _by_between(self, device_id: str, guess: Guess) -> Guess:
        """A device that sees it below itself, at the other side of the parent's port, stands between the two."""
        deepest = self._tree.observed.deepest(device_id)
        if len(deepest) != 1 or deepest[0] == guess.value or deepest[0] not in self._tree.depth:
            return guess
        (observer,) = deepest
        above_parent = self._tree.above(guess.value)
        if observer in above_parent:
            return guess
        if guess.value in self._tree.above(observer) and device_id not in self._tree.above(observer):
            return Guess(observer, f"its bridge table has it, so it stands between {guess.value} and it", False)
        return replace_sure(guess, f"{guess.why}, but {observer} sees it below itself")

    def _note_rings(self) -> None:
        """Each link that is not in the tree closes a ring."""
        for a, others in self._tree.graph.ends.items():
            for b in others:
                if a < b and a in self._tree.depth and b in self._tree.depth and not self._is_tree_link(a, b):
                    self.rings.append(self._ring(a, b))

    def _is_tree_link(self, a: str, b: str) -> bool:
        return any(x in self._tree.parents and self._tree.parents[x].value == y for x, y in ((a, b), (b, a)))

    def _ring(self, a: str, b: str) -> tuple[str, ...]:
        up, down = [a, *self._tree.above(a)], [b, *self._tree.above(b)]
        common = next((node for node in up if node in down), None)
        if common is None:
            return (a, b)
        return (*up[: up.index(common) + 1], *reversed(down[: down.index(common)]))

    def _is_in_ring(self, device_id: str) -> bool:
        """Whether the link to its parent is a part of a ring, so that it is not the only way."""
        parent = self._tree.parents[device_id].value
        return any(device_id in ring and parent in ring for ring in self.rings)

    def _drop_circles(self) -> None:
        """Tables that contradict each other may lead round in a circle: one of its parents is taken back."""
        for device_id in sorted(self._tree.found):
            trail = [device_id]
            while (at := self._tree.parents.get(trail[-1])) is not None:
                if at.value in trail:
                    self._tree.parents[trail[-1]] = Guess(
                        "", "the tables contradict each other: they lead in a circle", False
                    )
                    break
                trail.append(at.value)
