"""Run by test_measures.py in a copy of the program whose registry has tried_jitter too: prints what came of it as JSON."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import dashboard
from bairro import main
from dashboard.figures import evidence, fixes
from dashboard.figures.area_drivers import drivers
from dashboard.figures.charts import weeks
from dashboard.figures.style import words
from dashboard.results import stored_results
from demo import files

NAME = "tried_jitter"
EVENING, DAY = (18, 24), (0, 18)


def small(folder: Path) -> dict[str, Any]:
    """Three customers behind one device and one behind another that was seen for half of each hour, for ten weeks."""
    from conftest import SmallWorld  # that of tests/dashboard/panel

    world = SmallWorld(folder)
    for day in range(70):
        at = datetime.date(2025, 1, 6) + datetime.timedelta(days=day)
        for (first, last), jitters in ((DAY, (0.9, 0.9)), (EVENING, (0.004, 0.010))):
            for device, seen, jitter in zip("ab", (3600.0, 1800.0), jitters, strict=True):
                until = f"{at}T{last:02}:00" if last < 24 else f"{at + datetime.timedelta(days=1)}T00:00"
                world.observe(device, f"{at}T{first:02}:00", until, observed_seconds=seen, jitter_seconds=jitter)
    for number, device in enumerate("aaab"):
        world.customer(str(number), device_id=device, started_on="2024-01-01")
    world.complaint("2025-03-10T12:00", customer_id="3")
    panel = world.build()
    told = panel.customer_periods.set_index("customer_id")["trailing_tried_jitter_mean_seconds"].groupby(level=0).last()
    return {
        "area": panel.area_weeks["tried_jitter_mean_seconds"].dropna().unique().tolist(),
        "customers": told.to_dict(),
        "complaint": panel.quality_complaints["tried_jitter_mean_seconds"].tolist(),
    }


def provider(folder: Path) -> dict[str, Any]:
    """A small demo provider through the commands: imported, built, and read as the pages read it."""
    as_of = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
    made = files.prepare(folder, files.DemoOptions(seed=7, areas=12, devices=36, as_of=as_of), lambda _: None)
    with made.dashboard_toml.open("a", encoding="utf-8") as settings:
        settings.write("\n[targets]\ntried_jitter_seconds = 0.002\n")
    config = ["--config", str(made.dashboard_toml)]
    codes = [main(["import", kind, str(path), *config]) for kind, path in made.records.items()]
    codes.append(main(["build", *config]))
    results = stored_results.load(folder / "data")
    assert results is not None, codes
    saved = results.avoidable[results.avoidable["measure"] == NAME]
    area = results.ranking["area"].iloc[0]
    groups = [group for key in ("complaints", "leaving") for group in evidence.outcome(results, key).groups]
    return {
        "codes": codes,
        "models": sorted(results.effects.loc[results.effects["term"] == NAME, "model"]),
        "measured": float(results.area_weeks["tried_jitter_mean_seconds"].mean()),
        "targets": saved["target"].unique().tolist(),
        "drivers": [[d.name, d.value, d.look_at] for d in drivers(results, area, "EUR") if d.key == NAME],
        "evidence": sorted(
            {(term.name, term.step) for group in groups for term in group.terms if "Tried" in term.name}
        ),
        "charts": [panel.title for panel in weeks.PANELS],
        "drawn": float(weeks.weekly(results.area_weeks, area)[NAME].mean()),
        "may_be_promised": NAME not in fixes.NEVER_PROMISED,
        "short": words.driver(NAME).short,
    }


if __name__ == "__main__":
    root = Path(sys.argv[1])
    found = {
        "program": str(Path(dashboard.__file__).parents[1]),
        **small(root / "small"),
        **provider(root / "provider"),
    }
    (root / "found.json").write_text(json.dumps(found))
