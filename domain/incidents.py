"""The fold of incidents: proposed by a program, confirmed by people, answered by one approved statement.

The statement goes through the desk's own fence: for every conversation a claim, a reply and a release, by one person of
the desk that is a program. What somebody else has claimed or answered is refused there, and is told as skipped.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple, assert_never

from domain.authority import Refused, role_of
from domain.desk_rules import Permission
from domain.incident_state import (
    VERSION,
    Incident,
    Member,
    Reached,
    Status,
    decode_incident,
    encode_incident,
)
from domain.peopled_states import PeopledStates
from domain.policy import Policy
from domain.staff import Staff
from schemas.codecs import Codec, encode
from schemas.desk_events import ConversationChanged, DeskAnswer
from schemas.desk_records import Action, Claim, DeskCommand, Person, Release, Reply
from schemas.ids import derive_id, incident_command_id, incident_key, incident_of_command
from schemas.incident_records import (
    ApproveStatement,
    Close,
    Confirm,
    Dismiss,
    IncidentAction,
    IncidentChanged,
    IncidentCommand,
    IncidentKind,
    IncidentMember,
    IncidentProposed,
    IncidentStatus,
    RefusalCode,
    State,
)

SPEAKER: Final = "answer_incidents"
"""Id of the person of the desk by whom statements are sent: one whose role may answer."""
REMEMBERED_ANSWERS: Final = 32
STATUS: Final[dict[int, IncidentStatus]] = {
    Status.PROPOSED: "proposed",
    Status.CONFIRMED: "confirmed",
    Status.DISMISSED: "dismissed",
    Status.CLOSED: "closed",
}
_CHANGES: Final = Codec[IncidentChanged](IncidentChanged)

Heard = IncidentProposed | IncidentCommand | DeskAnswer | ConversationChanged
"""What is said of one incident; the last two by the desk, of what the incident has asked it for."""


class IncidentRules(NamedTuple):
    policy_of: Callable[[str], Policy]
    """By its version. Raises LookupError."""
    people: Staff


class IncidentStep(NamedTuple):
    """What a record made of an incident. If the state is the very one from before, nothing changed."""

    state: bytes | None
    events: list[IncidentChanged]
    commands: list[DeskCommand]


class _Refusal(Exception):
    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def incident_of(record: Heard) -> str | None:
    """Which incident it is about; None for what the desk says of other commands."""
    if isinstance(record, IncidentProposed | IncidentCommand):
        return record.incident
    return incident_of_command(record.command or "")


def after_record(before: bytes | None, record: Heard, rules: IncidentRules) -> IncidentStep:
    """A repeat changes nothing; of a command it tells the same again. Raises LookupError for a policy that is not
    known."""
    if isinstance(record, IncidentProposed):
        return _after_proposal(before, record)
    if isinstance(record, IncidentCommand):
        return _after_command(before, record, rules)
    if before is None:
        return IncidentStep(None, [], [])
    turn = _Turn(incident_of(record) or "", decode_incident(before), record.at, record.id)
    heard = _hear_answer(turn, record) if isinstance(record, DeskAnswer) else _hear_change(turn, record)
    return turn.step() if heard else IncidentStep(before, [], [])


class _Turn:
    """One record's turn on an incident, to be changed, and what comes of it."""

    def __init__(
        self, id_: str, incident: Incident, at: datetime, cause: str, action: IncidentAction | None = None
    ) -> None:
        self.id, self.incident, self.at, self.cause = id_, incident, at, cause
        self.action = None if action is None else action.do
        self.events: list[IncidentChanged] = []
        self.commands: list[DeskCommand] = []

    def step(self) -> IncidentStep:
        return IncidentStep(encode_incident(self.incident), self.events, self.commands)

    def tell(
        self,
        kind: IncidentKind,
        *,
        by: str | None = None,
        code: RefusalCode | None = None,
        reason: str | None = None,
        text: str | None = None,
        members: tuple[Member, ...] = (),
        sketch: tuple[str, ...] = (),
    ) -> IncidentChanged:
        """Says what happened, with the incident as it stands now."""
        found, reached = self.incident, [member.reached for member in self.incident.members]
        told = IncidentChanged(
            id=derive_id("incident_changed", self.id, kind, self.cause),
            incident=self.id,
            kind=kind,
            cause=self.cause,
            by=by,
            action=self.action,
            at=self.at,
            code=code,
            reason=reason,
            status=STATUS[found.status],
            brand=found.brand,
            type=found.type,
            spike=found.spike,
            title=found.title,
            statement=found.statement or None,
            text=text,
            members=tuple(IncidentMember(conversation=one.conversation, mention=one.mention) for one in members),
            all_members=len(reached),
            accepted=sum(state in (Reached.ACCEPTED, Reached.ANSWERED) for state in reached),
            answered=reached.count(Reached.ANSWERED),
            skipped=reached.count(Reached.SKIPPED),
            sketch=sketch,
        )
        self.events.append(told)
        return told

    def send(self) -> None:
        """Asks the desk to give the approved statement to every member that it has not been sent to."""
        for member in self.incident.members:
            if member.reached == Reached.NOT_YET:
                member.reached = Reached.SENT
                self.commands += self._desk_commands(member)

    def _desk_commands(self, member: Member) -> list[DeskCommand]:
        """The claim's token derives from the claim; what its author saw is the message that is about the incident."""
        claim = self._desk_command("claim", member, Claim())
        token = derive_id("claim_token", claim.id)
        reply = Reply(token=token, last_inbound=member.mention, text=self.incident.text)
        return [claim, self._desk_command("reply", member, reply), self._desk_command("release", member, Release())]

    def _desk_command(self, what: str, member: Member, action: Action) -> DeskCommand:
        id_ = incident_command_id(self.id, what, self.incident.statement, member.conversation)
        return DeskCommand(id=id_, conversation=member.conversation, by=SPEAKER, sent_at=self.at, action=action)


def _after_proposal(before: bytes | None, proposed: IncidentProposed) -> IncidentStep:
    new = Incident(proposed.brand, proposed.type, proposed.spike, proposed.title, proposed.policy)
    turn = _Turn(proposed.incident, new if before is None else decode_incident(before), proposed.at, proposed.id)
    incident = turn.incident
    if incident.status in (Status.DISMISSED, Status.CLOSED):
        return IncidentStep(before, [], [])
    joined = _join(incident, proposed)
    if not joined:
        return IncidentStep(before, [], [])
    turn.tell(
        "proposed" if before is None else "joined", members=joined, sketch=proposed.sketch if before is None else ()
    )
    if incident.approved_by:
        turn.send()
    return turn.step()


def _join(incident: Incident, proposed: IncidentProposed) -> tuple[Member, ...]:
    """Those who are new, and those whose later message takes the place of one that was not answered yet."""
    known = {member.conversation: member for member in incident.members}
    joined = []
    for given in proposed.members:
        member = known.get(given.conversation)
        if member is None:
            member = Member(given.conversation, given.mention)
            incident.members = [*incident.members, member]
            joined.append(member)
        elif member.reached == Reached.NOT_YET and member.mention != given.mention:
            member.mention = given.mention
            joined.append(member)
    return tuple(joined)


def _after_command(before: bytes | None, command: IncidentCommand, rules: IncidentRules) -> IncidentStep:
    if before is None:
        return IncidentStep(None, [_unknown(command)], [])
    turn = _Turn(command.incident, decode_incident(before), command.sent_at, command.id, command.action)
    known = dict(turn.incident.answers).get(command.id)
    if known is not None:
        return IncidentStep(before, [_CHANGES.decode(known)], [])
    try:
        told = _obey(turn, command, rules)
    except _Refusal as refusal:
        told = turn.tell("refused", by=command.by, code=refusal.code, reason=refusal.reason)
    turn.incident.answers = [*turn.incident.answers, (command.id, encode(told))][-REMEMBERED_ANSWERS:]
    return turn.step()


def _unknown(command: IncidentCommand) -> IncidentChanged:
    return IncidentChanged(
        id=derive_id("incident_changed", command.incident, "refused", command.id),
        incident=command.incident,
        kind="refused",
        cause=command.id,
        by=command.by,
        action=command.action.do,
        at=command.sent_at,
        code="unknown_incident",
        reason="there is no such incident",
        status=None,
    )


def _obey(turn: _Turn, command: IncidentCommand, rules: IncidentRules) -> IncidentChanged:
    """Raises _Refusal, and has changed nothing then."""
    action, by = command.action, command.by
    _require("answer" if isinstance(action, State) else "approve", by, turn, rules)
    _require_open(turn.incident)
    match action:
        case Confirm():
            return _confirm(turn, by)
        case Dismiss(reason=reason):
            return _dismiss(turn, by, reason)
        case State(text=text):
            return _state(turn, by, text)
        case ApproveStatement(statement=statement):
            return _approve(turn, by, statement)
        case Close():
            turn.incident.status = Status.CLOSED
            return turn.tell("closed", by=by)
        case other:
            assert_never(other)


def _require(permission: Permission, by: str, turn: _Turn, rules: IncidentRules) -> None:
    try:
        role = role_of(by, rules.people, rules.policy_of(turn.incident.policy))
    except Refused as refused:
        code: RefusalCode = "unknown_role" if refused.code == "unknown_role" else "unknown_person"
        raise _Refusal(code, refused.reason) from None
    if permission not in role.may:
        raise _Refusal("not_allowed", f"the role of {by:.60} may not {permission}")


def _require_open(incident: Incident) -> None:
    if incident.status in (Status.DISMISSED, Status.CLOSED):
        raise _Refusal("closed", f"the incident is {STATUS[incident.status]}")


def _require_unapproved(incident: Incident) -> None:
    if incident.approved_by:
        raise _Refusal("already_approved", f"{incident.approved_by} has approved the statement; it has been sent")


def _confirm(turn: _Turn, by: str) -> IncidentChanged:
    if turn.incident.status == Status.CONFIRMED:
        raise _Refusal("already_confirmed", "somebody has confirmed it already")
    turn.incident.status = Status.CONFIRMED
    return turn.tell("confirmed", by=by)


def _dismiss(turn: _Turn, by: str, reason: str) -> IncidentChanged:
    _require_unapproved(turn.incident)
    turn.incident.status = Status.DISMISSED
    return turn.tell("dismissed", by=by, reason=reason)


def _state(turn: _Turn, by: str, text: str) -> IncidentChanged:
    incident = turn.incident
    if incident.status != Status.CONFIRMED:
        raise _Refusal("not_confirmed", "somebody has to confirm first that it is an incident")
    _require_unapproved(incident)
    incident.statement, incident.text, incident.author = derive_id("statement", turn.cause), text, by
    return turn.tell("stated", by=by, text=text)


def _approve(turn: _Turn, by: str, statement: str) -> IncidentChanged:
    incident = turn.incident
    if not incident.statement or statement != incident.statement:
        raise _Refusal("unknown_statement", "another draft has taken its place, or there is none; read it again")
    _require_unapproved(incident)
    if by == incident.author:
        raise _Refusal("own_statement", "somebody else has to decide on one's own statement")
    incident.approved_by = by
    told = turn.tell("approved", by=by, text=incident.text)
    turn.send()
    return told


def _hear_answer(turn: _Turn, answer: DeskAnswer) -> bool:
    """Whether it is the first that is heard of a reply that was asked for."""
    member = _member(turn, answer.conversation)
    if answer.action != "reply" or member is None or member.reached != Reached.SENT:
        return False
    member.reached = Reached.ACCEPTED if answer.accepted else Reached.SKIPPED
    reason = None if answer.accepted else f"{answer.code}: {answer.reason}"
    turn.tell("accepted" if answer.accepted else "skipped", reason=reason, members=(member,))
    return True


def _hear_change(turn: _Turn, change: ConversationChanged) -> bool:
    """What became of a reply that the desk had accepted."""
    member = _member(turn, change.conversation)
    if member is None or member.reached != Reached.ACCEPTED:
        return False
    if change.kind == "reply_handed_on":
        member.reached = Reached.ANSWERED
        turn.tell("answered", members=(member,))
        return True
    if change.kind in ("reply_withdrawn", "reply_undone", "reply_rejected"):
        member.reached = Reached.SKIPPED
        turn.tell("skipped", by=change.by, reason=f"{change.kind}: {change.reason or 'taken back'}", members=(member,))
        return True
    return False


def _member(turn: _Turn, conversation: str) -> Member | None:
    return next((member for member in turn.incident.members if member.conversation == conversation), None)


class Incidents(PeopledStates):
    """One partition: its incidents, and the people."""

    def __init__(self, policy_of: Callable[[str], Policy]) -> None:
        super().__init__(VERSION)
        self._rules = IncidentRules(policy_of, self._people)

    def fold(self, record: Heard | Person) -> IncidentStep:
        """Takes in the next record of the partition. Raises as `after_record` does; nothing has changed then."""
        if isinstance(record, Person):
            self._know(record)
            return IncidentStep(None, [], [])
        incident = incident_of(record)
        if incident is None:
            return IncidentStep(None, [], [])
        key = incident_key(incident).encode()
        before = self._states.get(key)
        step = after_record(before, record, self._rules)
        if step.state is not before:
            self._put(key, step.state)
        return step
