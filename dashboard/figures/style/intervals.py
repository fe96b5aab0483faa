"""Charts drawn by hand as SVG: they need no script and no browser, so that pages and reports can share them."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from dashboard.figures.style.palette import FONT, LIGHT, Theme
from dashboard.models.statistics.interval_sides import Side, side_of


def places(middle: float, low: float, high: float) -> tuple[float, float, float, float]:
    """Where zero, low, middle and high lie on a line from 0 to 100 that holds them all."""
    left, right = min(0.0, low), max(0.0, high)
    scale = 100 / ((right - left) or 1.0)
    return tuple(round((value - left) * scale, 2) for value in (0.0, low, middle, high))  # type: ignore[return-value]


def interval_svg(middle: float, low: float, high: float, *, label: str, theme: Theme = LIGHT, width: int = 260) -> str:
    """One interval beside zero: a bar from low to high, a dot at the middle, a line at zero."""
    zero, start, dot, end = (round(10 + place * (width - 20) / 100, 1) for place in places(middle, low, high))
    colour = theme.alarm if side_of(middle, low, high) is Side.ABOVE else theme.accent
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 40" width="{width}" height="40" role="img" aria-label={quoteattr(label)}>'
        f"<title>{escape(label)}</title>"
        f'<line x1="{zero}" x2="{zero}" y1="2" y2="28" stroke="#7a8794" stroke-width="1"/>'
        f'<text x="{min(max(zero, 6), width - 6)}" y="38" font-size="10" text-anchor="middle" fill="#7a8794" font-family={quoteattr(FONT)}>0</text>'
        f'<rect x="{start}" y="11" width="{max(2.0, round(end - start, 1))}" height="8" rx="4" fill="{colour}" opacity="0.45"/>'
        f'<circle cx="{dot}" cy="15" r="6" fill="{colour}"/></svg>'
    )
