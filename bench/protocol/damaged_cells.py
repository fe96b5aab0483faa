"""Agents with one damaged cell each: ``make bench-damage``, ARGS="--agents 30000 --seed 7".

What tests/collector/poll/damaged/test_damage.py does with 3,000, further: every kind of damage in any cell, in some polls out of
eight, by GET and walk, by version 2c and 3. It ends with 1 where a value is read that the agent did not give, or a cell
beside the damaged one is lost.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter

from tests.collector.poll.damaged.damaging import ROUNDS, crowd, run

AT_ONCE = 3000


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-damage", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=AT_ONCE)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    began = time.process_time()
    faults: list[str] = []
    damaged: Counter[str] = Counter()
    for number, start in enumerate(range(0, options.agents, AT_ONCE)):
        found = run(crowd(min(AT_ONCE, options.agents - start), f"{options.seed}-{number}"))
        faults += found.faults
        damaged += found.damaged
    used = time.process_time() - began
    print(f"{options.agents} agents, {ROUNDS} polls each, {used:.0f} s of CPU, agents included; {len(faults)} faults")
    print("\n| damage | values |\n|---|---|")
    for kind, count in damaged.most_common():
        print(f"| {kind} | {count} |")
    for fault in faults[:20]:
        print(f"\nFAULT {fault}")
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
