"""Public holidays by country and subdivision, as the `holidays` package knows them; imported when first asked."""

import re
from datetime import date
from functools import lru_cache
from typing import Final

from domain.open_hours import CalendarError

_CODE: Final = re.compile(r"[A-Z]{2,3}")


def check_country(country: str) -> None:
    """Raises CalendarError for a code that the package does not know as a country's."""
    import holidays

    try:
        # Markets, such as ECB, are found by the same function, and have no country.
        known = _CODE.fullmatch(country) and getattr(holidays.country_holidays(country), "country", None)
    except NotImplementedError:
        known = None
    if not known:
        raise CalendarError(f"there are no holidays of a country {country!r:.60}")


def check_subdivision(country: str, subdivision: str) -> None:
    """Raises CalendarError for a subdivision that the package does not know of the country, which it knows."""
    import holidays

    try:
        holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        known = ", ".join(holidays.country_holidays(country).subdivisions) or "none"
        raise CalendarError(f"{country} has no subdivision {subdivision!r:.60}, it has: {known}") from None


@lru_cache(maxsize=4096)
def holiday_dates(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """The public holidays of a year, with the days that are off instead of those at a weekend."""
    import holidays

    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
