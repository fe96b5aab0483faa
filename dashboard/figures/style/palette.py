"""One colour-blind-safe severity palette (after Okabe and Ito 2008) with a shape and a word for every state and verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark"]
FONT = '"Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one theme; ``faint`` is for grid lines, ``soft`` for secondary text, ``beside`` for secondary bars."""

    name: ThemeName
    paper: str
    ink: str
    soft: str
    faint: str
    beside: str
    accent: str
    alarm: str


LIGHT = Theme("light", "#ffffff", "#16202b", "#52606d", "#e3e8ee", "#b9c3cd", "#0072b2", "#c23b00")
DARK = Theme("dark", "#17202a", "#e8edf2", "#a3b1bf", "#2c3846", "#5b6b7a", "#56b4e9", "#ff7a33")
THEMES: dict[str, Theme] = {"light": LIGHT, "dark": DARK}


def theme(name: str | None) -> Theme:
    return THEMES.get(name or "", LIGHT)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state is drawn: fill colour, the ink that can be read on it, a shape, a word.

    ``weight`` is how strongly a map shows it, so that what needs no one's attention stays calm.
    """

    key: str
    word: str
    shape: str
    fill: str
    ink: str
    meaning: str
    weight: float = 1.0


def blend(mark: Mark, on: Theme) -> str:
    """The mark's fill, as strong as its weight says, on the theme's paper: '#rrggbb'."""
    pairs = zip(bytes.fromhex(mark.fill[1:]), bytes.fromhex(on.paper[1:]), strict=True)
    return "#" + "".join(f"{round(a * mark.weight + b * (1 - mark.weight)):02x}" for a, b in pairs)


DEGRADED = Mark(
    "degraded", "Degraded", "▼", "#7b4ea3", "#ffffff", "answers, but loses packets, is slow or has a full uplink"
)

DEVICE_STATES: dict[str, Mark] = {
    mark.key: mark
    for mark in (
        Mark("down", "Down", "■", "#c44e00", "#ffffff", "silent; the outage is attributed to this device"),
        Mark("suppressed", "Behind an outage", "◆", "#cc79a7", "#16202b", "silent because of another device"),
        Mark("suspect", "Suspect", "▲", "#f0e442", "#16202b", "missed its last poll; being checked"),
        DEGRADED,
        Mark(
            "silent",
            "Silent",
            "○",
            "#56b4e9",
            "#16202b",
            "a single customer device, probably switched off; not counted as an outage",
        ),
        Mark("unknown", "Unknown", "?", "#aab4be", "#16202b", "not observed"),
        Mark("up", "Up", "●", "#00805e", "#ffffff", "answers"),
    )
}

AREA_STATES: dict[str, Mark] = {
    mark.key: mark
    for mark in (
        Mark("outage", "Outage", "■", "#c44e00", "#ffffff", "at least half of the customers are without service"),
        Mark("partial", "Partial outage", "◆", "#e69f00", "#16202b", "some customers are without service"),
        Mark("suspect", "Suspect", "▲", "#f0e442", "#16202b", "a network device missed its last poll"),
        Mark("unknown", "Unknown", "?", "#aab4be", "#16202b", "not observed"),
        DEGRADED,
        Mark("up", "Up", "●", "#00805e", "#ffffff", "no customer is known to be without service", 0.4),
    )
}

VERDICTS: dict[str, Mark] = {
    mark.key: mark
    for mark in (
        Mark(
            "at_risk",
            "At risk",
            "■",
            "#c44e00",
            "#ffffff",
            "the excess holds after correction for testing many areas",
        ),
        Mark("watch", "Watch", "▲", "#e69f00", "#16202b", "a likely excess, not proven"),
        Mark("ordinary", "Ordinary", "●", "#0069a6", "#ffffff", "no sign of more leavers than usual", 0.45),
        Mark(
            "too_little_data",
            "Too little data",
            "?",
            "#aab4be",
            "#16202b",
            "too little data for a reliable number",
            0.5,
        ),
    )
}

INCIDENT_KINDS: dict[str, Mark] = {
    mark.key: mark
    for mark in (
        Mark("outage", "Outage", "■", "#c44e00", "#ffffff", "customers or devices were without service"),
        Mark("degradation", "Degraded", "▼", "#7b4ea3", "#ffffff", DEGRADED.meaning),
        Mark("planned", "Planned work", "◇", "#56b4e9", "#16202b", "without service inside a maintenance window"),
        Mark("blind", "Collector blind", "?", "#aab4be", "#16202b", "the collector could not observe its devices"),
    )
}
