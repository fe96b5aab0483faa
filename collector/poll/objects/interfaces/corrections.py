"""Poll stage: what the columns of an interface say against one another. Wrong units and dead counters are put right."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from collector.bounds import SPEED
from collector.poll.objects import decode
from collector.poll.objects.decode import Cells
from collector.poll.objects.interfaces.interface_rows import BYTE_FIELDS, Correction
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Value

LADDER = (10e6, 100e6, 1e9, 2.5e9, 5e9, 10e9, 25e9, 40e9, 50e9, 100e9, 200e9, 400e9, 800e9, 1.6e12)
"""Speeds of one Ethernet port in bit/s."""
MOST_BUNDLED = 16
ANY_BELOW = 10e9
"""Up to here a radio or a DSL line may have any speed; above it are ports and bundles of them."""
SLOWEST = 9_600.0
"""A serial line; less is another unit."""
NO_VALUE = 2**32 - 2**17
"""Unsigned 32-bit numbers from here on mean *no value*, or a small negative number."""
FULL = 2**32 - 1
"""ifSpeed of an interface that is faster than it can say (RFC 2863)."""
ALIKE = 0.01
UNITS = {1e3: "kbit/s", 1e6: "Mbit/s"}
FASTEST_OF_OLD_AGENTS = 40e9
"""The most that an agent without ifHighSpeed is taken to speak of, in bit/s."""
LIVE_BYTES = 65_536
"""A 32-bit counter that has counted so much while its 64-bit one stood at nothing, or stood still, is the live one."""


Counted = Mapping[str, int]
"""What the byte counters of one row stood at, by column."""


def settled_speed(high: float | None, low: float | None, *, is_full: bool) -> tuple[float | None, str]:
    """The speed of an interface in bit/s, and why it is not simply what is stated first (nothing where it is).

    ``high`` and ``low`` are what ifHighSpeed and ifSpeed say, taken by their units; ``is_full`` that ifSpeed says it
    cannot hold the speed. One of the two may be stated in another unit: they agree once it is taken in that, or only
    one of the readings is a speed that ports have. None where nobody knows.
    """
    if high is None:
        return _alone_low(low)
    if low is None:
        return _alone_high(high, is_full=is_full)
    if abs(high - low) <= max(1e6, ALIKE * high):
        return high, ""
    for factor, unit in UNITS.items():
        if abs(high / factor - low) <= ALIKE * low:
            if high in LADDER and low in LADDER:
                return None, f"ifSpeed is given in {unit}, or ifHighSpeed in another unit too"
            if high in LADDER or (low not in LADDER and is_plausible(high)):
                return high, f"ifSpeed is given in {unit} instead of bit/s"
            return low, f"ifHighSpeed is given in {'bit/s' if factor > 1e3 else 'kbit/s'} instead of Mbit/s"
    if is_plausible(high):
        return high, ""
    return (low, "ifHighSpeed is no speed") if is_plausible(low) else (None, "neither speed is one")


def is_plausible(speed: float) -> bool:
    """Whether ports or bundles of them have such a speed, in bit/s."""
    if SLOWEST <= speed <= ANY_BELOW:
        return True
    return speed <= 8 * SPEED.most and any(
        speed % rung == 0 and speed / rung <= MOST_BUNDLED for rung in LADDER if rung >= ANY_BELOW
    )


def _alone_high(high: float, *, is_full: bool) -> tuple[float | None, str]:
    if high <= (8 * SPEED.most if is_full else LADDER[-1]):
        return high, ""
    as_bits = high / 1e6
    if is_plausible(as_bits) and not (is_full and as_bits < FULL):
        return as_bits, "ifHighSpeed is given in bit/s instead of Mbit/s"
    return None, "ifHighSpeed is no speed"


def _alone_low(low: float | None) -> tuple[float | None, str]:
    if low is None:
        return None, ""
    units = [factor for factor in UNITS if low * factor in LADDER and low * factor <= FASTEST_OF_OLD_AGENTS]
    if low >= SLOWEST and not (units and low < 1e6):
        return low, ""
    if len(units) != 1:
        return None, "ifSpeed is no speed"
    return low * units[0], f"ifSpeed is given in {UNITS[units[0]]} instead of bit/s"


def corrections(
    table: Table,
    cells: Cells,
    indexes: Iterable[bytes],
    before: Mapping[bytes, Counted] | None = None,
    dead: Container[bytes] = (),
) -> dict[bytes, Correction]:
    """The rows of a whole walk of which not all is believed.

    ``before`` is what they counted at the walk before, and the 64-bit counters of the rows ``dead`` stood still then.
    """
    before = before or {}
    speeds = [column for column in table.columns if column.field == "speed_bytes_per_second"]
    found = {}
    for index in indexes:
        still = _dead_counters(table, cells, index, before.get(index, {}), was_dead=index in dead)
        speed, why = _speed(speeds, cells, index)
        has_speed = bool(why)
        if still or has_speed:
            without = {*still, *(column.name for column in speeds if has_speed)}
            reasons = [f"{why}: {_in_words(speed)}"] if why else []
            if still:
                reasons.append(f"{' and '.join(sorted(still))} stand still, so the 32-bit counters are read")
            found[index] = Correction(frozenset(without), has_speed, speed, "; ".join(reasons))
    return found


def _speed(speeds: list[Source], cells: Cells, index: bytes) -> tuple[float | None, str]:
    """The speed of a row in bytes a second, and why it is another than the one stated first."""
    raws = [cells.get(column.name, {}).get(index) for column in speeds[:2]]
    stated = [_bits_per_second(column, raw) for column, raw in zip(speeds, raws, strict=False)]
    high, low = (*stated, None, None)[:2]
    speed, why = settled_speed(high, low, is_full=FULL in raws[1:])
    if not why and any(_is_no_value(raw) for raw in raws[:1]):
        speed, why = (low, "ifHighSpeed is no speed")
    return (None if speed is None else speed / 8), why


def _in_words(speed: float | None) -> str:
    return "its speed is not known" if speed is None else f"it is taken for {8 * speed / 1e6:g} Mbit/s"


def _bits_per_second(column: Source, raw: Value) -> float | None:
    stated = None if _is_no_value(raw) else decode.number(column, raw)
    return 8.0 * stated if stated else None


def _is_no_value(raw: Value) -> bool:
    return isinstance(raw, int) and raw >= NO_VALUE


def counted(table: Table, cells: Cells, index: bytes) -> Counted:
    """What the byte counters of a row stand at."""
    values = ((column.name, cells.get(column.name, {}).get(index)) for column, _ in pairs(table))
    narrow = ((column.name, cells.get(column.name, {}).get(index)) for _, column in pairs(table))
    return {name: value for name, value in (*values, *narrow) if isinstance(value, int) and value >= 0}


def pairs(table: Table) -> Iterator[tuple[Source, Source]]:
    """The 64-bit byte counter of each direction and the 32-bit one that stands in for it."""
    for wide in table.columns:
        for narrow in table.columns:
            if wide.bits == 64 and narrow.bits == 32 and wide.field == narrow.field and wide.field in BYTE_FIELDS:
                yield wide, narrow


def _dead_counters(table: Table, cells: Cells, index: bytes, before: Counted, *, was_dead: bool) -> frozenset[str]:
    """The 64-bit counters of a row if they stand at nothing, or still, while their 32-bit ones have counted."""
    now = counted(table, cells, index)
    both = [(wide.name, narrow.name) for wide, narrow in pairs(table)]
    if not all(wide in now and narrow in now for wide, narrow in both):
        return frozenset()
    is_dead = was_dead and all(now[wide] in (0, before.get(wide)) for wide, _ in both)
    is_dead = is_dead or any(
        (now[wide] == 0 and now[narrow] >= LIVE_BYTES)
        or (now[wide] == before.get(wide) and (now[narrow] - before.get(narrow, now[narrow])) % 2**32 >= LIVE_BYTES)
        for wide, narrow in both
    )
    return frozenset(wide for wide, _ in both) if is_dead else frozenset()
