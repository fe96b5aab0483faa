"""Whether every page is complete: it can be reached, the navigation leads to it, and its callbacks are registered.

`dashboard/app.py` asks at its start, so a half-added page ends it with a sentence that names the file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bairro_error import BairroError

APP = "dashboard/app.py"


class PageError(BairroError):
    """A page that is not complete; the message names its file and what is missing."""


def modules() -> list[Any]:
    """Every module of this folder and those below it."""
    pages = importlib.import_module(__package__ or "dashboard.pages")
    found = pkgutil.walk_packages(pages.__path__, f"{pages.__name__}.")
    return [importlib.import_module(one.name) for one in found]


def check(
    modules: Iterable[Any],
    *,
    layouts: Mapping[str, Callable[..., Any]],
    navigation: Sequence[tuple[str, str]],
    with_callbacks: Sequence[Any],
    below: Sequence[Any],
) -> None:
    """Raise PageError for the first page that is not complete. ``below``: pages with a path of their own below another."""
    reached = [*layouts.values(), *(getattr(page, "layout", None) for page in below)]
    for module in modules:
        layout, file = getattr(module, "layout", None), f"{module.__name__.replace('.', '/')}.py"
        if layout is not None and layout not in reached:
            raise PageError(
                f"{file}: has a layout that no path shows: add it to LAYOUTS, or to BELOW_ANOTHER, in {APP}"
            )
        if hasattr(module, "register") and module not in with_callbacks:
            raise PageError(f"{file}: has callbacks that are not registered: add it to WITH_CALLBACKS in {APP}")
        if module in with_callbacks and not hasattr(module, "register"):
            raise PageError(f"{file}: stands in WITH_CALLBACKS of {APP} and has no register(app, source)")
    for path, layout in layouts.items():
        if path not in dict(navigation):
            raise PageError(
                f"{_file(layout)}: is shown at {path}, but no link leads there: add it to NAVIGATION in {APP}"
            )
    for path, _ in navigation:
        if path not in layouts:
            raise PageError(f"{APP}: NAVIGATION leads to {path}, but LAYOUTS has no such path")


def _file(layout: Callable[..., Any]) -> str:
    return f"{layout.__module__.replace('.', '/')}.py"
