"""plotly's script without the kinds of charts that no page draws: a half of what a browser must load.

The script is a bundle by esbuild: hundreds of modules, each a function that its first caller runs, and at the end a list of
the kinds of traces. The list is shortened, and what nothing on it leads to any more is taken out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

TRACES = frozenset({"bar", "choropleth", "scattergeo"})
"""What pages draw, beside `scatter`, which is in plotly's core."""
KNOWN = frozenset({"3b6e15d45dbb7fca5bd2094291e961ddc5472cd887009e6009a56dab668d721f"})
"""SHA-256 of the bundles whose form was looked at and whose short form was tried on all pages; any other is sent whole."""
MODULE = re.compile(r"(;var |,|;)([A-Za-z_$][\w$]*)=(?:W|Ea)\((?:\((?:[\w$]+(?:,[\w$]+)?)?\)|[\w$]+)=>\{")
LIST = re.compile(r"\.register\(\[((?:[\w$]+\(\),?)+)\]\)")
CALL = re.compile(r"([A-Za-z_$][\w$]*)\(\)")
KIND = re.compile(r'moduleType:"trace",name:"([\w-]+)"')
PASSED_ON = re.compile(r"\.exports=([\w$]+)\(\)\}\)")
MOST_PASSES = 4


def shorten(script: bytes) -> bytes:
    """The script with TRACES alone; as it is, where it is not one of KNOWN."""
    if hashlib.sha256(script).hexdigest() not in KNOWN:
        return script
    return _without_unused(_with_short_list(script.decode())).encode()


def _with_short_list(text: str) -> str:
    """The bundle whose list of what to register holds TRACES alone."""
    found = LIST.search(text)
    assert found is not None, "a known bundle has a list"
    pieces = _pieces(text)
    calls = [call for call in found[1].split(",") if _kind(call.removesuffix("()"), pieces) in TRACES]
    return f"{text[: found.start(1)]}{','.join(calls)}{text[found.end(1) :]}"


def _pieces(text: str) -> dict[str, str]:
    """Each module's text by its name, in order, up to where the next one begins."""
    found = list(MODULE.finditer(text))
    ends = [*(one.start() for one in found[1:]), len(text)]
    return {one[2]: text[one.start() : end] for one, end in zip(found, ends, strict=True)}


def _kind(name: str, pieces: Mapping[str, str]) -> str | None:
    """The kind of trace that the module ``name``, or the one that it passes on, registers."""
    for _ in range(MOST_PASSES):
        if (kind := KIND.search(pieces[name])) is not None:
            return kind[1]
        if (passed := PASSED_ON.search(pieces[name])) is None:
            return None
        name = passed[1]
    return None


def _without_unused(text: str) -> str:
    """The bundle with 0 for each module that is not called from the last one, directly or through others.

    One after which something else than the next module follows is left as it is.
    """
    pieces = _pieces(text)
    head = text[: next(MODULE.finditer(text)).start()]
    *_, last = pieces
    used = _reached([last, *CALL.findall(head)], pieces)
    return head + "".join(
        piece if name in used or not piece.endswith("})") else f"{piece[: piece.index(name)]}{name}=0"
        for name, piece in pieces.items()
    )


def _reached(names: Iterable[str], pieces: Mapping[str, str]) -> set[str]:
    seen: set[str] = set()
    waiting = [name for name in names if name in pieces]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [one for one in CALL.findall(pieces[name]) if one in pieces]
    return seen
