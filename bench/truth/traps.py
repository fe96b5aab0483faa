"""The planted traps in worlds that they were not written in: how often each of them holds.

    python -m bench.truth.traps --seeds 40 --jobs 2 --output traps.jsonl

Runs the tests of tests/dashboard/traps in each world. An interval of 95% leaves the truth out in one world of
twenty, and a naive comparison is not misled in every world, so that no trap need hold everywhere: where one falls often,
either the analysis or the trap is wrong, and the line that fell says which to look at.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from bench import resume

TRAPS = resume.ROOT / "tests" / "dashboard" / "traps"


def measure(seed: int, *, only: str = "") -> resume.Row:
    """Each trap of one world by name: empty where it held, else what fell."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        options = f"-q -p no:cacheprovider --trap-world={seed} --junitxml={report.name}".split()
        command = [sys.executable, "-m", "pytest", *options, "-k", only, str(TRAPS)]
        done = subprocess.run(command, cwd=resume.ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        cases = ElementTree.parse(report.name).iter("testcase")
        return {"seed": seed, "traps": {case.attrib["name"]: _what_fell(case) for case in cases}} | resume.version()


def _what_fell(case: ElementTree.Element) -> str:
    """The asserted line of a failed case, of its report's lines the one marked ``>``."""
    trouble = next((part for part in case if part.tag in ("failure", "error")), None)
    if trouble is None:
        return ""
    marked = [line[1:].strip() for line in (trouble.text or "").splitlines() if line.startswith(">")]
    return marked[-1] if marked else trouble.attrib.get("message", "failed")


def report(rows: list[resume.Row]) -> None:
    """A line for each trap: in how many worlds it held, and what fell in the others."""
    print(f"{len(rows)} worlds\n")
    print("| trap | held | what fell, in how many worlds |")
    print("|---|---|---|")
    for name in rows[0]["traps"] if rows else ():
        fell = Counter(row["traps"][name] for row in rows if row["traps"][name])
        said = "; ".join(f"`{line}` in {count}" for line, count in fell.most_common())
        print(f"| {name.removeprefix('test_').replace('_', ' ')} | {len(rows) - fell.total()} | {said} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40, help="how many worlds; default: 40")
    parser.add_argument("--first", type=int, default=1, help="the first seed; default: 1")
    parser.add_argument("--only", default="", help="traps whose names hold this, as pytest's -k")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: 1")
    parser.add_argument("--output", type=Path, help="JSON lines, a world each; a stopped run goes on from it")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    report(resume.run(functools.partial(measure, only=chosen.only), seeds, chosen.jobs, chosen.output))
    return 0


if __name__ == "__main__":
    resume.keep_to_one_core()
    sys.exit(main())
