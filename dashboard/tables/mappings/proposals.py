"""A mapping proposed for an export that nobody has described yet: by what its columns are called and hold."""

from __future__ import annotations

import datetime
import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from collector import counted
from collector.published import Column, TableSpec
from dashboard.tables.checks.cells import cell_values, currencies, date_orders, ids
from dashboard.tables.checks.cells.blanks import blanked
from dashboard.tables.checks.cells.date_orders import Order
from dashboard.tables.checks.cells.ids import Way
from dashboard.tables.checks.columns import categories
from dashboard.tables.checks.columns.who_left import departures
from dashboard.tables.dates import unix_seconds
from dashboard.tables.dates.spelled import plain
from dashboard.tables.readers import repeated_columns
from dashboard.tables.readers.sheets import Sheet, joined
from dashboard.tables.schema import CHOICES, given_columns

SAMPLE = 20_000
MONEY = frozenset(
    {"balance", "amount", "total", "price", "fee", "fees", "credit", "debit", "mrr", "saldo", "value", "valor", "due"}
)
"""Words in the names of columns of amounts, which are nobody's id."""
NO_IDS = MONEY | {"report", "list", "name", "type", "status", "since", "phone", "mail", "email"}
"""... and of titles and other columns about a customer."""
QUESTION = r"q(?:id)?_?\d+(?:_nps|_1)?|nps.*|.*recommend.*|.*recomend.*"
"""How surveys name a question."""
VAGUE = frozenset(
    {
        "id",
        "login",
        "account",
        "customer",
        "date",
        "type",
        "reason",
        "name",
        "number",
        "from",
        "service",
        "rate",
        "since",
    }
)
"""Names that fit more than one of our columns."""
FEW = 60
KEPT_AS_KIND = 200
VOCABULARY = tomllib.loads((Path(__file__).parents[1] / "vocabulary.toml").read_text("utf-8"))
NAMES: dict[str, list[str]] = VOCABULARY["names"]
_HELPDESK = tomllib.loads((Path(__file__).parent / "freshdesk.toml").read_text("utf-8"))["columns"]["category"]["words"]
WORDS: dict[str, dict[str, list[str]]] = {
    **VOCABULARY["words"],
    "category": {
        ours: list(dict.fromkeys([*words, *_HELPDESK[ours]])) for ours, words in VOCABULARY["words"]["category"].items()
    },
}
"""By which words our categories are known: the mappings of helpdesks have them in other languages than English too."""
DATES = (
    *(
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y%m%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d/%m/%y",
        "%m/%d/%y",
        "%y/%m/%d",
        "%d.%m.%y",
        "%y-%m-%d",
        "%d-%m-%y",
        "%y.%m.%d",
        "%y%m%d",
    ),
    *("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
TIMES = ("", "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S%z")
TIME_OF_DAY = r"^\d{1,2}:\d{2}(:\d{2})?\s*([AaPp]\.?[Mm]\.?)?$"


def propose(
    sheet: Sheet,
    spec: TableSpec,
    name: str,
    ways: Mapping[str, Way] | None = None,
    *,
    today: datetime.date,
) -> str:
    """A mapping in TOML for ``sheet`` as records of ``spec``, with remarks on what a person should look at.

    ``ways`` say how ids are to be rewritten so that they are those on record; ``today`` is the day of the export.
    """
    taken: dict[str, tuple[str, ...]] = {}
    for column in _by_need(spec):
        if (source := _source(sheet, column, taken, today)) is not None:
            taken[column.name] = source
    orders = _orders(sheet, spec, taken, today)
    parts = []
    for column in given_columns(spec):
        if column.name in taken:
            lines = _section(sheet, column, taken[column.name], orders.get(column.name), today)
            parts.append((column.name, [*lines, *(ways or {}).get(column.name, Way()).lines]))
        elif column.required:
            parts.append((column.name, _open_question(spec, column)))
    used = set(itertools.chain(*taken.values()))
    left = [column for column in sheet.columns if column not in used]
    head = [f'kind = "{spec.name}"', f"title = {_quoted(f'proposed for {name}; read it through before it is used')}"]
    door = [f"# Not stored: {', '.join(left)}", ""] if left else []
    if spec.name == "customers":
        door = [*_departures_left(left), *door]
    return "\n".join([*head, "", *door, *("\n".join([*lines, ""]) for _, lines in parts)])


def _by_need(spec: TableSpec) -> list[Column]:
    """Required columns choose first, then those of whom or where, then the day of the end before that of a notice."""
    columns = given_columns(spec)
    return sorted(
        columns, key=lambda column: (not column.required, column.name not in ("customer_id", "area", "ended_on"))
    )


def _source(
    sheet: Sheet, column: Column, taken: dict[str, tuple[str, ...]], today: datetime.date
) -> tuple[str, ...] | None:
    used = set(itertools.chain(*taken.values()))
    free = [name for name in sheet.columns if name not in used and not repeated_columns.is_further(sheet, name)]
    known = NAMES.get(column.name, [column.name])
    squashed = {wanted.replace("_", ""): wanted for wanted in known}
    names = {name: squashed.get(name.replace("_", ""), name) for name in free}  # activeFrom is active_from
    exact = [name for wanted in known for name in free if names[name] == wanted]
    near = [name for wanted in known for name in free if len(wanted) > 3 and f"_{wanted}_" in f"_{name}_"]
    if column.name == "ended_on":
        near = [name for name in free if departures.is_named(name)]
    if column.name in ids.COLUMNS:
        near = [name for name in near if not set(name.split("_")) & NO_IDS]
    for name in dict.fromkeys([*exact, *near]):
        if _fits(sheet.columns[name], column, today):
            return (name, *_time_beside(sheet, name, free)) if column.type == "timestamp" else (name,)
    return _by_content(sheet, column, free)


def _by_content(sheet: Sheet, column: Column, free: Sequence[str]) -> tuple[str, ...] | None:
    """The only question of a survey of which all answers are 0 to 10, where no column is called a score."""
    if column.name != "score":
        return None
    found = [name for name in free if re.fullmatch(QUESTION, name) and _are_scores(sheet.columns[name])]
    return (found[0],) if len(found) == 1 else None


def _are_scores(cells: pa.Array) -> bool:
    given = cells.drop_null()
    return len(given) > 0 and bool(pc.all(pc.match_substring_regex(given, r"^(?:\d|10)(?:\s*[-–:(].*)?$")).as_py())


def _doubt(column: Column, source: tuple[str, ...]) -> list[str]:
    """How sure the choice of a column is: nothing where its name says it."""
    known = {name.replace("_", "") for name in NAMES.get(column.name, [column.name])}
    name = source[0].replace("_", "")
    if name in known and name not in VAGUE:
        return []
    if (
        any(f"_{one}_" in f"_{source[0]}_" for one in NAMES.get(column.name, [column.name]))
        or column.name == "ended_on"
    ):
        why = "its name only says so in part" if name not in known else "its name may mean something else"
        return [f"# Not sure: {why}. Is it the {column.name}?"]
    return [f"# Not sure: chosen by what stands in it. Is it the {column.name}?"]


def _fits(cells: pa.Array, column: Column, today: datetime.date) -> bool:
    sample = blanked(cells, column.name, column.type).drop_null()[:SAMPLE]
    if not len(sample):
        return not column.required
    if column.type in ("date", "timestamp"):
        return bool(unix_seconds.way(sample, today) or _formats([sample])) or bool(
            pc.all(pc.match_substring_regex(plain(sample), cell_values.MOMENT)).as_py()
        )
    if column.type in ("number", "integer"):
        return bool(pc.all(pc.match_substring_regex(currencies.bare(sample), r"^[+-]?[\d., ]+$")).as_py())
    if column.name == "customer_id" and pc.any(pc.match_substring_regex(sample, r"^-?\d+[.,]\d*[1-9]\d*$|^-")).as_py():
        return False
    if column.name in ("channel", "technology", "source"):
        return len(pc.unique(sample)) <= KEPT_AS_KIND
    return True


def _time_beside(sheet: Sheet, name: str, free: Sequence[str]) -> tuple[str, ...]:
    """The column with the time of day, where the date has a column of its own."""
    if pc.any(pc.match_substring(sheet.columns[name], ":")).as_py():
        return ()
    for other in free:
        cells = sheet.columns[other].drop_null()
        is_time = len(cells) and pc.all(pc.match_substring_regex(cells, TIME_OF_DAY)).as_py()
        if other != name and is_time and ("time" in other or "hour" in other):
            return (other,)
    return ()


def _orders(
    sheet: Sheet, spec: TableSpec, taken: Mapping[str, tuple[str, ...]], today: datetime.date
) -> dict[str, Order]:
    """The order of days and months in each column of dates, where the rows themselves decide it; else a person does."""
    dated = [column.name for column in given_columns(spec) if column.type in ("date", "timestamp")]
    columns = {name: joined([sheet.columns[one] for one in taken[name]], " ") for name in dated if name in taken}
    columns = {name: blanked(cells, name, "date") for name, cells in columns.items()}
    try:
        return date_orders.decided(columns, today)
    except date_orders.OrderError:
        return {}


def _section(
    sheet: Sheet, column: Column, source: tuple[str, ...], order: Order | None, today: datetime.date
) -> list[str]:
    if column.name == "category":
        source = (*source, *_subject_beside(sheet, source[0]))
    cells = [sheet.columns[name] for name in source]
    lines = [*_doubt(column, source), f"[columns.{column.name}]", f"source = {_listed(source)}"]
    if column.type in ("date", "timestamp"):
        way = unix_seconds.way(joined(cells, " "), today)
        return lines + ([f"format = {_quoted(way)}"] if way else _format_lines(cells, order))
    if column.name in CHOICES:
        may_list = not any(categories.is_subject(name) for name in source[1:])
        return lines + _choice_lines(
            joined(cells, " "), column.name, may_be_blank=not column.required, may_list=may_list
        )
    if column.name == "customer_id":
        lines.insert(0, "# Must be the id that your other exports know the customer by.")
    return lines


def _subject_beside(sheet: Sheet, name: str) -> tuple[str, ...]:
    """The column of subjects, where no category says what a complaint is about ("Incident", "Problem")."""
    distinct = [str(value).lower() for value in pc.unique(sheet.columns[name].drop_null()).to_pylist()]
    if len(distinct) > FEW or any(_guess(value, "category") for value in distinct):
        return ()
    subjects = (one for one in sheet.columns if one != name and categories.is_subject(one))
    return tuple(itertools.islice((one for one in subjects if sheet.columns[one].null_count < len(sheet.lines)), 1))


def _format_lines(cells: Sequence[pa.Array], order: Order | None) -> list[str]:
    fitting = _formats(cells)
    of_order = [way for way in fitting if order is not None and way[:2].lower() == order.format[:2]]
    if len(fitting) == 1:
        return [f"format = {_quoted(fitting[0])}"]
    if len(of_order) == 1 and order is not None:
        return [
            f"# By all dates of the file it is {order.value}.",
            f"format = {_quoted(of_order[0])}",
        ]
    if len(fitting) > 1:
        return [
            "# The dates can be read in several ways: take the # from the one that is right.",
            *(f"# format = {_quoted(way)}" for way in fitting),
        ]
    return []


def _formats(cells: Sequence[pa.Array]) -> list[str]:
    """The formats under which every cell of the sample is a date."""
    texts = pd.Series(pc.unique(joined(cells, " ").drop_null()[:SAMPLE]).to_pylist(), dtype="object")
    if texts.empty:
        return []
    ways = [f"{date} {time}".strip() for date in DATES for time in TIMES]
    ways += [f"{date}T{time}" for date in DATES[:1] for time in TIMES if time]
    first = [way for way in ways if _all_read(texts[:20], way)]
    return [way for way in first if _all_read(texts, way)]


def _all_read(texts: pd.Series, way: str) -> bool:
    return bool(pd.to_datetime(texts, format=way, errors="coerce", utc="%z" in way).notna().all())


def _choice_lines(cells: pa.Array, name: str, *, may_be_blank: bool, may_list: bool) -> list[str]:
    distinct = [str(value) for value in pc.unique(cells.drop_null()).to_pylist()]
    lines = []
    if cells.null_count and not may_be_blank:
        lines.append(f"# {counted.of(cells.null_count, 'cell', 'are')} blank; without this line such rows are refused.")
        lines.append('blank = "other"')
    if may_list and len(distinct) <= FEW and all(len(value) <= 60 for value in distinct):
        values = [_value_line(value, name) for value in sorted(distinct, key=str.lower)]
        if name == "category" and any(line.startswith("#") for line in values):
            lines += [
                "# What is not recognised below counts as this, and so not as one about the network.",
                'default = "other"',
            ]
        lines.append(f"[columns.{name}.values]")
        return lines + values
    lines += [
        f"# {len(distinct):,} different texts: they are not stored, only the first of our words of which one has a word.",
        'default = "other"',
        f"[columns.{name}.words]",
    ]
    return lines + [f"{ours} = {json.dumps(words, ensure_ascii=False)}" for ours, words in WORDS[name].items()]


def _value_line(value: str, name: str) -> str:
    lowered = value.lower()
    if lowered in CHOICES[name]:
        return f"{_quoted(value)} = {_quoted(lowered)}"
    guess = _guess(lowered, name)
    if guess is None:
        taken = "so not known: is it" if name == "end_reason" else "so 'other' until you say: is it"
        return f'# {_quoted(value)} = ""  # not recognised, {taken} one of {", ".join(CHOICES[name])}?'
    return f"{_quoted(value)} = {_quoted(guess)}"


def _guess(lowered: str, name: str) -> str | None:
    """Which of our words a text in small letters says, by the beginnings of its words."""
    if lowered in CHOICES[name]:
        return lowered
    return next((ours for ours, words in WORDS[name].items() if any(_has(lowered, word) for word in words)), None)


def _has(text: str, word: str) -> bool:
    """Whether the word, or one that begins so, stands in the text."""
    return re.search(rf"(?<!\w){re.escape(word)}", text) is not None


def _departures_left(left: Sequence[str]) -> list[str]:
    """A question for each column that by its name says when customers went and that nothing takes."""
    return [
        line
        for name in left
        if departures.is_named(name)
        for line in (
            f"# {name} seems to say when customers went. If it does, take it: source = {_quoted(name)} under [columns.ended_on].",
            f"# If it does not: ignore = [{_quoted(name)}] at the top of this mapping.",
            "",
        )
    ]


def _open_question(spec: TableSpec, column: Column) -> list[str]:
    lines = [
        f"# {column.name} is needed ({column.description}), and no column looks like it. Name one, or one for all:"
    ]
    if spec.name == "customers" and column.name == "valid_from":
        return ["# An export without history: say with --as-of on which day it was made."]
    return [*lines, f"# [columns.{column.name}]", '# source = "..."    # or: constant = "..."']


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(names: Iterable[str]) -> str:
    found = [_quoted(name) for name in names]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"
