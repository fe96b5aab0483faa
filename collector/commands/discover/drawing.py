"""The tree as a drawing: lines of text, or SVG for a browser. A question mark stands where the parent is unsure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from collector.commands.discover.topology.tree import Tree, children, walk
from collector.inventory.device_rows import Row

ROW_HEIGHT, INDENT, LEFT, LETTER_WIDTH = 20, 24, 12, 7.2
"""In pixels."""


def lines(tree: Tree, rows: Mapping[str, Row]) -> Iterator[str]:
    """One line for each device, below its parent."""
    below = children(tree)
    yield _words(tree.core.value, rows)
    yield from _below(tree.core.value, "", below, rows)
    for device_id in below.get("", []):
        yield f"? {_words(device_id, rows)}"
        yield from _below(device_id, "  ", below, rows)


def _below(parent: str, before: str, below: Mapping[str, list[str]], rows: Mapping[str, Row]) -> Iterator[str]:
    """The devices below ``parent``, however deep; a stack, since a chain may be longer than Python likes to recurse."""
    stack = [(before, child, child == below[parent][-1]) for child in reversed(below.get(parent, []))]
    while stack:
        indent, device_id, is_last = stack.pop()
        yield f"{indent}{'└─' if is_last else '├─'} {_words(device_id, rows)}"
        deeper = indent + ("   " if is_last else "│  ")
        own = below.get(device_id, [])
        stack += [(deeper, child, child == own[-1]) for child in reversed(own)]


def _words(device_id: str, rows: Mapping[str, Row]) -> str:
    row = rows[device_id]
    doubt = "  (parent unsure)" if "parent" in row["unsure"].split() and row["parent"] else ""
    uplink = f"  by {row['uplink_interface']}" if row["uplink_interface"] else ""
    return f"{device_id}  {row['role']}  {row['address']}{uplink}{doubt}"


def svg(tree: Tree, rows: Mapping[str, Row]) -> str:
    """A drawing of the same lines, with the unsure ones dashed."""
    places: dict[str, tuple[int, int]] = {}
    shapes: list[str] = []
    widest = 0.0
    for number, (depth, device_id) in enumerate(walk(tree)):
        x, y = LEFT + depth * INDENT, LEFT + number * ROW_HEIGHT
        places[device_id] = x, y
        row = rows[device_id]
        if row["parent"] in places:
            above, top = places[row["parent"]]
            dash = ' stroke-dasharray="3 3"' if "parent" in row["unsure"].split() else ""
            shapes.append(f'<path d="M{above + 4} {top + 6}V{y}H{x - 4}" fill="none" stroke="#667085"{dash}/>')
        words = _words(device_id, rows)
        widest = max(widest, x + len(words) * LETTER_WIDTH)
        why = escape(f"{row['why']}")
        shapes.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#175cd3"/>')
        shapes.append(f'<text x="{x + 10}" y="{y + 4}">{escape(words)}<title>{why}</title></text>')
    height = 2 * LEFT + len(places) * ROW_HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{widest + LEFT:.0f}" height="{height}" role="img" '
        f'aria-label="The devices that were found, each below its parent" font-family="monospace" font-size="12">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(shapes)}</svg>\n'
    )
