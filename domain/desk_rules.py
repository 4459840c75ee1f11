"""The sections of `policy.yaml` that are about the desk: claims, replies, roles, escalations, assigning."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from domain.policy_sections import Section, TeamName, Text
from domain.targets import Minutes
from schemas.desk_events import Trigger
from schemas.desk_records import MAX_AMOUNT, Currency, DeskText
from schemas.record_fields import MentionType

MAX_UNDO_SECONDS: Final = 600
"""Ten minutes: a longer wait is no undo window but a delay."""
MAX_CLAIM_MINUTES: Final = 480
"""A working day: a claim is for somebody who is writing."""

Permission = Literal["answer", "take_over", "assign", "approve", "acknowledge"]
Limits = dict[Currency, Annotated[int, Field(strict=True, gt=0, le=MAX_AMOUNT, description="a whole number of cents")]]


def _known_role(role: str, info: ValidationInfo) -> str:
    known = (info.context or {}).get("roles") or list(ROLES)
    if role not in known:
        raise PydanticCustomError("unknown_role", "there is no role '{role}'", {"role": role, "known": sorted(known)})
    return role


RoleName = Annotated[Text, AfterValidator(_known_role)]


class ClaimRules(Section):
    claim_minutes: Annotated[
        int, Field(strict=True, gt=0, le=MAX_CLAIM_MINUTES, description="whole minutes, such as 15")
    ] = 15
    """How long a claim lasts that its holder does not prolong."""
    owner_silent_minutes: Annotated[Minutes, Field(description="whole minutes, such as 60")] = 60
    """So long may a customer wait for an owner who does nothing, in the calendar of the team."""
    snooze_days: Annotated[int, Field(strict=True, gt=0, le=365, description="whole days, such as 30")] = 30
    """The longest snooze."""


class ReplyRules(Section):
    undo_seconds: Annotated[
        int, Field(strict=True, ge=0, le=MAX_UNDO_SECONDS, description="whole seconds, such as 10")
    ] = 10
    """From when a reply is accepted, or approved, to when it is handed on."""


class Role(Section):
    may: Annotated[
        tuple[Permission, ...], Field(description="a list of answer, take_over, assign, approve, acknowledge")
    ] = ()
    """`answer` is all that one does with a conversation of one's own."""
    promises: Annotated[
        dict[Text, Limits], Field(description="actions, each with its limit by currency, such as {refund: {EUR: 5000}}")
    ] = Field(default_factory=dict)
    """What a reply may promise without approval; an action without limits is one without an amount."""


ROLES: Final[Mapping[str, Role]] = {
    "read_only": Role(),
    "agent": Role(may=("answer", "take_over", "acknowledge")),
    "lead": Role(may=("answer", "take_over", "assign", "approve", "acknowledge")),
    "approver": Role(may=("approve", "acknowledge")),
    "adviser": Role(may=("assign",)),
    "spokesperson": Role(may=("answer",)),
    "admin": Role(may=("answer", "take_over", "assign", "approve", "acknowledge")),
}
"""Of a policy that names none; they may promise nothing without approval."""


class EscalationStep(Section):
    role: Annotated[RoleName, Field(description="a key of `roles`")]
    team: Annotated[TeamName | None, Field(description="a name from `teams`")] = None
    """None: the team that owns the conversation when the escalation starts."""
    channel: Annotated[Text, Field(description="how they are told, such as email")]
    minutes: Annotated[Minutes, Field(description="whole minutes until the next step, such as 15")]


def _has_steps(steps: tuple[EscalationStep, ...]) -> tuple[EscalationStep, ...]:
    """Pydantic's own check of the length would tell a wrong step twice."""
    if not steps:
        raise PydanticCustomError("too_short", "should have at least 1 item")
    return steps


class EscalationPath(Section):
    trigger: Annotated[Trigger, Field(description="what starts it, such as legal_threat")]
    steps: Annotated[
        tuple[EscalationStep, ...],
        AfterValidator(_has_steps),
        Field(description="a list of steps, each with role, channel, minutes"),
    ]
    remind_minutes: Annotated[Minutes | None, Field(description="whole minutes, such as 5")] = None
    """Whoever is told is reminded once, if the step lasts longer."""
    acknowledged_minutes: Annotated[Minutes, Field(description="whole minutes, such as 240")] = 240
    """So long an acknowledgement lasts; an escalation that is not over by then climbs on."""
    holding_reply: Annotated[DeskText | None, Field(description="what the public may be told meanwhile")] = None


def one_path_each(paths: tuple[EscalationPath, ...]) -> tuple[EscalationPath, ...]:
    """Raises if two paths have one trigger: which of them holds would be a matter of their order."""
    triggers = [path.trigger for path in paths]
    twice = next((trigger for trigger in triggers if triggers.count(trigger) > 1), None)
    if twice is not None:
        raise PydanticCustomError("twice", "has two paths for {trigger}", {"trigger": twice})
    return paths


Strategy = Literal["least_loaded", "round_robin", "none"]


def _no_type(skill: str) -> str:
    if skill in get_args(MentionType):
        raise PydanticCustomError("a_type", "is a type of mention, which a conversation asks for by itself")
    return skill


class Need(Section):
    """A skill that conversations ask for which fit: of the type, team, queue and brand, and at least as pressing as the
    priority."""

    skill: Annotated[
        Text, AfterValidator(_no_type), Field(description="a word that people may have among their skills")
    ]
    type: Annotated[MentionType | None, Field(description="a type of mention")] = None
    team: Annotated[TeamName | None, Field(description="a name from `teams`")] = None
    queue: Annotated[Text | None, Field(description="an owner from `types` or `send_to`, such as pr-leads")] = None
    brand: Annotated[Text | None, Field(description="a brand")] = None
    priority: Annotated[int | None, Field(strict=True, ge=1, le=5, description="a whole number, 1 to 5")] = None


class AssigningRules(Section):
    """Whom the adviser asks to take what is nobody's. Nothing happens as long as it knows nobody."""

    strategy: Annotated[Strategy, Field(description="least_loaded, round_robin or none")] = "least_loaded"
    needs: Annotated[
        tuple[Need, ...], Field(description="a list of skills, each with what asks for it: type, team, queue, brand")
    ] = ()


Roles = Annotated[dict[Text, Role], Field(min_length=1, description="each role by its key, with what it may do")]
Escalations = Annotated[
    tuple[EscalationPath, ...],
    AfterValidator(one_path_each),
    Field(description="a list of paths, one a trigger: trigger, steps"),
]
