"""The people of the desk: who may answer, of which team, and when they are there.

A shift that names a calendar which the policy doesn't have can't be told from one that never ends. Times are
milliseconds since 1970 where they are whole numbers.
"""

from bisect import bisect_right
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from domain.business_time import EARLIEST, LATEST
from domain.calendars import Calendar, parse_calendar
from domain.instants import to_us
from domain.open_hours import Span, united, without
from domain.policy import Policy
from domain.state_head import NEVER
from schemas.desk_records import Person, Shift

_MS_US: Final = 1000
_DAY_US: Final = 24 * 3_600_000_000
_LOOKED_AHEAD_US: Final = 400 * _DAY_US
"""Nothing changes after that for a long time: as for calendars, every yearly closure is shorter."""
_KEPT_US: Final = 35 * _DAY_US
_FIRST: Final = to_us(EARLIEST)
_LAST: Final = to_us(LATEST)


class Cover(NamedTuple):
    """Whether anybody is there, and when that ends; `NEVER` where it doesn't, within a year."""

    there: bool
    until: int


class Staff(dict[str, Person]):
    """People by id, those who have left among them."""

    def __init__(self) -> None:
        super().__init__()
        self._covers: dict[tuple[str, str], _Looked] = {}

    def know(self, person: Person) -> None:
        """Raises CalendarError for hours that can't be read; nothing has changed then."""
        check_hours(person)
        self[person.id] = person
        self._covers.clear()

    def cover(self, team: str, policy: Policy, at: int) -> Cover:
        """Whether anybody of the team who may answer is on shift and not away. Of a desk that knows nobody who may
        answer it is not said that nobody is there, and whoever has room for nothing could take nothing."""
        now, key = at * _MS_US, (team, policy.version)
        found = self._covers.get(key)
        if found is None or not found.since <= now < found.since + _KEPT_US:
            found = self._covers[key] = self._looked(team, policy, now)
        return found.at(now)

    def _looked(self, team: str, policy: Policy, now: int) -> "_Looked":
        answering = [person for person in self.values() if may_answer(person, policy) and person.capacity != 0]
        if not answering:
            return _Looked(now, [Span(_FIRST, _LAST)])
        ahead = Span(now, min(now + _LOOKED_AHEAD_US, _LAST))
        there = (span for person in answering if is_of(person, team) for span in times_there(person, policy, ahead))
        return _Looked(now, united(there))


class _Looked(NamedTuple):
    """When anybody is there from a moment on. Microseconds."""

    since: int
    spans: list[Span]

    def at(self, now: int) -> Cover:
        place = bisect_right(self.spans, now, key=attrgetter("end"))
        if place == len(self.spans):
            return Cover(False, NEVER)
        span = self.spans[place]
        there = span.begin <= now
        until = span.end if there else span.begin
        ahead = min(self.since + _LOOKED_AHEAD_US, _LAST)
        return Cover(there, NEVER if until >= ahead else -(-until // _MS_US))


def may_answer(person: Person, policy: Policy) -> bool:
    """Whether the person is with us, in a role that answers."""
    role = policy.roles.get(person.role)
    return person.active and role is not None and "answer" in role.may


def is_of(person: Person, team: str) -> bool:
    """A person of no team in particular is of all."""
    return not person.teams or team in person.teams


def is_there(person: Person, policy: Policy, at: datetime) -> bool:
    """On shift, and not away."""
    now = to_us(at)
    return bool(times_there(person, policy, Span(now, now + 1)))


def times_there(person: Person, policy: Policy, within: Span) -> list[Span]:
    """When the person is on shift and not away, in order; microseconds since 1970."""
    calendar = _calendar_of(person, policy)
    hours = [within] if calendar is None else calendar.hours.spans(within.begin, within.end, within.length)
    away = united(Span(to_us(away.since), to_us(away.until)) for away in person.away)
    return [part for span in hours for part in without(_common(span, within), away)]


def check_hours(person: Person) -> None:
    """Raises CalendarError if the hours of the shift can't be read."""
    if person.shift is not None and person.shift.calendar is None:
        _own_calendar(person.shift)


def _calendar_of(person: Person, policy: Policy) -> Calendar | None:
    """None: always there."""
    if person.shift is None:
        return None
    if person.shift.calendar is not None:
        return policy.calendars.get(person.shift.calendar)
    return _own_calendar(person.shift)


@lru_cache(maxsize=1024)
def _own_calendar(shift: Shift) -> Calendar:
    week = None if shift.open is None else shift.open.model_dump(mode="json")
    return parse_calendar({"timezone": shift.timezone, "open": week})


def _common(one: Span, other: Span) -> Span:
    return Span(max(one.begin, other.begin), min(one.end, other.end))
