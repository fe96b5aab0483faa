"""Intervals, finds and rankings held to the truth of worlds that work otherwise than the models suppose.

    python -m bench.worlds_abroad --mechanism additive,null --seeds 1,3,5 --output abroad.jsonl
    python -m bench.worlds_abroad --mechanism all --seeds 2-40 --final --output final.jsonl
    python -m bench.worlds_abroad --mechanism mixed --seeds 1 --keep FOLDER

Odd seeds are looked at while the models are built, even ones for final figures alone: those want --final, which takes no
odd ones. A range takes those of the kind that is asked for. --keep leaves the files of each world, and its truth, in a folder.
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path

from bench import resume
from bench.worlds_abroad.held_to_truth import measure
from bench.worlds_abroad.report import report
from bench.worlds_abroad.simulation import worlds
from bench.worlds_abroad.simulation.mechanisms import NAMES


def seeds_of(text: str, *, is_final: bool) -> list[int]:
    """Seeds from ``1,3,5`` or ``1-9``; raises ValueError for one of the kind that is not asked for."""
    wanted, seeds = 0 if is_final else 1, []
    for part in text.split(","):
        first, is_range, last = part.partition("-")
        if is_range:
            seeds += [seed for seed in range(int(first), int(last) + 1) if seed % 2 == wanted]
        elif int(part) % 2 != wanted:
            raise ValueError(
                f"{part} is odd: final figures are of even seeds, at which nobody has looked"
                if is_final
                else f"{part} is even: even seeds are kept for final figures; ask for those with --final"
            )
        else:
            seeds.append(int(part))
    return seeds


def mechanisms_of(text: str) -> list[str]:
    """Names from ``additive,null``, or all; raises ValueError for an unknown one."""
    names = list(NAMES) if text == "all" else text.split(",")
    if unknown := [name for name in names if name not in NAMES]:
        raise ValueError(f"no mechanism is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return names


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mechanism", default="all", help="names separated by commas, or all (the default)")
    parser.add_argument("--seeds", default="1,3,5", help="such as 1,3,5 or 1-39; default: 1,3,5")
    parser.add_argument("--final", action="store_true", help="the even seeds, for final figures")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--areas", type=int, default=worlds.AREAS, help=f"default: {worlds.AREAS}")
    parser.add_argument("--customers", type=int, help="at the start; default: 250 for each area")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    parser.add_argument("--keep", type=Path, help="a folder for the files of each world and its truth")
    chosen = parser.parse_args(arguments)
    try:
        seeds, names = seeds_of(chosen.seeds, is_final=chosen.final), mechanisms_of(chosen.mechanism)
    except ValueError as error:
        parser.error(str(error))
    one = functools.partial(
        measure,
        areas=chosen.areas,
        customers=chosen.customers or worlds.CUSTOMERS // worlds.AREAS * chosen.areas,
        keep=chosen.keep,
    )
    work = [(name, seed) for seed in seeds for name in names]
    report(resume.run(one, work, chosen.jobs, chosen.output, key=lambda row: (row["mechanism"], row["seed"])))
    return 0


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
