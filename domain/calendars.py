"""A calendar of opening hours and holidays, as a policy says it."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache, cached_property
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.holiday_dates import check_country, check_subdivision, holiday_dates
from domain.open_hours import CalendarError, Interval, OpenHours, parse_interval
from domain.policy_source import told_refusals

__all__ = ["Calendar", "CalendarError", "Holidays", "Week", "closed_dates", "expanded", "parse_calendar"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY_DAY: Final = {day: ["00:00-24:00"] for day in DAYS}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OF_THE_MACHINE: Final = {"localtime", "Factory"}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _OF_THE_MACHINE)


def _zone(name: object) -> object:
    if not isinstance(name, str) or name not in _zones():
        raise PydanticCustomError("unknown_zone", "there is no time zone {name}", {"name": f"{name!r:.60}"})
    return name


def _interval(text: object) -> object:
    _checked(parse_interval, text)
    return text


def _week(value: object) -> object:
    if value == "24x7":
        return _EVERY_DAY
    if not isinstance(value, dict | Week):
        raise PydanticCustomError(
            "week", "should be 24x7 or a mapping of days, not {found}", {"found": f"{value!r:.60}"}
        )
    return value


def _holidays(value: object) -> object:
    if not isinstance(value, dict | Holidays | None):
        raise PydanticCustomError("holidays", "should be a mapping, not {found}", {"found": f"{value!r:.60}"})
    return value or {}


def _date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("date", "{found} is no date", {"found": f"{value!r:.60}"})


Hours = Annotated[str, BeforeValidator(_interval)]
Intervals = Annotated[
    tuple[Hours, ...],
    Field(description='a list of intervals, such as "09:00-12:30" or "22:00-06:00", with 24:00 for the end of the day'),
]
TimeZone = Annotated[str, BeforeValidator(_zone), Field(description="an IANA time zone, such as Europe/Berlin")]
Dates = Annotated[
    tuple[Annotated[date, BeforeValidator(_date)], ...],
    BeforeValidator(lambda value: () if value is None else value),
    AfterValidator(lambda days: tuple(sorted(set(days)))),
    Field(description="a list of dates, such as 2026-12-24"),
]


def _checked(check: Callable[..., object], *said: object) -> None:
    try:
        check(*said)
    except CalendarError as error:
        raise PydanticCustomError("calendar", "{problem}", {"problem": str(error)}) from None


class _Section(BaseModel):
    """A field's description is the hint of its refusal."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Week(_Section):
    """The intervals of each day, in local time, on the day on which they start. A day without any is closed."""

    mon: Intervals = ()
    tue: Intervals = ()
    wed: Intervals = ()
    thu: Intervals = ()
    fri: Intervals = ()
    sat: Intervals = ()
    sun: Intervals = ()

    @model_validator(mode="after")
    def _is_ever_open(self) -> Self:
        if not any(self.intervals()):
            raise PydanticCustomError("never_open", "has no interval on any day")
        return self

    def intervals(self) -> list[list[Interval]]:
        """Those of each day, Monday first."""
        return [[parse_interval(text) for text in getattr(self, day)] for day in DAYS]


OpenWeek = Annotated[Week, BeforeValidator(_week), Field(description="24x7, or each open day with its intervals")]


class Holidays(_Section):
    """The days on which nothing opens."""

    country: Annotated[
        str | None, Field(description="an ISO 3166-1 code in capitals that the holidays package knows, such as DE")
    ] = None
    subdivision: Annotated[str | None, Field(description="a subdivision of the country, such as BE for Berlin")] = None
    extra: Dates = ()

    @field_validator("country")
    @classmethod
    def _is_a_country(cls, country: str | None) -> str | None:
        if country is not None:
            _checked(check_country, country)
        return country

    @field_validator("subdivision")
    @classmethod
    def _is_of_the_country(cls, subdivision: str | None, info: ValidationInfo) -> str | None:
        if subdivision is None or "country" not in info.data:
            return subdivision
        country = info.data["country"]
        if country is None:
            raise PydanticCustomError("no_country", "stands without a country")
        _checked(check_subdivision, country, subdivision)
        return subdivision

    def include(self, day: date) -> bool:
        return day in self._extra_dates or day in self._of_country(day.year)

    def in_year(self, year: int) -> frozenset[date]:
        return self._of_country(year).union(day for day in self.extra if day.year == year)

    def _of_country(self, year: int) -> frozenset[date]:
        return holiday_dates(self.country, self.subdivision, year) if self.country else frozenset()

    @cached_property
    def _extra_dates(self) -> frozenset[date]:
        return frozenset(self.extra)


class Calendar(_Section):
    """When a team works. Frozen and checked. Open hours that never close are the week of whole days."""

    timezone: TimeZone
    open: OpenWeek
    holidays: Annotated[
        Holidays,
        BeforeValidator(_holidays),
        Field(description="a mapping of country, subdivision, extra"),
    ] = Holidays()

    @cached_property
    def hours(self) -> OpenHours:
        """Open time, holidays left out, looked up as it is asked for."""
        return OpenHours(ZoneInfo(self.timezone), self.open.intervals(), self.holidays.include)


def parse_calendar(data: object) -> Calendar:
    """The calendar in data as JSON or YAML give it.

    Raises CalendarError, whose text lists every problem, a line each: `open.mon[0]: what; hint`.
    """
    try:
        return Calendar.model_validate(data)
    except ValidationError as error:
        raise CalendarError("\n".join(told_refusals(error, Calendar))) from None


def closed_dates(calendar: Calendar, first_year: int, last_year: int) -> frozenset[date]:
    """The calendar's holidays of these years and those between, its extra dates among them."""
    years = range(first_year, last_year + 1)
    return frozenset(day for year in years for day in calendar.holidays.in_year(year))


def expanded(calendar: Calendar, first_year: int, last_year: int) -> Calendar:
    """The same calendar, with its holidays in these years as dates: it needs the `holidays` package no more."""
    extra = tuple(sorted(closed_dates(calendar, first_year, last_year)))
    return calendar.model_copy(update={"holidays": Holidays(extra=extra)})
