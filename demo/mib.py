"""What the demo's agents hold: the system group and IF-MIB (RFC 2863), one table of objects for all devices of a shape."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from demo import ber
from demo.clockwork import Moment

LARGEST_REPLY = 1400
DESCRIPTION = b"Bairro demo agent"
ENTERPRISE = (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)
SYSTEM, IF_TABLE, IF_X_TABLE = (1, 3, 6, 1, 2, 1, 1), (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
ENGINE_TIME, HOST_UPTIME = (1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0), (1, 3, 6, 1, 2, 1, 25, 1, 1, 0)

Value = Callable[[Moment], bytes]
Object = tuple[ber.Oid, Value]


class Mib:
    """The objects in order; what they are worth depends on the moment that is asked about."""

    def __init__(self, interfaces: Sequence[str]) -> None:
        """The first interface is the uplink; the others share what passes through it."""
        objects = sorted(_objects(interfaces), key=lambda each: each[0])
        self._oids = [name for name, _ in objects]
        self._encoded = [ber.oid(name) for name in self._oids]
        self._values = [value for _, value in objects]
        self._index = {name: i for i, name in enumerate(self._oids)}

    def answer(self, request: ber.Request, moment: Moment) -> bytes:
        """The Response, cut where a GETBULK's would not fit one datagram (RFC 3416 section 4.2.3)."""
        if request.kind == ber.GET:
            return ber.respond(request, [self._get(name, moment) for name in request.oids])
        if request.kind == ber.GET_NEXT:
            return ber.respond(request, [self._next(name, moment)[1] for name in request.oids])
        return ber.respond(request, self._bulk(request, moment))

    def _get(self, name: ber.Oid, moment: Moment) -> bytes:
        i = self._index.get(name)
        if i is None:
            return ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.NO_SUCH_OBJECT)
        return self._varbind(i, moment)

    def _next(self, name: ber.Oid, moment: Moment) -> tuple[ber.Oid, bytes]:
        i = bisect_right(self._oids, name)
        if i == len(self._oids):
            return name, ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.END_OF_MIB)
        return self._oids[i], self._varbind(i, moment)

    def _bulk(self, request: ber.Request, moment: Moment) -> list[bytes]:
        single = max(0, request.first)
        varbinds = [self._next(name, moment)[1] for name in request.oids[:single]]
        names, size = list(request.oids[single:]), sum(map(len, varbinds))
        for _ in range(max(0, request.second) if names else 0):
            for column, name in enumerate(names):
                names[column], varbind = self._next(name, moment)
                size += len(varbind)
                if size > LARGEST_REPLY:
                    return varbinds
                varbinds.append(varbind)
        return varbinds

    def _varbind(self, i: int, moment: Moment) -> bytes:
        return ber.tlv(ber.SEQUENCE, self._encoded[i] + self._values[i](moment))


def _objects(interfaces: Sequence[str]) -> list[Object]:
    def ticks(moment: Moment) -> bytes:
        return ber.number(ber.TICKS, int(moment.uptime_seconds * 100) % 2**32)

    found: list[Object] = [
        ((*SYSTEM, 1, 0), _text(DESCRIPTION)),
        ((*SYSTEM, 2, 0), _constant(ber.oid(ENTERPRISE))),
        ((*SYSTEM, 3, 0), ticks),
        ((*SYSTEM, 5, 0), lambda moment: ber.tlv(ber.OCTETS, moment.name)),
        (ENGINE_TIME, lambda moment: ber.number(ber.INTEGER, int(moment.uptime_seconds))),
        (HOST_UPTIME, ticks),
    ]
    for index, name in enumerate(interfaces, start=1):
        share = 1.0 if index == 1 else 1.0 / (len(interfaces) - 1)
        found += _interface(index, name, share)
    return found


def _interface(index: int, name: str, share: float) -> list[Object]:
    """Columns of ifTable and ifXTable. The uplink receives what its other interfaces transmit."""
    is_uplink = index == 1
    down, up = (share, 0.12 * share) if is_uplink else (0.12 * share, share)

    def count(tag: int, ratio: float) -> Value:
        wrap = 2**32 if tag == ber.COUNTER32 else 2**64
        return lambda moment: ber.number(tag, int(moment.bytes_passed * ratio) % wrap)

    def faulty(ratio: float) -> Value:
        return count(ber.COUNTER32, ratio / 900)

    columns: dict[ber.Oid, Value] = {
        (*IF_TABLE, 1): _constant(ber.number(ber.INTEGER, index)),
        (*IF_TABLE, 2): _text(name.encode()),
        (*IF_TABLE, 3): _constant(ber.number(ber.INTEGER, 6)),
        (*IF_TABLE, 5): lambda moment: ber.number(ber.GAUGE32, min(int(moment.capacity * 8), 2**32 - 1)),
        (*IF_TABLE, 7): _constant(ber.number(ber.INTEGER, 1)),
        (*IF_TABLE, 8): _constant(ber.number(ber.INTEGER, 1)),
        (*IF_TABLE, 10): count(ber.COUNTER32, down),
        (*IF_TABLE, 13): faulty(down * 2e-5),
        (*IF_TABLE, 14): faulty(down * 1e-5),
        (*IF_TABLE, 16): count(ber.COUNTER32, up),
        (*IF_TABLE, 19): faulty(up * 2e-5),
        (*IF_TABLE, 20): faulty(up * 1e-5),
        (*IF_X_TABLE, 1): _text(name.encode()),
        (*IF_X_TABLE, 6): count(ber.COUNTER64, down),
        (*IF_X_TABLE, 10): count(ber.COUNTER64, up),
        (*IF_X_TABLE, 15): lambda moment: ber.number(ber.GAUGE32, int(moment.capacity * 8) // 1_000_000),
        (*IF_X_TABLE, 18): _text(b"to the network" if is_uplink else b"to customers"),
        (*IF_X_TABLE, 19): _constant(ber.number(ber.TICKS, 0)),
    }
    return [((*column, index), value) for column, value in columns.items()]


def _constant(encoded: bytes) -> Value:
    return lambda moment: encoded


def _text(content: bytes) -> Value:
    return _constant(ber.tlv(ber.OCTETS, content))
