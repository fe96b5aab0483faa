"""The panel's statements: the SQL files of this folder, in which a line with a ``$name`` stands for several.

Such a line is written once for each thing that the name goes through, and what belongs to that thing is put in:

    $sum                                  every sum of whole numbers that quality is made of
    $measure_part, _whole, _scale,        every measure of `dashboard/measures.py`: value = part / whole, times or by scale;
        _column, _area                    its column in the tables of customers and in area_weeks
    $mean_of, _when, _stem, _part, _whole of them those that are means over time: of what of the hour `q` and of the links
                                          `above` it, in which hours
    $share_counted, _among, _part, _whole of them those that count things among others, both of them columns of the hour
    $length_hours, _ms, _sum, _area       every length that single outages are told apart by: hours, milliseconds, the
                                          column of its time, and its column in area_weeks
    $reach_weeks, _days, _half, _sum,     every such length over every number of weeks that hours without service may act:
        _name                             half of the weeks in milliseconds, the column of its time, and its own
    $link_column                          columns of the hour of which the highest on the path counts
    $category, $quality_category,         every category of complaints; those that are about quality; those that quality
    $control_category                     cannot cause

Where the line ends with a comma, so does each; where it does not, all but the last do.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

from dashboard.measures import DOWN, LENGTHS, MEASURES, REACHES, Mean, ShareOfCounts, longer_than, over
from dashboard.tables import digests, stand_ins
from dashboard.tables.schema import CATEGORIES, CONTROL_CATEGORIES, QUALITY_CATEGORIES

Row = dict[str, str]
HOUR_MS = 3_600_000


def statement(name: str) -> str:
    """The statement that makes the table ``name``, every line written out."""
    text = files("dashboard").joinpath("panel", "sql", f"{name}.sql").read_text(encoding="utf-8")
    return expanded(text)


def expanded(text: str) -> str:
    """``text`` with every line that has a ``$name`` written out. Raises KeyError where nothing is called so."""
    return "".join(_written(line) for line in text.splitlines(keepends=True))


def stamp() -> str:
    """A digest of all statements: another one where the measures, or what is made of them, are others."""
    folder = files("dashboard").joinpath("panel", "sql")
    names = sorted(path.name.removesuffix(".sql") for path in folder.iterdir() if path.name.endswith(".sql"))
    told = [f"{m.name} {m.per} {m.unit} {m.may_be_promised}" for m in MEASURES]
    return digests.of_text(*told, *(statement(name) for name in names))


def _written(line: str) -> str:
    names = Template(line).get_identifiers()
    if not names or line.lstrip().startswith("--"):
        return line
    (group,) = {name.rpartition("_")[0] or name for name in names}
    body, ending = line.rstrip(), line[len(line.rstrip()) :]
    lines = dict.fromkeys(Template(body.removesuffix(",")).substitute(row) for row in _groups()[group])
    return f",{ending}".join(lines) + ("," if body.endswith(",") else "") + ending


@cache
def _groups() -> dict[str, list[Row]]:
    """What each name goes through, by the part of the name that is before its last underscore."""
    means = [measure.made for measure in MEASURES if isinstance(measure.made, Mean)]
    shares = [measure.made for measure in MEASURES if isinstance(measure.made, ShareOfCounts)]
    sums = dict.fromkeys(name for measure in MEASURES for name in (measure.made.whole, measure.made.part))
    measures = [
        {
            "measure_part": measure.made.part,
            "measure_whole": measure.made.whole,
            "measure_scale": measure.made.scale,
            "measure_column": measure.column,
            "measure_area": measure.area_column,
        }
        for measure in MEASURES
    ]
    return {
        "sum": [{"sum": name} for name in sums],
        "measure": measures,
        "mean": [_mean(mean) for mean in means],
        "share": [
            {
                "share_counted": share.counted,
                "share_among": share.among,
                "share_part": share.part,
                "share_whole": share.whole,
            }
            for share in shares
        ],
        "length": [_length(hours) for hours in LENGTHS],
        "reach": [_reach(weeks, hours) for weeks in REACHES for hours in LENGTHS],
        "link": [{"link_column": mean.column} for mean in means if mean.on_path],
        "category": [{"category": name} for name in CATEGORIES],
        "quality": [{"quality_category": name} for name in QUALITY_CATEGORIES],
        "control": [{"control_category": name} for name in CONTROL_CATEGORIES],
        "stand_in": [{"stand_in_rows": str(rows), "stand_in_percent": str(of)} for rows, of in stand_ins.ENOUGH],
    }


def _length(hours: int) -> Row:
    return {
        "length_hours": str(hours),
        "length_ms": str(hours * HOUR_MS),
        "length_sum": f"lasting_{hours}_ms",
        "length_area": longer_than(hours),
    }


def _reach(weeks: int, hours: int) -> Row:
    return {
        "reach_weeks": str(weeks),
        "reach_days": str(7 * weeks),
        "reach_half": str(7 * weeks * 12 * HOUR_MS),
        "reach_sum": f"lasting_{hours}_ms",
        "reach_name": over(weeks, hours).removeprefix(f"{DOWN.column}_"),
    }


def _mean(mean: Mean) -> Row:
    own = f"q.{mean.column}"
    return {
        "mean_of": f"greatest({own}, above.{mean.column})" if mean.on_path else own,
        "mean_when": "local_hours.is_evening" if mean.in_evenings else "TRUE",
        "mean_stem": mean.stem,
        "mean_part": mean.part,
        "mean_whole": mean.whole,
    }
