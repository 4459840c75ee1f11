"""The state of a partition in which the desk's people are kept too: who may do what is part of its log."""

from typing import Final

from domain.partition_states import PartitionStates
from domain.staff import Staff
from domain.state_head import NEVER, PERSON, SIZE, head, kind_of
from schemas.codecs import Codec, encode
from schemas.desk_records import Person

PERSON_KEY: Final = b"\x00person:"
"""Before the id. No conversation and no incident begins with NUL."""
_PEOPLE: Final = Codec[Person](Person)


class PeopledStates(PartitionStates):
    """A person's value is a head, by which they are never looked at, and their record as JSON."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self._people = Staff()

    def restored(self) -> None:
        """Finds the people among the values, too."""
        super().restored()
        for state in self._states.values():
            if kind_of(state) == PERSON:
                self._people.know(_PEOPLE.decode(state[SIZE:]))

    def _know(self, person: Person) -> bool:
        """Whether it is news. Raises CalendarError for hours that can't be read; nothing has changed then."""
        key, state = PERSON_KEY + person.id.encode(), head(self._version, PERSON, NEVER) + encode(person)
        if self._states.get(key) == state:
            return False
        self._people.know(person)
        self._put(key, state)
        return True
