"""`desk-events` -> people: tells of an escalation's steps whoever the policy names, and says whether that succeeded.

At least once: who was told just before a crash may be told again; who has been told according to `notifications` is
not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

import apprise

from domain.back_off import BackOff
from gateway.notification_text import notification_body, notification_title
from gateway.notify_channels import Address, NotifyChannels
from gateway.read_desk import DeskDelivery
from schemas.cloudevents import headers_of
from schemas.codecs import decode, encode
from schemas.desk_events import DeskTold, EscalationChanged, EscalationKind
from schemas.ids import derive_id
from schemas.outcomes import NotificationFailed, NotificationSent
from streams.deliveries import Deliveries, Job, Ownership
from streams.logs import logger
from streams.metrics import NOTIFICATIONS as NOTIFIED
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.state import load_state
from streams.topics import DESK_EVENTS, NOTIFICATIONS

STAGE: Final = "notify"
_LOG = logger(STAGE)
SOURCE: Final = f"/tenfour/{STAGE}"
ASK_FOR_SOMEBODY: Final[frozenset[EscalationKind]] = frozenset({"started", "climbed", "reminded", "unacknowledged"})
"""Steps that somebody is told of."""
BACK_OFF: Final = BackOff(first_s=2.0, most_s=60.0)


class Plan(NamedTuple):
    """What all partitions of a worker share. `clock`: seconds since 1970."""

    settings: Settings
    channels: NotifyChannels
    clock: Callable[[], float]
    back_off: BackOff

    @property
    def longest_s(self) -> float:
        return self.settings.notify_minutes * 60


class Course(NamedTuple):
    """How telling of one step has gone so far."""

    reached: int = 0
    attempts: int = 0


def notify_deliveries(
    settings: Settings,
    channels: NotifyChannels,
    clock: Callable[[], float],
    back_off: BackOff = BACK_OFF,
) -> Deliveries:
    NOTIFIED.start_at_zero(channel=sorted(channels.names))
    plan = Plan(settings, channels, clock, back_off)
    return Deliveries(
        STAGE,
        DESK_EVENTS.name,
        lambda number, ownership: PartitionNotifier(number, ownership, plan),
        finish_s=settings.notify_timeout_s,
    )


class NotifyHistory:
    """What `notifications` says of a partition's steps."""

    def __init__(self) -> None:
        self.ended: set[str] = set()

    def restore(self, key: bytes, value: bytes | None) -> None:  # noqa: ARG002
        record = decode(value)
        if isinstance(record, NotificationSent | NotificationFailed):
            self.ended.add(record.step)

    def restored(self) -> None:
        """Nothing is left to do."""


class PartitionNotifier(DeskDelivery):
    """The escalations of one partition of `desk-events`. Nobody waits for anybody else to be told."""

    def __init__(self, number: int, ownership: Ownership, plan: Plan) -> None:
        super().__init__(STAGE, number, ownership, plan.settings)
        self._plan = plan
        self._history = NotifyHistory()
        self._latest: dict[str, str] = {}
        """The last step of each escalation that goes on."""

    async def take(self) -> Sequence[Job]:
        await self._log.start()
        await load_state(self._plan.settings.bootstrap, NOTIFICATIONS.name, self._number, self._history)
        return []

    def job_of(self, event: DeskTold, told_at: float) -> Job | None:
        if not isinstance(event, EscalationChanged):
            return None
        self._latest[event.escalation] = event.id
        if event.kind == "closed":
            del self._latest[event.escalation]
        if event.kind not in ASK_FOR_SOMEBODY:
            return None
        return Job(event.id, partial(self._notify, event, told_at))

    async def _notify(self, step: EscalationChanged, told_at: float) -> None:
        """`told_at`: when the desk said so, in seconds since 1970."""
        if step.id in self._history.ended:
            return
        addresses = self._plan.channels.of(step.channel, step.team, step.role)
        course, reason = await self._tell_all(step, addresses, told_at)
        await self._log.write(self._outcome(step, len(addresses), course, reason))
        self._history.ended.add(step.id)
        result = "failed" if reason else "sent"
        NOTIFIED.labels(step.channel, result).inc()
        _LOG.info("notification", conversation=step.conversation, step=step.id, channel=step.channel, result=result)

    async def _tell_all(
        self, step: EscalationChanged, addresses: Sequence[Address], told_at: float
    ) -> tuple[Course, str]:
        """Tries until all are reached. Gives why not, else an empty reason."""
        if not addresses:
            return Course(), self._nobody(step)
        course, left = Course(), list(addresses)
        until = told_at + self._plan.longest_s
        while self._plan.clock() < until:
            left = await self._tell(step, left)
            course = Course(len(addresses) - len(left), course.attempts + 1)
            if not left:
                return course, ""
            if self._latest.get(step.escalation) != step.id:
                return course, "the escalation went on before all could be told"
            await self._ownership.pause(self._plan.back_off.pause_s(course.attempts))
        return (
            course,
            f"{len(left)} of {len(addresses)} could not be told within {self._plan.settings.notify_minutes:g} minutes",
        )

    async def _tell(self, step: EscalationChanged, addresses: Sequence[Address]) -> list[Address]:
        """Those that could not be told."""
        self._ownership.require()
        title, body = notification_title(step), notification_body(step, self._plan.settings.notify_link)
        reached = await asyncio.gather(*(self._send(address.service, title, body) for address in addresses))
        return [address for address, told in zip(addresses, reached, strict=True) if not told]

    async def _send(self, service: apprise.Apprise, title: str, body: str) -> bool:
        try:
            async with asyncio.timeout(self._plan.settings.notify_timeout_s):
                return bool(await service.async_notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT))
        except TimeoutError:
            return False

    def _nobody(self, step: EscalationChanged) -> str:
        if step.channel not in self._plan.channels.names:
            return f"TENFOUR_NOTIFY_CHANNELS has no channel {step.channel}"
        return f"TENFOUR_NOTIFY_CHANNELS has nobody on {step.channel} for role {step.role} of team {step.team}"

    def _outcome(self, step: EscalationChanged, addresses: int, course: Course, reason: str) -> Outbox:
        now = self._plan.clock()
        said = {
            "id": derive_id("notification", step.id),
            "conversation": step.conversation,
            "escalation": step.escalation,
            "step": step.id,
            "trigger": step.trigger,
            "channel": step.channel,
            "team": step.team,
            "role": step.role,
            "addresses": addresses,
            "attempts": course.attempts,
            "at": datetime.fromtimestamp(now, UTC),
        }
        record: NotificationSent | NotificationFailed
        if reason:
            record = NotificationFailed.model_validate({**said, "reached": course.reached, "reason": reason[:256]})
        else:
            record = NotificationSent.model_validate(said)
        outbox = Outbox()
        outgoing = OutgoingRecord(
            step.conversation.encode(), encode(record), headers_of(record, SOURCE), int(now * 1000)
        )
        outbox.to(NOTIFICATIONS.name, self._number).append(outgoing)
        return outbox
