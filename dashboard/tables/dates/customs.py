"""How a provider writes dates, as far as it is known without the file: by its earlier files, its time zone and currency."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.tables.dates.date_parts import Order

MONTH_FIRST = (
    *(
        "America/" + city
        for city in ("New_York", "Chicago", "Denver", "Los_Angeles", "Phoenix", "Anchorage", "Detroit")
    ),
    *("America/" + city for city in ("Boise", "Juneau", "Sitka", "Metlakatla", "Yakutat", "Nome", "Adak", "Menominee")),
    *(
        "America/" + part
        for part in ("Indiana/", "Kentucky/", "North_Dakota/", "Indianapolis", "Louisville", "Shiprock")
    ),
    *("US/", "Pacific/Honolulu", "Pacific/Guam", "Pacific/Saipan", "Pacific/Pago_Pago", "Asia/Manila"),
)
"""The time zones of the United States and the Philippines, where people write the month first."""
BOTH_WAYS = (
    "Canada/",
    *("America/" + city for city in ("Toronto", "Montreal", "Vancouver", "Edmonton", "Winnipeg", "Halifax", "Regina")),
    *("America/" + city for city in ("St_Johns", "Moncton", "Whitehorse", "Yellowknife", "Iqaluit", "Glace_Bay")),
)
"""Canada's, where people write both."""
NOWHERE = ("", "UTC", "GMT", "Etc/")
"""Time zones that name no country; an empty text in this list is one that nobody stated."""
CLOCK_OF_24 = (
    "Europe/",
    "Atlantic/Azores",
    "Atlantic/Madeira",
    "Atlantic/Canary",
    "America/Sao_Paulo",
    "Asia/Yekaterinburg",
)
CLOCK_OF_12 = ("Europe/London", "Europe/Dublin", "Europe/Athens")


@dataclass(frozen=True)
class Customs:
    """``remembered`` is how earlier files of the same kind showed that they write dates; the others are settings."""

    remembered: Order | None = None
    timezone: str = ""
    currency: str = ""

    @property
    def of_the_country(self) -> Order | None:
        """How people write dates there; None where it is not known, or where they write both ways."""
        if _is_of(self.timezone, MONTH_FIRST):
            return Order.MONTH
        if _is_of(self.timezone, BOTH_WAYS):
            return None
        if _is_nowhere(self.timezone):
            return None if self.currency in ("", "USD", "CAD") else Order.DAY
        return Order.DAY

    @property
    def said(self) -> str:
        """By what the country is known, for people."""
        if _is_nowhere(self.timezone):
            return f"the currency is {self.currency}"
        return f"the time zone is {self.timezone}"

    @property
    def has_clock_of_24(self) -> bool:
        """Whether people there write no AM and PM, so that these are of a foreign program."""
        return _is_of(self.timezone, CLOCK_OF_24) and not _is_of(self.timezone, CLOCK_OF_12)


def _is_of(zone: str, places: tuple[str, ...]) -> bool:
    return any(zone == place or (place.endswith("/") and zone.startswith(place)) for place in places)


def _is_nowhere(zone: str) -> bool:
    return _is_of(zone, NOWHERE)
