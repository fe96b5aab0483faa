"""A million bent replies through our decoders and pysnmp's: ``make bench-fuzz``, ARGS="--packets 1000000 --jobs 2".

What tests/collector/poll/damaged/test_fuzz.py does with 20,000, further: every packet is read by the general decoder, by the fast
ones and by pysnmp. It ends with 1 at a disagreement of no known class, at anything but BadPacketError raised, at a packet
that takes over half a second, and where a process grows after its first part. Parts are of PART packets, each with good
replies of its own to start from; stopped early (Ctrl-C), it reports those that are done.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from bench.collector.process_figures import rss_bytes
from tests.collector.poll.damaged.fuzzing import bent
from tests.collector.poll.damaged.oracle import KNOWN, check_fast, disagreement, layout_of, read_by_us
from tests.collector.poll.damaged.test_fuzz import seeds

PART = 10_000
LONGEST_SECONDS, MOST_GROWTH_BYTES = 0.5, 30e6


@dataclass
class Found:
    """What one process found."""

    packets: int = 0
    accepted: int = 0
    fast: int = 0
    longest_seconds: float = 0.0
    own_seconds: float = 0.0
    process: int = 0
    rss_bytes: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def fuzz(seed: int, packets: int) -> Found:
    """Bend and read so many packets."""
    chance, found = random.Random(seed), Found(process=os.getpid())
    good = [(each, layout_of(each)) for each in seeds(chance)]
    for _ in range(packets):
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
    found.rss_bytes = rss_bytes(os.getpid())
    return found


def in_parts(seed: int, packets: int, jobs: int) -> list[Found]:
    """All parts in several processes, or those that were done when it was interrupted."""
    done: list[Found] = []
    sizes = [PART] * (packets // PART) + [packets % PART] * (packets % PART > 0)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(fuzz, seed + number, size) for number, size in enumerate(sizes)]
        try:
            for each in as_completed(waiting):
                done.append(each.result())
                if len(done) % 10 == 0:
                    print(f"{len(done)} of {len(sizes)} parts", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
    return done


def growth_bytes(parts: list[Found]) -> int:
    """The most that a process has grown since its first part, in the order in which parts were done."""
    first: dict[int, int] = {}
    return max(part.rss_bytes - first.setdefault(part.process, part.rss_bytes) for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    began = time.monotonic()
    parts = in_parts(options.seed, options.packets, options.jobs)
    if not parts:
        sys.exit("no part was done")
    classes = sum((part.classes for part in parts), Counter())
    packets, longest = sum(part.packets for part in parts), max(part.longest_seconds for part in parts)
    growth = growth_bytes(parts)
    print(
        f"{packets} packets in {time.monotonic() - began:.0f} s, seeds from {options.seed} on, one for {PART} packets"
    )
    print(f"accepted {sum(part.accepted for part in parts)}, read fast {sum(part.fast for part in parts)}")
    own = sum(part.own_seconds for part in parts) / packets
    print(
        f"our decoders {own * 1e6:.0f} us of CPU a packet, longest {longest * 1e3:.1f} ms; memory grew {growth / 1e6:.1f} MB"
    )
    print("\n| | packets | why |\n|---|---|---|")
    for name, count in classes.most_common():
        print(f"| {name} | {count} | {KNOWN.get(name, '')} |")
    faults = [fault for part in parts for fault in part.faults]
    for fault in faults[:20]:
        print(f"\nFAULT {fault}")
    if faults or longest > LONGEST_SECONDS or growth > MOST_GROWTH_BYTES:
        sys.exit(1)


if __name__ == "__main__":
    main()
