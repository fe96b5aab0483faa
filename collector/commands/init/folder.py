"""`bairro init`: a folder with everything that a first start needs, and units for systemd that run from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from bairro_error import BairroError
from collector import config
from collector.commands.init.settings_text import commented

INVENTORY = "device_id,address,role,area,parent,subscribers,ping,credential\nthis-host,127.0.0.1,router,here,,,,off\n"
UNITS = ("bairro-collector.service", "bairro-dashboard.service", "bairro-build.service", "bairro-build.timer")
HEAD = "# {what}: every key with its default behind a #. What each does: docs/settings.md.\n\n"
CREDENTIALS = """
# How devices let the collector in, by SNMP: version 2c with a community, or version 3 with a user. Secrets may stand in the
# environment (community_env) or in a file of mode 600 (community_file). The first one is for devices that name none.
[[credentials]]
name = "default"
community = "public"
"""


class InitError(BairroError, ValueError):
    """A folder that no new provider can be begun in; the message says why."""


def begin(folder: Path, dashboard: str, *, program: Path, user: str) -> list[Path]:
    """Write the files into ``folder``, which must hold none of them; ``dashboard`` is the text of dashboard.toml.

    The units start ``program`` as ``user``. Raises InitError and OSError.
    """
    home = folder.resolve()
    if why := why_not_quotable(home):
        raise InitError(why)
    texts = {
        "collector.toml": _collector(),
        "dashboard.toml": HEAD.format(what="Bairro's dashboard") + dashboard,
        "devices.csv": INVENTORY,
        **{f"systemd/{name}": _unit(name, home, program, user) for name in UNITS},
    }
    taken = [name for name in texts if (home / name).exists()]
    if taken:
        raise InitError(f"{home / taken[0]}: exists already, and init replaces nothing: name another folder")
    _write(home, texts)
    return [home / name for name in texts]


def _write(home: Path, texts: Mapping[str, str]) -> None:
    (home / "systemd").mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with (home / name).open("x", encoding="utf-8") as file:
            file.write(text)


def _collector() -> str:
    given = {"inventory": "devices.csv", "data": "data"}
    text = commented(config.CollectorSettings, given, config.RANGES, config.CHOICES, without=("credentials",))
    return HEAD.format(what="Bairro's collector") + text + CREDENTIALS


def _unit(name: str, home: Path, program: Path, user: str) -> str:
    """The unit as it is packaged, for this folder, program and user. It keeps its data in the folder, not in /var/lib."""
    text = files("collector").joinpath("commands", "init", name).read_text(encoding="utf-8")
    lines = [
        line for line in text.splitlines() if not line.startswith(("ConfigurationDirectory", "StateDirectory", "UMask"))
    ]
    text = "\n".join(lines) + "\n"
    for packaged, here in {
        "WorkingDirectory=/var/lib/bairro": f"WorkingDirectory={home}\nReadWritePaths={home}",
        "/etc/bairro/": f"{home}/",
        "/opt/bairro/bin/bairro": str(program),
        "User=bairro\nGroup=bairro\n": f"User={user}\n",
        "`data` in them is /var/lib/bairro": "and `data` in them is there too",
        "/etc/bairro;": f"{home};",
    }.items():
        text = text.replace(packaged, here)
    if any(path.is_relative_to(place) for path in (home, program) for place in ("/home", "/root")):
        text = text.replace("ProtectHome=yes", "ProtectHome=no")
    return text


def why_not_quotable(path: Path) -> str | None:
    """Why systemd would not take a path as it stands in a unit; None where it would."""
    if json.dumps(str(path)) != f'"{path}"' or any(letter in str(path) for letter in " %'\"$"):
        return f"{path}: systemd needs a path without blanks, quotes, % and $"
    return None
