"""What a list of people changes of the people in the log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from domain.people_source import GivenPerson
from schemas.desk_records import Away, Person

KEPT: Final = timedelta(days=8)
"""An absence that is over for so long concerns nothing that the desk remembers."""
_NAMES: Final = tuple(name for name in Person.model_fields if name not in ("record", "version", "id"))


class PersonChange(NamedTuple):
    """`before` is None for somebody new."""

    before: Person | None
    after: Person

    def fields(self) -> dict[str, tuple[Any, Any]]:
        """What differs, as (before, after), each as JSON has it; of somebody new, what was said of them."""
        after = self.after.model_dump(mode="json")
        before = dict.fromkeys(after) if self.before is None else self.before.model_dump(mode="json")
        return {name: (before[name], after[name]) for name in _NAMES if before[name] != after[name]}


def list_changes(
    known: Mapping[str, Person], given: Sequence[GivenPerson], *, remove_missing: bool = False
) -> list[PersonChange]:
    """What the list changes, by its order. Absences stay as they are where the list says nothing of them: they are told
    by the day. Whoever is missing from the list stays, or with `remove_missing` is kept as somebody who has left."""
    wanted = [(known.get(one.person.id), _with_absences(one, known)) for one in given]
    if remove_missing:
        listed = {one.person.id for one in given}
        missing = [person for id_, person in sorted(known.items()) if id_ not in listed]
        wanted += [(person, person.model_copy(update={"active": False})) for person in missing]
    return [PersonChange(before, after) for before, after in wanted if before != after]


def away_change(person: Person, since: datetime, until: datetime, now: datetime) -> list[PersonChange]:
    """One absence more; those that are long over go. Nothing if it is known."""
    return _with_away(person, {*_not_over(person.away, now - KEPT), Away(since=since, until=until)})


def back_change(person: Person, now: datetime) -> list[PersonChange]:
    """Absences end now, and those to come are off."""
    ended = [Away(since=away.since, until=min(away.until, now)) for away in person.away if away.since < now]
    return _with_away(person, _not_over(ended, now - KEPT))


def _with_absences(given: GivenPerson, known: Mapping[str, Person]) -> Person:
    before = known.get(given.person.id)
    if before is None or "away" in given.said:
        return given.person
    return given.person.model_copy(update={"away": before.away})


def _not_over(absences: Iterable[Away], at: datetime) -> list[Away]:
    return [away for away in absences if away.until > at]


def _with_away(person: Person, absences: Iterable[Away]) -> list[PersonChange]:
    ordered = tuple(sorted(absences, key=lambda away: (away.since, away.until)))
    after = person.model_copy(update={"away": ordered})
    return [] if after == person else [PersonChange(person, after)]
