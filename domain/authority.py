"""Who may do what, and promise what, as the policy's roles say it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from domain.desk_rules import Permission, Role
from domain.desk_state import Promise
from domain.policy import Policy
from schemas.desk_events import ActionName, AnswerCode
from schemas.desk_records import Person

NEEDED: Final[Mapping[ActionName, Permission]] = {
    "claim": "answer",
    "release": "answer",
    "take_over": "take_over",
    "reply": "answer",
    "undo": "answer",
    "resolve": "answer",
    "reopen": "answer",
    "snooze": "answer",
    "note": "answer",
    "label": "answer",
    "assign": "assign",
    "approve": "approve",
    "reject": "approve",
    "acknowledge": "acknowledge",
}


class Refused(Exception):
    """A command that changes nothing, and why."""

    def __init__(self, code: AnswerCode, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def role_of(who: str, people: Mapping[str, Person], policy: Policy) -> Role:
    """Raises Refused for somebody who is unknown or has left, and for a role that the policy doesn't have."""
    person = people.get(who)
    if person is None or not person.active:
        what = "is not known to the desk" if person is None else "has left"
        raise Refused("unknown_person", f"{_shown(who)} {what}")
    role = policy.roles.get(person.role)
    if role is None:
        raise Refused("unknown_role", f"{_shown(who)} has a role that the policy doesn't have: {_shown(person.role)}")
    return role


def require(action: ActionName, who: str, role: Role) -> None:
    """Raises Refused if the role may not do it."""
    if NEEDED[action] not in role.may:
        raise Refused("not_allowed", f"the role of {_shown(who)} may not {action.replace('_', ' ')}")


def excess(promises: Sequence[Promise], role: Role) -> str | None:
    """What of it the role may not promise, in words; None if it may promise all. Amounts of one action add up."""
    totals: Counter[tuple[str, str]] = Counter()
    for action, amount, currency in promises:
        limits = role.promises.get(action)
        if limits is None:
            return f"promises {_shown(action)}"
        if bool(limits) != (amount is not None and currency is not None):
            return f"promises {_shown(action)} " + ("without an amount in a currency" if limits else "with an amount")
        if amount is not None and currency is not None:
            totals[action, currency] += amount
            if totals[action, currency] > limits.get(currency, 0):
                return f"promises {_shown(action)} of {totals[action, currency]} {currency}, in its smallest unit"
    return None


def _shown(name: str) -> str:
    """A name as long as a sentence can carry it."""
    return name if len(name) <= 60 else f"{name[:59]}…"
