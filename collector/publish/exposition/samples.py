"""Pieces of the Prometheus text format: the samples are those that prometheus_client would print."""

from __future__ import annotations

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
    """A label's value; half a surrogate pair, which UTF-8 does not have, becomes a question mark."""
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def labels(**values: str) -> str:
    """``{name="value",...}``, sorted by name."""
    return "{" + ",".join(f'{name}="{escape(values[name])}"' for name in sorted(values)) + "}"


def sample(name: str, own: str, value: float | None) -> str:
    """One line, ``own`` being its labels in braces; nothing where there is no value."""
    return "" if value is None else f"{name}{own} {number(value)}\n"


def summary(name: str, own: str, *, count: int, total: float) -> str:
    """The two lines of a summary without quantiles, in seconds to the microsecond; ``own`` is its labels in braces."""
    return f"{name}_count{own} {count}\n{name}_sum{own} {total:.6f}\n"
