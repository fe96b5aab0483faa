"""A JSON API that hands out its list page by page, read whole before anything of it is used."""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from collector import ask_http
from dashboard.tables.readers.sheets import UnreadableError

MOST_PAGES, MOST_ROWS = 20_000, 5_000_000
MOST_BYTES_OF_PAGE = 64 * 1024 * 1024
PAGE_SECONDS = 60.0
OK, NOT_FOUND = 200, 404
WHY = {
    401: ": is the secret right?",
    403: ": may this key read it?",
    404: ": is the path right?",
    429: ": it is asked too often",
}


@dataclass(frozen=True, slots=True)
class Paging:
    """How pages are asked for: by ``way`` ("offset", "page" or "one"), and what the parameters of the URL are called."""

    way: str = "offset"
    size: int = 100
    offset: str = "offset"
    limit: str = "limit"
    page: str = "page"

    def of(self, url: str, number: int, rows: int) -> str:
        """The address of page ``number`` (from 0), before which ``rows`` were given."""
        if self.way == "one":
            return url
        place = {self.page: str(number + 1)} if self.way == "page" else {self.offset: str(rows)}
        parts = urllib.parse.urlsplit(url)
        asked = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        return parts._replace(query=urllib.parse.urlencode(asked | {self.limit: str(self.size)} | place)).geturl()


Ask = Callable[[str], ask_http.Answer]


def asker(headers: Mapping[str, str]) -> Ask:
    """Asks one address with ``headers``."""
    return lambda url: ask_http.ask(url, headers=headers, timeout_seconds=PAGE_SECONDS, most_bytes=MOST_BYTES_OF_PAGE)


def read_all(url: str, paging: Paging, ask: Ask) -> bytes:
    """All objects of all pages as one JSON list; the end is a page without any, or the first where there is one alone.

    Raises UnreadableError where a page is not one, where a page comes again, and where they have no end.
    """
    rows: list[Any] = []
    seen: set[bytes] = set()
    for number in range(MOST_PAGES):
        answer = _asked(ask, paging.of(url, number, len(rows)), number)
        if answer is None:
            break
        given = _objects(answer, number)
        if not given:
            break
        if (mark := hashlib.sha256(json.dumps(given, sort_keys=True).encode()).digest()) in seen:
            raise UnreadableError(
                f"page {number + 1} is one that came before: the API does not know how it is asked for pages"
                f' ({_parameters(paging)}). Nothing was imported; where it gives everything at once, set pages = "one"'
            )
        seen.add(mark)
        rows += given
        if paging.way == "one":
            break
        if len(rows) > MOST_ROWS:
            raise UnreadableError(f"has more than {MOST_ROWS:,} rows: does it page for ever? Nothing was imported")
    else:
        raise UnreadableError(f"has more than {MOST_PAGES:,} pages: does it page for ever? Nothing was imported")
    if not rows:
        raise UnreadableError("gives an empty list, where records were expected; nothing was imported")
    return json.dumps(rows).encode()


def _parameters(paging: Paging) -> str:
    return f"{paging.page}=2" if paging.way == "page" else f"{paging.offset}=..., {paging.limit}=..."


def _asked(ask: Ask, url: str, number: int) -> ask_http.Answer | None:
    """The answer; None where there is no such page, behind the first."""
    try:
        answer = ask(url)
    except ask_http.AskError as error:
        raise UnreadableError(f"{error}; {_nothing(number)}") from None
    if answer.status == NOT_FOUND and number:
        return None
    if answer.status != OK:
        raise UnreadableError(f"answers {answer.status}{WHY.get(answer.status, '')}; {_nothing(number)}")
    return answer


def _nothing(number: int) -> str:
    return f"page {number + 1} is missing, so nothing was imported" if number else "nothing was imported"


def _objects(answer: ask_http.Answer, number: int) -> list[Any]:
    """The objects of a page: a list, or the only list of objects in an object."""
    if "html" in answer.content_type.lower() or answer.body.lstrip()[:1] == b"<":
        raise UnreadableError(
            f"answers with a web page (HTML) instead of JSON: is it a page to log in, or the wrong address? {_nothing(number).capitalize()}"
        )
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise UnreadableError(f"answers with what is no JSON; {_nothing(number)}") from None
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list) and all(map(_is_object, value))]
        if len(lists) != 1:
            raise UnreadableError(
                f"answers with an object that has not one list of records, but {len(lists)}; {_nothing(number)}"
            )
        document = lists[0]
    if not isinstance(document, list) or not all(map(_is_object, document)):
        raise UnreadableError(f"answers with JSON that is no list of objects; {_nothing(number)}")
    return document


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
