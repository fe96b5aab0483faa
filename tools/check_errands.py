"""Whether what CONTRIBUTING.md says to add is complete: profiles, metrics, measures, pages, records, settings, mappings.

Part of make check.

Prints a sentence for each thing that is missing, beginning with the file where it belongs, and ends with exit code 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import get_origin, get_type_hints

from bairro_error import BairroError
from collector.config import CollectorSettings
from collector.poll.profile_files import load_profiles
from dashboard import app
from dashboard.commands.records_command import KINDS
from dashboard.config import DashboardSettings, JoinSettings
from dashboard.figures.evidence import TABLES
from dashboard.figures.live.age import NAMES
from dashboard.measures import MEASURES, Measure
from dashboard.panel.row_accounts import COUNTS
from dashboard.tables.imports.joining.joins import _LOOKS
from dashboard.tables.imports.row_rules import RULES
from dashboard.tables.mappings import profiles as mappings
from dashboard.tables.mappings.proposals import VOCABULARY
from dashboard.tables.readers.sheets import UnreadableError
from dashboard.tables.schema import RECORDS, TableSpec, given_columns

ROOT = Path(__file__).parent.parent
PLACES: dict[str, tuple[Collection[str], str]] = {
    "dashboard/tables/imports/row_rules.py": (RULES, "RULES does not say which of its rows are refused"),
    "dashboard/commands/records_command.py": (KINDS, "KINDS lacks it, so `bairro import` does not offer it"),
    "dashboard/figures/live/age.py": (NAMES, "NAMES has no name for it that people read"),
    "dashboard/figures/evidence.py": (TABLES, "TABLES has no name for its rows"),
}
"""Where a kind of record must stand, by file, and what it means that it does not."""
DOCUMENTS = ("docs/methods.md", "docs/settings.md", "deploy/example/collector.toml", "docs/importing.md")


def faults_of_record(spec: TableSpec) -> Iterator[str]:
    """What a kind of record lacks, a sentence each."""
    for file, (known, missing) in PLACES.items():
        if spec.name not in known:
            yield f"{file}: {spec.name}: {missing}"
    named: Mapping[str, object] = VOCABULARY["names"]
    for column in given_columns(spec):
        if column.name not in named:
            yield (
                f"dashboard/tables/vocabulary.toml: {spec.name}: [names] has no {column.name}, so that no mapping can be"
                " proposed for it"
            )
    if "customer_id" in spec.column_names and spec.name not in _LOOKS:
        yield f"dashboard/tables/imports/joining/joins.py: {spec.name}: _LOOKS does not say whether its customers are on record"
    if spec.name in _LOOKS and spec.name not in {"customers", *(field.name for field in fields(JoinSettings))}:
        yield f"dashboard/config.py: {spec.name}: JoinSettings does not say which share of its rows must match"
    if f"'{spec.name}'" not in COUNTS:
        yield f"dashboard/panel/row_accounts.py: {spec.name}: COUNTS does not say what becomes of its rows"


def faults_of_measure(measure: Measure, documents: Mapping[str, str]) -> Iterator[str]:
    """What the documents, by their paths, do not say of a measure."""
    if f"| `{measure.name}` |" not in documents["docs/methods.md"]:
        yield f"docs/methods.md: {measure.name}: the table of terms does not say what its ratio is for"
    if measure.target and f"| `targets.{measure.target}` |" not in documents["docs/settings.md"]:
        yield f"docs/settings.md: {measure.name}: targets.{measure.target} is missing"


def faults_of_setting(key: str, document: str, example: str | None = None) -> Iterator[str]:
    """Where a setting by its dotted key is not told: docs/settings.md, and the example of the collector's file."""
    if f"| `{key}` |" not in document:
        yield f"docs/settings.md: {key}: no row says what it does"
    if example is not None and not re.search(rf"^#? ?{key.rsplit('.', maxsplit=1)[-1]} = ", example, re.MULTILINE):
        yield f"deploy/example/collector.toml: {key}: the example does not show it"


def settings_of(declared: type, prefix: str = "") -> Iterator[str]:
    """The dotted keys of settings that have a table of their own or none; not those that stand in lists or by name."""
    hints = get_type_hints(declared)
    for one in fields(declared):
        if is_dataclass(hints[one.name]):
            yield from settings_of(hints[one.name], f"{prefix}{one.name}.")
        elif one.name not in {"credentials", "notices", "sources"} and get_origin(hints[one.name]) is not dict:
            yield f"{prefix}{one.name}"


def faults_of_mapping(name: str, document: str) -> Iterator[str]:
    """Whether people are told of a packaged mapping."""
    if f"| `{name}` |" not in document:
        yield f"docs/importing.md: {name}: the table of packaged mappings lacks it"


def idle_statements(statements: Iterable[str], code: str) -> Iterator[str]:
    """Statements of the panel that the ``code`` of it does not name."""
    for name in statements:
        if f'"{name}"' not in code:
            yield f"dashboard/panel/sql/{name}.sql: nothing runs it: name it in JOINED_OVER_THE_SPAN of dashboard/panel/assemble.py"


def blank_charts(file: str, code: str) -> Iterator[str]:
    """Charts and clocks of a page that no callback of it fills or hears."""
    for pattern, used, missing in (
        (r'parts\.graph\(\s*"([\w-]+)"', "Output", "stays blank: no callback has it as Output"),
        (r'dcc\.Interval\(\s*id="([\w-]+)"', "Input", "does nothing: no callback has it as Input"),
    ):
        for name in re.findall(pattern, code):
            if not re.search(rf'{used}\(\s*"{name}"', code):
                yield f"{file}: {name} {missing}"


def faults() -> list[str]:
    """All that is missing; measures say so themselves when they are imported."""
    found = [fault for spec in RECORDS.values() for fault in faults_of_record(spec)]
    documents = {path: (ROOT / path).read_text(encoding="utf-8") for path in DOCUMENTS}
    told, example, importing = (documents[path] for path in DOCUMENTS[1:])
    found += [fault for key in settings_of(CollectorSettings) for fault in faults_of_setting(key, told, example)]
    found += [fault for key in settings_of(DashboardSettings) for fault in faults_of_setting(key, told)]
    found += [fault for name in mappings.packaged() for fault in faults_of_mapping(name, importing)]
    found += [fault for measure in MEASURES for fault in faults_of_measure(measure, documents)]
    panel = ROOT / "dashboard" / "panel"
    code = "".join(path.read_text(encoding="utf-8") for path in panel.glob("*.py"))
    found += idle_statements(sorted(path.stem for path in (panel / "sql").glob("*.sql")), code)
    for path in sorted((ROOT / "dashboard" / "pages").rglob("*.py")):
        found += blank_charts(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    for check in (load_profiles, declared_metrics, app.check_pages):
        found += refused_by(check)
    for name, kind in mappings.packaged().items():
        found += refused_by(partial(mapping_of, name, kind))
    return found


def mapping_of(name: str, kind: str) -> None:
    """Raises BairroError where a packaged mapping cannot be used, or is for no kind of record."""
    if kind not in RECORDS:
        raise UnreadableError(f"dashboard/tables/mappings/{name}.toml: kind: there are no records called {kind}")
    mappings.load(name, kind)


def declared_metrics() -> None:
    """Raises FamilyError, by what the module itself looks for, where a metric is declared by half."""
    import_module("collector.publish.exposition.families")


def refused_by(check: Callable[[], object]) -> list[str]:
    """What ``check`` says that is wrong."""
    try:
        check()
    except BairroError as error:
        return [str(error)]
    return []


def main() -> int:
    """Print what is missing."""
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
