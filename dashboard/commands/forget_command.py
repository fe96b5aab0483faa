"""`bairro forget`: erases one customer, and says what went, what stays and what it does not reach."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from collector import counted
from dashboard.commands.operators_command import actor

if TYPE_CHECKING:
    from dashboard.config import DashboardSettings
    from dashboard.operations.forget.customer import Forgotten

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
NOT_REACHED = (
    "Not reached: backups, reports and lists that were written, what Prometheus keeps, and your own systems. Delete the "
    "customer from the CRM before the next export: an import that names them again brings them back"
)


def add_to(commands: Any, parent: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    """Add the command to bairro's."""
    command = commands.add_parser("forget", parents=[parent], help="erase one customer from all that is stored")
    command.add_argument("customer", metavar="CUSTOMER", help="their id, as it stands in your own exports")
    command.add_argument("--dry-run", action="store_true", help="count what would go; change nothing")
    command.add_argument("--by", metavar="NAME", help="who does it, for the audit; default: the system's user")
    command.set_defaults(run=run)


def forget_customer(arguments: argparse.Namespace, settings: DashboardSettings) -> int:
    """Erase; 1 where nothing names the customer or a file could not be read, 2 where it could not be done."""
    from collector.published import connect
    from dashboard.operations.forget.customer import forget

    engine = connect(settings.database_url)
    try:
        found = forget(
            engine,
            settings,
            arguments.customer,
            by=actor(arguments),
            now=datetime.now(UTC),
            is_dry_run=arguments.dry_run,
        )
    except OSError as error:
        print(f"bairro: {error.filename or settings.data}: {error.strerror or error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except sa.exc.SQLAlchemyError as error:
        why = " ".join(str(getattr(error, "orig", None) or error).split())
        print(f"bairro: the operations database: {why}; run this again once it can be written", file=sys.stderr)
        return EXIT_UNUSABLE
    finally:
        engine.dispose()
    print("\n".join(_lines(found, is_dry_run=arguments.dry_run)))
    return EXIT_PROBLEMS if found.unreadable or not found.rows.total() else EXIT_OK


def _lines(found: Forgotten, *, is_dry_run: bool) -> list[str]:
    if not found.rows.total() and not found.unreadable:
        return ["No row names this customer: write the id as it stands in your exports"]
    verb = "would be erased" if is_dry_run else "erased"
    lines = [f"{name}: {counted.of(rows, 'row')} {verb}" for name, rows in found.rows.items() if rows]
    if found.devices:
        lines.append(f"Devices that were theirs alone: {', '.join(found.devices)}")
    if found.shared:
        lines.append(
            f"Devices whose history stays, since others use them or no inventory says that they are a customer's: {', '.join(found.shared)}"
        )
    if found.in_inventory:
        lines.append(
            f"Still polled, so their history begins anew: take {', '.join(found.in_inventory)} out of the inventory, and run this again when the hour is over"
        )
    lines += [f"Cannot be read, and may still hold rows: {why}" for why in found.unreadable]
    if not is_dry_run:
        lines.append("Run `bairro build`: results of before hold areas, no customers, and counted this one")
    return [*lines, NOT_REACHED]
