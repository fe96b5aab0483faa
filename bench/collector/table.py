"""The medians of the runs that were kept, as Markdown tables for docs/benchmarks.md."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

REFERENCES = ("Bairro", "Bairro's poll stage")
HEAD = ("", "CPU µs a poll", "least to most", "× ours", "polls a second", "peak MB", "values a poll", "errors", "runs")


def print_table(path: Path) -> None:
    """One table for each scenario and environment, the newest environment's last."""
    runs: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        about = {name: value for name, value in row["environment"].items() if name != "date"}
        key = row["scenario"], ", ".join(f"{name} {value}" for name, value in about.items() if value)
        runs[key][row["contender"]].append(row)
    for (scenario, surroundings), contenders in runs.items():
        dates = sorted(row["environment"]["date"] for rows in contenders.values() for row in rows)
        print(f"\n### {scenario}\n\n{dates[0]} to {dates[-1]}; {surroundings}\n")
        print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
        ours = next((_middle(contenders[name], "microseconds") for name in REFERENCES if name in contenders), None)
        for name, rows in contenders.items():
            print("| " + " | ".join(_cells(name, rows, ours)) + " |")
        _print_more(contenders)


def _print_more(contenders: dict[str, list[dict[str, Any]]]) -> None:
    """What is peculiar to a scenario: the median and the largest of each figure."""
    if not any(rows[0]["more"] for rows in contenders.values()):
        return
    print("\n| | figure | median | largest |\n|---|---|---|---|")
    for name, rows in contenders.items():
        for extra in rows[0]["more"]:
            figures = [row["more"][extra] for row in rows]
            print(f"| {name} | {extra} | {statistics.median(figures):.5g} | {max(figures):.5g} |")


def _middle(rows: list[dict[str, Any]], field: str) -> float:
    return statistics.median(row[field] for row in rows)


def _cells(name: str, rows: list[dict[str, Any]], ours: float | None) -> list[str]:
    figures = [row["microseconds"] for row in rows]
    pace = statistics.median(row["polls"] / row["wall_seconds"] for row in rows)
    return [
        name,
        f"{statistics.median(figures):.1f}",
        f"{min(figures):.1f} to {max(figures):.1f}",
        f"{statistics.median(figures) / ours:.2f}" if ours else "",
        f"{pace:,.0f}",
        f"{_middle(rows, 'peak_rss_bytes') / 1e6:.0f}",
        f"{_middle(rows, 'values_per_poll'):.1f}",
        str(sum(row["errors"] for row in rows)),
        str(len(rows)),
    ]
