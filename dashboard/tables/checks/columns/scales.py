"""Scores and stars that were asked on another scale: every row would pass, and the figure would be another one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet, UnreadableError

NUMBER = r"^[+-]?\d{1,9}(?:[.,]\d+)?$"
FAR_SHARE, BEYOND_SHARE = 0.05, 0.25
"""Of the answers so many lie beyond the scale, far or a little, where it is another one; fewer are slips, refused one by one."""
FEWEST_BEYOND = 5
FEWEST_SLIPS = 3
"""Of a few rows two that lie a little beyond are slips."""


@dataclass(frozen=True)
class Scale:
    """What is asked for, and from which value on one that lies beyond is no slip.

    ``short`` are scales that end earlier: an end, and so many answers of which none lies above it are of that scale.
    """

    low: int
    high: int
    far: int
    what: str
    short: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.low}-{self.high}"


SCALES = {
    "score": Scale(0, 10, 20, "'Would you recommend us?' is answered", ((5, 10), (7, 30))),
    "rating": Scale(1, 5, 6, "Stars are given"),
}
"""Of ten answers to 'would you recommend us?' hardly ever all are 0 to 5; of thirty, all 0 to 7."""
FEWEST_TOLD = 3
FEWEST_OF_ZEROS, FEWEST_ONES, MANY_ZEROS = 20, 3, 0.3
"""Who is angry gives a 0 sooner than a 1, so that three who give a 1 and nobody who gives a 0 are rare; and hardly ever do
three in ten give a 0."""
NOT_ANSWERED = frozenset({-1.0, -9.0, -99.0, 77.0, 88.0, 98.0, 99.0, 999.0})
"""What surveys write for no answer: its rows are refused one by one, and say nothing of the scale."""
FEWEST_SPREAD, FEWEST_STEPS, FEWEST_ASKED, NO_NEIGHBOURS = 20, 3, 10, 2
"""Of twenty answers to 'would you recommend us?' hardly ever all are 2, 4, 6, 8 and 10: who is glad says 9 as often as 10."""
HIGHEST, USES_THE_SCALE = 10, 8
WITH_WORDS = r"^(\d{1,2})\s*(?:[-–—:=(]|\s)\s*\pL[^\d]*$"
"""7 - Neutral, 10 (extremely likely): often the ends of a scale alone have words."""


OUT_OF = {"score": r"^(\d{1,2})\s*(?:/|of|out of)\s*10$", "rating": r"^(\d)\s*(?:/|of|out of)\s*5(?:\s*stars?)?$"}
STARS = {f"{'★' * full}{empty * (5 - full)}": str(full) for full in range(1, 6) for empty in ("☆", "")} | {
    word: str(stars) for stars, word in enumerate(("one", "two", "three", "four", "five"), 1)
}
"""How stars are written without figures; Google's reviews say FIVE."""


def without_words(sheet: Sheet) -> Sheet:
    """The sheet with scores and stars as plain numbers: without words beside them, of 9/10, and of stars that are drawn."""
    columns = {name: _plain(name, cells) if name in SCALES else cells for name, cells in sheet.columns.items()}
    return replace(sheet, columns=columns) if SCALES.keys() & columns.keys() else sheet


def _plain(name: str, cells: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(cells, WITH_WORDS, r"\1")
    plain = pc.replace_substring_regex(plain, OUT_OF[name], r"\1")
    if name != "rating":
        return plain
    lowered = pc.replace_substring_regex(pc.utf8_lower(plain), r"\s*stars?$", "")
    at = pc.index_in(lowered, pa.array(list(STARS)))
    return pc.coalesce(pa.array(list(STARS.values())).take(at), plain)


def checked(sheet: Sheet, stated: str | None) -> Sheet:
    """The sheet, with a warning where its few scores may be of another scale; ``stated`` is what a mapping says it is.

    Raises UnreadableError where they are.
    """
    for name, scale in SCALES.items():
        cells = sheet.columns.get(name)
        if cells is None or stated == scale.name:
            continue
        numbers = _numbers(cells)
        if (
            reason := _beyond(numbers, scale)
            or _short(numbers, scale)
            or (_spread(numbers) if name == "score" else None)
        ):
            raise UnreadableError(f"{name}: {reason}. {_way_out(name, scale)}")
        if len(numbers) >= FEWEST_TOLD and scale.short and numbers.max() <= scale.short[0][0]:
            said = f"{name}: all {len(numbers):,} answers are {_range(numbers)}, as on a scale that ends at {scale.short[0][0]}"
            return replace(sheet, warnings=(*sheet.warnings, f"{said}. {_way_out(name, scale)}"))
        if name == "score" and (asked := _of_zeros(numbers) or _of_few_values(numbers)):
            return replace(sheet, warnings=(*sheet.warnings, f"{name}: {asked}. {_way_out(name, scale)}"))
    return sheet


def _of_zeros(numbers: np.ndarray) -> str | None:
    """What to ask where nobody gives a 0 though some give a 1, and where very many give a 0 and hardly anybody 1 to 4."""
    zeros, ones = int((numbers == 0).sum()), int((numbers == 1).sum())
    if len(numbers) < FEWEST_OF_ZEROS:
        return None
    if not zeros and ones >= FEWEST_ONES:
        return f"{ones:,} of {len(numbers):,} answers are 1 and none is 0, as on a scale from 1 to 10"
    low = int(((numbers >= 1) & (numbers <= 4)).sum())
    if zeros >= MANY_ZEROS * len(numbers) and low < zeros / 4:
        return f"{zeros:,} of {len(numbers):,} answers are 0 and {low:,} are 1 to 4: does 0 stand for no answer? Leave these blank"
    return None


def _numbers(cells: pa.Array) -> np.ndarray:
    given = cells.filter(pc.fill_null(pc.match_substring_regex(cells, NUMBER), False))
    numbers = np.asarray(pc.cast(pc.replace_substring(given, ",", "."), pa.float64()).to_numpy(zero_copy_only=False))
    answers = numbers[(numbers >= 0) & (numbers <= HIGHEST)]
    beyond = set(np.unique(numbers[(numbers < 0) | (numbers > HIGHEST)]).tolist())
    is_no_answer = len(beyond) == 1 and beyond <= NOT_ANSWERED and len(answers) > 0 and answers.max() >= USES_THE_SCALE
    return answers if is_no_answer else numbers


def _beyond(numbers: np.ndarray, scale: Scale) -> str | None:
    beyond = (numbers < scale.low) | (numbers > scale.high)
    number = int(beyond.sum())
    if len(numbers) < FEWEST_BEYOND or number < 2:
        return None
    is_far = numbers.max() >= scale.far or numbers.min() <= scale.low - (scale.far - scale.high)
    if not is_far and number < FEWEST_SLIPS:
        return None
    if number < (FAR_SHARE if is_far else BEYOND_SHARE) * len(numbers):
        return None
    return f"{number:,} of {len(numbers):,} are not from {scale.low} to {scale.high} (they are {_range(numbers)})"


def _short(numbers: np.ndarray, scale: Scale) -> str | None:
    for end, fewest in scale.short:
        if len(numbers) >= fewest and numbers.max() <= end:
            return f"all {len(numbers):,} answers are {_range(numbers)}, and none is above {end}"
    return None


def _spread(numbers: np.ndarray) -> str | None:
    """What is said of answers of a shorter scale that a program has spread over this one: stars times two are 2, 4, 6, 8, 10."""
    if len(numbers) < FEWEST_SPREAD or len(values := np.unique(numbers)) < FEWEST_STEPS or not _are_apart(values):
        return None
    return f"all {len(numbers):,} answers are {_listed(values)}, as of a shorter scale (stars, smileys) that was spread over this one"


def _of_few_values(numbers: np.ndarray) -> str | None:
    """What to ask of fewer such answers, and of those that are of two values alone."""
    values = np.unique(numbers)
    if len(numbers) < FEWEST_ASKED or len(values) < 2 or not _are_apart(values):
        return None
    return f"all {len(numbers):,} answers are {_listed(values)}: are they of a shorter scale that was spread over this one?"


def _are_apart(values: np.ndarray) -> bool:
    """Whether the values are multiples of a step of two and more, from the lowest on: of halves, as 2.5 and 5, too."""
    halves = np.round(values * 2).astype(np.int64)
    return bool((halves == values * 2).all()) and int(np.gcd.reduce(np.diff(halves))) >= 2 * NO_NEIGHBOURS


def _listed(values: np.ndarray) -> str:
    *first, last = (f"{value:g}" for value in values)
    return f"{', '.join(first)} or {last}"


def _range(numbers: np.ndarray) -> str:
    return f"{numbers.min():g} to {numbers.max():g}"


def _way_out(name: str, scale: Scale) -> str:
    return (
        f"{scale.what} from {scale.low} to {scale.high} here: where these are, say in a mapping under [columns.{name}]"
        f' scale = "{scale.name}"; where they are of another scale, leave them out, or say with values = {{...}} which'
        " answer stands for which"
    )
