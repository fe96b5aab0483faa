"""A million bent replies through our decoders and pysnmp's: ``make bench-fuzz``, ARGS="--packets 1000000 --jobs 2".

What tests/collector/poll/test_fuzz.py does with 20,000, further: every packet is read by the general decoder, by the fast
ones and by pysnmp. It ends with 1 at a disagreement of no known class, at anything but BadPacketError raised, at a packet
that takes over half a second, and where memory grows after the first tenth.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from bench.collector.measure import rss_bytes
from tests.collector.poll.fuzzing import bent
from tests.collector.poll.oracle import KINDER, STRICTER, check_fast, disagreement, layout_of, read_by_us
from tests.collector.poll.test_fuzz import seeds

SEEDS_EVERY = 10_000
LONGEST_SECONDS, MOST_GROWTH_BYTES = 0.5, 30e6


@dataclass
class Found:
    """What one process found."""

    packets: int = 0
    accepted: int = 0
    fast: int = 0
    longest_seconds: float = 0.0
    own_seconds: float = 0.0
    growth_bytes: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def fuzz(seed: int, packets: int) -> Found:
    """Bend and read so many packets; new good replies to start from every SEEDS_EVERY."""
    chance, found = random.Random(seed), Found()
    warm = settled = 0
    for number in range(packets):
        if number % SEEDS_EVERY == 0:
            good = [(each, layout_of(each)) for each in seeds(chance)]
        if number == packets // 10:
            warm = rss_bytes(os.getpid())
        one, layout = chance.choice(good)
        data = bent(chance, one, chance.choice(good)[0])
        found.packets += 1
        try:
            began = time.process_time()
            ours = read_by_us(data)
            found.fast += check_fast(data, one, layout, ours) > 0
            took = time.process_time() - began
            found.classes[disagreement(data, ours) or "agreed"] += 1
        except Exception as error:  # whatever it is, it is what is looked for
            found.faults.append(f"{type(error).__name__}: {error}: {data.hex()}")
            continue
        found.accepted += not isinstance(ours, str)
        found.own_seconds += took
        found.longest_seconds = max(found.longest_seconds, took)
    settled = rss_bytes(os.getpid())
    found.growth_bytes = settled - warm
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    each = [options.packets // options.jobs] * options.jobs
    with ProcessPoolExecutor(options.jobs) as pool:
        parts = list(pool.map(fuzz, range(options.seed, options.seed + options.jobs), each))
    classes = sum((part.classes for part in parts), Counter())
    packets, longest = sum(part.packets for part in parts), max(part.longest_seconds for part in parts)
    growth = max(part.growth_bytes for part in parts)
    print(
        f"{packets} packets in {time.monotonic() - began:.0f} s, seeds {options.seed} to {options.seed + options.jobs - 1}"
    )
    print(f"accepted {sum(part.accepted for part in parts)}, read fast {sum(part.fast for part in parts)}")
    own = sum(part.own_seconds for part in parts) / packets
    print(
        f"our decoders {own * 1e6:.0f} us of CPU a packet, longest {longest * 1e3:.1f} ms; memory grew {growth / 1e6:.1f} MB"
    )
    print("\n| | packets | why |\n|---|---|---|")
    reasons = {f"refused here: {name}": why for name, why in STRICTER.items()}
    reasons |= {f"accepted here: {name}": why for name, why in KINDER.items()}
    for name, count in classes.most_common():
        print(f"| {name} | {count} | {reasons.get(name, '')} |")
    faults = [fault for part in parts for fault in part.faults]
    for fault in faults[:20]:
        print(f"\nFAULT {fault}")
    if faults or longest > LONGEST_SECONDS or growth > MOST_GROWTH_BYTES:
        sys.exit(1)


if __name__ == "__main__":
    main()
