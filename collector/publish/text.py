"""Pieces of the Prometheus text format, equal byte for byte to what prometheus_client prints."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client.utils import floatToGoString

_EXACT = 2**53
_EXPONENTS = tuple(f"e+{power:02d}" for power in range(18))


def number(value: float) -> str:
    """A sample's value: plain below a million, else with an exponent, as Go prints it; the usual cases come first."""
    if type(value) is int and 0 <= value < _EXACT:
        if value < 1_000_000:
            return f"{value}.0"
        digits = str(value)
        rest = digits[1:].rstrip("0")
        exponent = _EXPONENTS[len(digits) - 1]
        return f"{digits[0]}.{rest}{exponent}" if rest else digits[0] + exponent
    text = repr(value if type(value) is float else float(value))
    dot = text.find(".")
    if 0 < dot < 7:
        return text
    if dot > 6 and value > 0:
        return f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.") + _EXPONENTS[dot - 1]
    return floatToGoString(value)


def escape(value: str) -> str:
    """A label's value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def labels(**values: str) -> str:
    """``{name="value",...}``, sorted by name."""
    return "{" + ",".join(f'{name}="{escape(values[name])}"' for name in sorted(values)) + "}"


def summary(name: str, own: str, *, count: int, total: float) -> str:
    """The two lines of a summary without quantiles; ``own`` is its labels in braces."""
    return f"{name}_count{own} {number(count)}\n{name}_sum{own} {number(total)}\n"


def rewrite(
    texts: list[str], names: Sequence[str], own: str, *, old: Sequence[float | None], new: Sequence[float | None]
) -> None:
    """Rewrite those of ``texts`` (one sample each, with labels ``own``) whose value changed; None leaves no text."""
    for i, value in enumerate(new):
        if value != old[i]:
            texts[i] = "" if value is None else f"{names[i]}{own} {number(value)}\n"
