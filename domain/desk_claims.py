"""Whose a conversation is, and who may answer it now.

It belongs to its team's queue or to a person. Whoever claims it holds it alone for some minutes; then the claim ends,
and blocks nobody.
"""

from domain.authority import Refused, require, role_of
from domain.desk_replies import withdraw
from domain.desk_state import Claim, Status
from domain.desk_turn import MINUTE_MS, DeskTurn
from domain.escalations import close, start
from schemas.ids import derive_id


def claim(turn: DeskTurn, by: str) -> None:
    """Raises Refused while somebody else holds it, and if it is closed."""
    require_open(turn)
    require_nobody_else(turn, by)
    if turn.case.claim is not None:
        turn.case.claim.expires = _expiry(turn)
        turn.tell("prolonged", by=by)
        return
    _hold(turn, by)
    turn.tell("claimed", by=by)


def take_over(turn: DeskTurn, by: str, reason: str) -> None:
    """As `claim`, whoever holds it. What the other has not made public yet is withdrawn. Raises Refused if closed."""
    require_open(turn)
    held = turn.case.claim
    if held is not None and held.holder == by:
        claim(turn, by)
        return
    withdraw(turn, f"{by} has taken the conversation over", unless_by=by)
    _hold(turn, by)
    turn.tell("taken_over", by=by, reason=reason)


def release(turn: DeskTurn, by: str) -> None:
    """Raises Refused for somebody who neither holds nor owns it."""
    require_nobody_else(turn, by)
    if turn.case.claim is None and turn.case.owner != by:
        raise Refused("no_claim", f"{by} neither holds nor owns the conversation")
    turn.case.claim = None
    turn.own("")
    turn.tell("released", by=by)


def assign(turn: DeskTurn, by: str, to: str) -> None:
    """Raises Refused unless it is open and nobody's, and for somebody who can't answer."""
    require_open(turn)
    case = turn.case
    if case.owner or case.claim is not None:
        has_it = case.owner or (case.claim.holder if case.claim is not None else "")
        raise Refused("already_assigned", f"{has_it} has the conversation")
    require("claim", to, role_of(to, turn.rules.people, turn.policy))
    turn.own(to)
    turn.tell("assigned", by=by)


def expire(turn: DeskTurn) -> None:
    """Ends the claim. Its holder goes on owning the conversation until they have been silent for too long."""
    turn.case.claim = None
    turn.tell("claim_expired")


def lose_to_queue(turn: DeskTurn) -> None:
    """The owner has been silent for too long."""
    silent = turn.case.owner
    turn.case.claim = None
    turn.own("")
    turn.tell("owner_silent", reason=f"{silent} has not answered")
    start(turn, "owner_silent", turn.case.last_inbound, turn.cause)


def end(turn: DeskTurn, status: Status, reason: str) -> None:
    """Closes it: nobody has it, nobody waits, nothing is under way and nothing climbs any more."""
    case = turn.case
    withdraw(turn, reason)
    case.status, case.claim = status, None
    case.snoozed_until, case.snoozed_by = None, ""
    for message in case.messages:
        message.waits = False
    turn.own("")
    close(turn, reason)


def drop_owner_who_left(turn: DeskTurn) -> None:
    """A message for somebody who has left goes to the queue at once."""
    case = turn.case
    person = turn.rules.people.get(case.owner)
    if case.owner and (person is None or not person.active):
        left, case.claim = case.owner, None
        turn.own("")
        turn.tell("owner_left", reason=f"{left} has left")


def require_open(turn: DeskTurn) -> None:
    """Raises Refused for a conversation that is closed."""
    if turn.case.status == Status.RESOLVED:
        raise Refused("closed", "the conversation is resolved; reopen it first")
    if turn.case.status == Status.SPAM:
        raise Refused("closed", "the conversation is spam; label it as something else first")


def require_nobody_else(turn: DeskTurn, by: str) -> None:
    """Raises Refused while somebody else has claimed it."""
    held = turn.case.claim
    if held is not None and held.holder != by:
        raise Refused("claimed_by_other", f"{held.holder} has claimed the conversation")


def _hold(turn: DeskTurn, by: str) -> None:
    case = turn.case
    case.claim = Claim(derive_id("claim_token", turn.cause), by, _expiry(turn))
    case.snoozed_until, case.snoozed_by = None, ""
    turn.own(by)
    close(turn, f"{by} has claimed the conversation", {"owner_silent"})


def _expiry(turn: DeskTurn) -> int:
    return turn.at + turn.policy.claims.claim_minutes * MINUTE_MS
