"""The command line: composes collector, dashboard and demo, and is the only module that knows all three."""

from __future__ import annotations

import argparse
import os
import platform
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import settings_file
from bairro_error import BairroError
from collector import file_access
from collector.commands import arguments as collector_arguments
from dashboard.commands import arguments as dashboard_arguments
from demo import arguments as demo_arguments

if TYPE_CHECKING:
    from collector.config import CollectorSettings
    from dashboard.config import DashboardSettings
    from demo.files import DemoFiles

    Settings = TypeVar("Settings", CollectorSettings, DashboardSettings)

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
SUPERVISED = "BAIRRO_SUPERVISOR"
ITSELF = (sys.executable, str(Path(__file__).resolve()))
"""How it starts itself: by its file, since ``python -m bairro`` would take what is called so in the working folder."""
PLEASE_REPORT = "bairro: this is a bug. Please report it with the lines above and the output of `bairro --version`"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 (done), 1 (done with problems that were printed) or 2 (could not be done).

    What a command does not tell itself is told here: a BairroError in its sentence, with 2, and whatever nobody
    thought of in its traceback, with 1, as Python has it.
    """
    arguments = _parser().parse_args(argv)
    if SUPERVISED in os.environ:
        from demo.supervise import end_with_parent

        end_with_parent()
    try:
        with file_access.written_for(file_access.wanted(getattr(arguments, "config", None))):
            code: int = arguments.run(arguments)
    except BairroError as error:
        print(f"bairro: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except Exception:
        traceback.print_exc()
        print(PLEASE_REPORT, file=sys.stderr)
        return EXIT_PROBLEMS
    return code


# --- collector and dashboard ---


def init(arguments: argparse.Namespace) -> int:
    import getpass

    from collector.commands.init import folder
    from collector.commands.init.settings_text import commented
    from dashboard import config

    given = {"data": "data", "customer_key": "customer.key"}
    dashboard = commented(config.DashboardSettings, given, config.LIMITS, config.CHOICES)
    program = Path(sys.executable).with_name("bairro")
    try:
        written = folder.begin(arguments.folder, dashboard, program=program, user=getpass.getuser())
    except OSError as error:
        print(f"bairro init: {error.filename or arguments.folder}: {error.strerror or error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print("\n".join(str(path) for path in written))
    print(
        f"The inventory polls this host. Next: name your devices in devices.csv, then, in {arguments.folder.resolve()}: "
        "bairro check, bairro collect, bairro serve"
    )
    return EXIT_OK


# --- collector ---


def collect(arguments: argparse.Namespace) -> int:
    from collector import config
    from collector.loop import service

    settings = _listening_on(arguments.address, config.load(arguments.config))
    settings = config.with_shard(settings, arguments.shard)
    if arguments.web_config_file is not None:
        settings = replace(settings, web=replace(settings.web, config_file=arguments.web_config_file))
    _make_and_look_at_folder(settings.data, settings.data_access)
    _migrate_database(settings.database_url)
    return service.run(settings)


def check(arguments: argparse.Namespace) -> int:
    from collector.commands.check import check as check_files

    lines, code = check_files(arguments.config)
    beside = _open_beside(arguments.config.with_name("dashboard.toml"))
    print("\n".join([*beside, *lines]))
    return EXIT_PROBLEMS if beside and code == EXIT_OK else code


def _open_beside(dashboard_toml: Path) -> list[str]:
    """Secrets of the dashboard that others can read, where its settings are in the collector's folder."""
    from collector.commands.open_secrets import has_password
    from dashboard import config

    try:
        settings = config.load(dashboard_toml)
    except settings_file.SettingsError:
        return []
    secrets = [settings.customer_key, *([dashboard_toml] if has_password(settings.database) else [])]
    return [why for path in secrets if (why := file_access.why_secret_is_open(path)) is not None]


def explain(arguments: argparse.Namespace) -> int:
    from collector import config
    from collector.commands.explain_device import explain as explain_device

    text, code = explain_device(config.load(arguments.config), arguments.device)
    print(text)
    return code


def repair(arguments: argparse.Namespace) -> int:
    from collector import config
    from collector.commands.repair import repair as repair_hours

    data = config.load(arguments.config).data
    try:
        report = repair_hours(data, _say, blank=arguments.blank)
    except OSError as error:
        print(f"bairro repair: {data}: {error.strerror or error}", file=sys.stderr)
        return EXIT_UNUSABLE
    for problem in report.problems:
        print(problem, file=sys.stderr)
    hours = len({(found.hour, found.device_id) for found in report.findings})
    what = f"{report.blanked:,} of them blanked" if arguments.blank else "nothing was changed; --blank removes them"
    _say(f"{len(report.findings):,} impossible values in {hours:,} device-hours" + (f"; {what}" if hours else ""))
    return EXIT_PROBLEMS if len(report.findings) > report.blanked or report.problems else EXIT_OK


def profile_test(arguments: argparse.Namespace) -> int:
    from collector import recordings
    from collector.poll.profile_files import load_profiles

    profiles = load_profiles(*([arguments.profiles] if arguments.profiles else []))
    objects, problems = recordings.read(arguments.recording)
    print(recordings.put(objects, profiles, named=arguments.profile))
    for problem in problems[: recordings.MOST_SHOWN]:
        print(f"{arguments.recording}: {problem}", file=sys.stderr)
    if len(problems) > recordings.MOST_SHOWN:
        print(f"{arguments.recording}: {len(problems)} lines in total are not objects", file=sys.stderr)
    return EXIT_OK if objects else EXIT_UNUSABLE


def capture(arguments: argparse.Namespace) -> int:
    from collector import config
    from collector.commands.capture import capture as capture_device

    text, code = capture_device(config.load(arguments.config), arguments.device, arguments.out)
    print(text)
    return code


def migrate(arguments: argparse.Namespace) -> int:
    from collector import config

    print(_migrate_database(arguments.url or config.load(arguments.config).database_url))
    return EXIT_OK


def disk(arguments: argparse.Namespace) -> int:
    from collector import config
    from collector.commands.disk import disk as tell

    return tell(config.load(arguments.config), time.time(), remove=arguments.remove)


# --- dashboard ---


def build(arguments: argparse.Namespace) -> int:
    from dashboard import config
    from dashboard.analysis import build as building
    from dashboard.analysis import build_schedule

    settings = config.on_engine(config.load(arguments.config), arguments.engine, arguments.master)
    if when := build_schedule.times(arguments.every, arguments.at, settings.timezone):
        command = [*ITSELF, "build", "--config", str(arguments.config)]
        command += ["--engine", settings.engine.name, "--master", settings.engine.spark_master]
        return build_schedule.repeat(command, settings.data, when, parent=arguments.parent)
    folder = building.build(settings, _say, force=arguments.force)
    problems = building.problems(folder)
    if problems:
        wrong = "1 warning" if len(problems) == 1 else f"{len(problems)} warnings"
        _say(f"The results are stored, with {wrong} (above, and on the page Evidence): exit code 1")
    return EXIT_PROBLEMS if problems else EXIT_OK


def serve(arguments: argparse.Namespace) -> int:
    from dashboard import app, config
    from dashboard.analysis import build_schedule, fetch_schedule
    from dashboard.notices import service
    from dashboard.serving import listening

    settings = _listening_on(arguments.address, config.load(arguments.config))
    if arguments.published_on is not None:
        settings = replace(settings, web=replace(settings.web, published_on=arguments.published_on))
    try:
        listening.refuse_open(settings.web, lambda: app.asks_who(settings))
    except listening.ListenError as error:
        print(f"bairro serve: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    _make_and_look_at_folder(settings.data, settings.data_access)
    _migrate_database(settings.database_url)
    with (
        build_schedule.beside(ITSELF, arguments.config, settings.build),
        fetch_schedule.beside(ITSELF, arguments.config, settings),
        service.beside(settings),
    ):
        return app.serve(settings, arguments.config)


def report(arguments: argparse.Namespace) -> int:
    from dashboard import config
    from dashboard.reports.area_report import write_report

    paths = write_report(config.load(arguments.config), arguments.area, arguments.out)
    print("\n".join(str(path) for path in paths))
    return EXIT_OK


def forget(arguments: argparse.Namespace) -> int:
    from dashboard import config
    from dashboard.commands.forget_command import forget_customer

    settings = config.load(arguments.config)
    _make_folder(settings.data)
    _migrate_database(settings.database_url)
    return forget_customer(arguments, settings)


def operators_entry(arguments: argparse.Namespace) -> int:
    from dashboard import config
    from dashboard.commands import operators_command as commands

    settings = config.load(arguments.config)
    _make_folder(settings.data)
    _migrate_database(settings.database_url)
    return commands.enter(arguments, settings)


# --- demo ---


def demo(arguments: argparse.Namespace) -> int:
    from demo import supervise

    stage = _stages()
    web = {"--port": arguments.port, "--metrics-port": arguments.metrics_port}
    agents = {"--snmp-port": arguments.snmp_port, "--echo-port": arguments.echo_port}
    try:
        supervise.claim_ports(web, socket.SOCK_STREAM)
        supervise.claim_ports(agents, socket.SOCK_DGRAM)
        supervisor = supervise.Supervisor(arguments.folder / "logs", _say)
        files = _prepare_world(arguments, stage)
    except (supervise.PortInUseError, ValueError) as error:
        print(f"bairro demo: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    now_url, metrics_url = f"http://127.0.0.1:{arguments.port}", f"http://127.0.0.1:{arguments.metrics_port}"
    bairro = ITSELF
    collector, dashboard = ("--config", str(files.collector_toml)), ("--config", str(files.dashboard_toml))
    parts = (
        supervise.Part("agents", (*bairro, "demo-agents", str(arguments.folder))),
        supervise.Part("collector", (*bairro, "collect", *collector), f"{metrics_url}/-/healthy"),
        supervise.Part("dashboard", (*bairro, "serve", *dashboard), f"{now_url}/-/healthy"),
        supervise.Part("build", (*bairro, "build", *dashboard), is_task=True),
    )
    stage("starting the agents, the collector and the dashboard")
    return supervisor.run(parts, lambda: _show_addresses(stage, now_url, metrics_url, arguments.folder))


def _prepare_world(arguments: argparse.Namespace, stage: Callable[[str], None]) -> DemoFiles:
    from dashboard import config
    from dashboard.tables.imports.records import import_records as import_file
    from demo import files

    options = files.DemoOptions(
        seed=arguments.seed,
        areas=arguments.areas,
        devices=arguments.devices,
        as_of=arguments.as_of,
        web_port=arguments.port,
        metrics_port=arguments.metrics_port,
        snmp_port=arguments.snmp_port,
        echo_port=arguments.echo_port,
    )
    written = files.prepare(arguments.folder, options, stage)
    settings = config.load(written.dashboard_toml)
    stage("importing the provider's records")
    for kind, path in written.records.items():
        report = import_file(kind, path, settings)
        _say(f"         {report if report.exit_code else report.summary}")
    return written


def _show_addresses(stage: Callable[[str], None], now_url: str, metrics_url: str, folder: Path) -> None:
    stage("running; the analysis is being built, Ctrl-C stops everything")
    _say(f"""
  Now             {now_url}/
  Areas at risk   {now_url}/areas
  Metrics         {metrics_url}/metrics
  Collector       {metrics_url}/
  Data and logs   {folder}
""")


def demo_prepare(arguments: argparse.Namespace) -> int:
    try:
        _prepare_world(arguments, _stages())
    except ValueError as error:
        print(f"bairro demo-prepare: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return EXIT_OK


def demo_agents(arguments: argparse.Namespace) -> int:
    from demo import agents

    try:
        return agents.run(arguments.folder)
    except ValueError as error:
        print(f"bairro demo-agents: {error}", file=sys.stderr)
        return EXIT_UNUSABLE


def _listening_on(address: str | None, settings: Settings) -> Settings:
    return settings if address is None else replace(settings, web=replace(settings.web, address=address))


def _migrate_database(url: str) -> str:
    from collector.publish.incidents.migrate import migrate as migrate_to_newest

    return migrate_to_newest(url)


def _make_folder(data: Path) -> None:
    """The data folder, where there is none yet."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise settings_file.SettingsError(f"{data}: the data folder cannot be made: {error.strerror}") from None


def _make_and_look_at_folder(data: Path, access: str) -> None:
    """The same for what runs on. A folder that lets others in is left so, and told: somebody may rely on it."""
    _make_folder(data)
    if why := file_access.why_folder_is_open(data, access):
        print(f"bairro: {why}", file=sys.stderr)


def _say(text: str) -> None:
    print(text, flush=True)


def _stages() -> Callable[[str], None]:
    """Print each stage with the seconds since the start before it."""
    start = time.monotonic()
    return lambda text: _say(f"[{time.monotonic() - start:5.1f} s] {text}")


# --- arguments ---


class _Parser(argparse.ArgumentParser):
    """Takes options between positionals too, where there are several; argparse alone ends them at the first option."""

    _is_intermixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        positionals = self._get_positional_actions()
        if (
            self._is_intermixing
            or len(positionals) < 2
            or any(action.nargs == argparse.PARSER for action in positionals)
        ):
            return super().parse_known_args(args, namespace)
        self._is_intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixing = False


class _Version(argparse.Action):
    """Looked up only when it is asked for, which takes longer than reading the words."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from collector.publish.exposition.self_metrics import bairro_version

        print(f"bairro {bairro_version()}, {platform.python_implementation()} {platform.python_version()}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    what_for = "Network quality joined with complaints and departures, by neighbourhood."
    parser: argparse.ArgumentParser = _Parser(prog="bairro", description=what_for)
    what_for = "print the version of Bairro and of Python"
    parser.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help=what_for)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    collector_arguments.add_to(
        commands,
        collect=collect,
        check=check,
        explain=explain,
        profile_test=profile_test,
        capture=capture,
        repair=repair,
        migrate=migrate,
        disk=disk,
        init=init,
    )
    dashboard_arguments.add_to(
        commands, build=build, serve=serve, report=report, forget=forget, operators_entry=operators_entry
    )
    demo_arguments.add_to(commands, demo, demo_prepare, demo_agents)
    return parser


if __name__ == "__main__":
    sys.exit(main())
