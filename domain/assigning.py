"""Whom to ask to take a conversation that is nobody's.

An adviser, not a judge: it knows the desk as it was told last, and asks by `assign` commands, which the desk accepts
only while the conversation is nobody's. So it may give somebody more than they have room for, for a moment, and never
gives a conversation to two. Pure: what it asks for follows from what it was told and from the time that it is given.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple, get_args

from domain.desk_rules import Need
from domain.desk_state import Conversation, Status
from domain.instants import to_ms
from domain.policy import Policy
from domain.staff import is_of, is_there, may_answer
from schemas.desk_events import AnswerCode, ConversationChanged, DeskAnswer
from schemas.desk_records import Assign, DeskCommand, Person
from schemas.ids import brand_of, derive_id
from schemas.record_fields import MentionType

ADVISER: Final = "assign_owners"
"""Id of the person by whom it asks: one whose role may assign."""
UNKNOWN_LANGUAGE: Final = "und"
_ANOTHER_PERSON: Final[frozenset[AnswerCode]] = frozenset({"unknown_person", "unknown_role", "not_allowed"})
"""Refusals that are about whom it asked."""
_TYPES: Final = frozenset(get_args(MentionType))


class Standing(NamedTuple):
    """How an open conversation stands, as far as it matters here. `since`: since when it may stand so."""

    conversation: str
    told: str
    """Id of the change that was told last: what a command derives from."""
    type: MentionType
    language: str
    team: str
    queue: str
    priority: int
    owner: str
    """Who has it, or holds it; empty where it is nobody's."""
    last_inbound: str
    busy: bool
    """Whether somebody waits in it, for an answer or a label."""
    in_review: bool
    snoozed: bool
    since: int

    @property
    def wants_owner(self) -> bool:
        """What waits for its label may turn out to be another team's."""
        return not self.owner and self.busy and not self.in_review and not self.snoozed


class Asked(NamedTuple):
    """A command that has no answer yet."""

    command: str
    to: str


def standing_after(change: ConversationChanged) -> Standing | None:
    """None for one that is closed."""
    if change.status != "open":
        return None
    return Standing(
        conversation=change.conversation,
        told=change.id,
        type=change.type,
        language=change.language,
        team=change.team,
        queue=change.queue,
        priority=change.priority,
        owner=change.owner or change.holder or "",
        last_inbound=change.last_inbound,
        busy=change.waiting or change.in_review > 0,
        in_review=change.in_review > 0,
        snoozed=change.snoozed_until is not None,
        since=to_ms(change.at),
    )


def standing_of(key: str, case: Conversation) -> Standing | None:
    """The same, of the desk's own state."""
    if case.status != Status.OPEN:
        return None
    waiting = case.waiting_since()
    return Standing(
        conversation=key,
        told=case.told,
        type=case.type,
        language=case.language,
        team=case.team,
        queue=case.queue,
        priority=case.priority,
        owner=case.owner or (case.claim.holder if case.claim is not None else ""),
        last_inbound=case.last_inbound,
        busy=waiting is not None or case.in_review() > 0,
        in_review=case.in_review() > 0,
        snoozed=case.snoozed_until is not None,
        since=case.touched if waiting is None else waiting,
    )


class Adviser:
    """Keeps who has how much, and what is nobody's."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._people: dict[str, Person] = {}
        self._open: dict[str, Standing] = {}
        self._wanting: dict[str, None] = {}
        """Keys of those that are nobody's and want an owner."""
        self._load: Counter[str] = Counter()
        self._asked: dict[str, Asked] = {}
        self._not: dict[str, set[str]] = {}
        """By conversation: who has just had it, or was refused."""
        self._attempts: Counter[str] = Counter()
        self._refused: dict[str, str] = {}
        """By conversation: after which change the desk did not want an owner for it."""
        self._turns: dict[str, int] = {}
        """When somebody was asked last, as a number that counts up."""

    def know(self, person: Person) -> None:
        self._people[person.id] = person

    def load_of(self, person: str) -> int:
        """Open conversations of theirs in which somebody waits, and those that they are being given."""
        return self._load[person]

    @property
    def unassigned(self) -> int:
        """How many want an owner and have none, commands under way left out."""
        return sum(key not in self._asked for key in self._wanting)

    def see(self, key: str, standing: Standing | None) -> None:
        """How a conversation stands now; None: closed, or forgotten."""
        before = self._open.pop(key, None)
        self._count(before, -1)
        if standing is None:
            self._forget(key)
            return
        if before is not None and before.wants_owner and standing.wants_owner:
            standing = standing._replace(since=before.since)
        self._open[key] = standing
        self._count(standing, 1)
        self._keep_out(key, before, standing)
        if standing.wants_owner:
            self._wanting[key] = None
        else:
            self._wanting.pop(key, None)
            self._withdraw(key)

    def hear(self, answer: DeskAnswer) -> bool:
        """What the desk says to a command; whether it is one that waits for its answer."""
        key, asked = answer.conversation, self._asked.get(answer.conversation)
        if asked is None or asked.command != answer.command:
            return False
        if not answer.accepted:  # else it is told next whose the conversation is, and the command is done then
            self._withdraw(key)
            if answer.code in _ANOTHER_PERSON:
                self._not.setdefault(key, set()).add(asked.to)
                self._attempts[key] += 1
            elif key in self._open:
                self._refused[key] = self._open[key].told
        return True

    def commands(self, now: datetime) -> list[DeskCommand]:
        """Who is asked to take what at this moment: the most pressing first, then what has waited longest."""
        if self._policy.assigning.strategy == "none" or not self._may_assign():
            return []
        waiting = [self._open[key] for key in self._wanting if key not in self._asked]
        waiting = [one for one in waiting if self._refused.get(one.conversation) != one.told]
        found, fitting = [], dict[tuple[str, ...], list[Person]]()
        for standing in sorted(waiting, key=lambda one: (one.priority, one.since, one.conversation)):
            asks = self._asks(standing)
            if asks not in fitting:
                fitting[asks] = [person for person in self._people.values() if self._fits(person, standing, now)]
            chosen = self._choose(fitting[asks], standing.conversation)
            if chosen is not None:
                found.append(self._ask(standing, chosen, now))
        return found

    def _may_assign(self) -> bool:
        adviser = self._people.get(ADVISER)
        role = None if adviser is None or not adviser.active else self._policy.roles.get(adviser.role)
        return role is not None and "assign" in role.may

    def _asks(self, standing: Standing) -> tuple[str, ...]:
        """All that decides on who fits it."""
        return (standing.team, standing.type, standing.language, *needed(standing, self._policy.assigning.needs))

    def _fits(self, person: Person, standing: Standing, now: datetime) -> bool:
        return (
            may_answer(person, self._policy)
            and is_of(person, standing.team)
            and has_skills(person, standing.type, needed(standing, self._policy.assigning.needs))
            and speaks(person, standing.language)
            and is_there(person, self._policy, now)
        )

    def _choose(self, fitting: Iterable[Person], key: str) -> Person | None:
        not_these = self._not.get(key, ())
        able = [person for person in fitting if person.id not in not_these and self._has_room(person)]
        by_load = self._policy.assigning.strategy == "least_loaded"
        return min(
            able,
            key=lambda one: (self._load[one.id] if by_load else 0, self._turns.get(one.id, 0), one.id),
            default=None,
        )

    def _has_room(self, person: Person) -> bool:
        return person.capacity is None or self._load[person.id] < person.capacity

    def _ask(self, standing: Standing, person: Person, now: datetime) -> DeskCommand:
        key = standing.conversation
        command = derive_id("assign", key, standing.told, str(self._attempts[key]))
        self._asked[key] = Asked(command, person.id)
        self._load[person.id] += 1
        self._turns[person.id] = 1 + max(self._turns.values(), default=0)
        return DeskCommand(id=command, conversation=key, by=ADVISER, sent_at=now, action=Assign(to=person.id))

    def _withdraw(self, key: str) -> None:
        """The command has its answer, or has none to wait for."""
        asked = self._asked.pop(key, None)
        if asked is not None:
            self._load[asked.to] -= 1

    def _count(self, standing: Standing | None, by: int) -> None:
        if standing is not None and standing.owner and standing.busy and not standing.snoozed:
            self._load[standing.owner] += by

    def _keep_out(self, key: str, before: Standing | None, now: Standing) -> None:
        """Whoever has just lost it, or given it back, is not asked again until the customer writes."""
        if before is None:
            return
        if now.owner or now.last_inbound != before.last_inbound:
            self._not.pop(key, None)
            self._attempts.pop(key, None)
        elif before.owner:
            self._not.setdefault(key, set()).add(before.owner)

    def _forget(self, key: str) -> None:
        self._withdraw(key)
        self._wanting.pop(key, None)
        self._not.pop(key, None)
        self._attempts.pop(key, None)
        self._refused.pop(key, None)


def needed(standing: Standing, needs: Sequence[Need]) -> tuple[str, ...]:
    """The skills that it asks for beside its type."""
    return tuple(sorted({need.skill for need in needs if _asks_for(need, standing)}))


def has_skills(person: Person, type_: MentionType, words: Iterable[str]) -> bool:
    """Whoever names types takes those alone; every word that is asked for has to be among the skills."""
    types = _TYPES.intersection(person.skills)
    return (not types or type_ in types) and set(words) <= set(person.skills)


def speaks(person: Person, language: str) -> bool:
    """Anybody may take what is in a language that could not be told."""
    return not person.languages or language == UNKNOWN_LANGUAGE or language in person.languages


def _asks_for(need: Need, standing: Standing) -> bool:
    return (
        need.type in (None, standing.type)
        and need.team in (None, standing.team)
        and need.queue in (None, standing.queue)
        and (need.brand is None or need.brand == brand_of(standing.conversation))
        and (need.priority is None or standing.priority <= need.priority)
    )
