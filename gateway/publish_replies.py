"""`desk-events` -> the channel: posts what the desk hands on, and says what became of it.

Each request to post stands in `publish-log` before it leaves, acknowledged; what came of it follows in one transaction
with the public reply, or with word to the desk. A worker that takes a partition over fences the one before it, finds in
the log what that one began, and asks the channel about it before it posts anything again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from domain.back_off import BackOff
from domain.instants import to_ms
from domain.publishing import Answer, Course, LookUpAfter, PostAfter, Rules, first_step, given_up, next_step
from gateway.publish_records import intent_to_post, outcome_of
from gateway.read_desk import DeskDelivery
from gateway.reply_channel import ReplyChannel
from schemas.codecs import decode
from schemas.desk_events import DeskTold, ReplyToPublish
from schemas.outcomes import PublishIntent, PublishOutcome
from streams.deliveries import Deliveries, Job, Ownership
from streams.logs import logger
from streams.metrics import PUBLISH_OUTCOMES, PUBLISH_SECONDS
from streams.settings import Settings
from streams.state import load_state
from streams.topics import DESK_EVENTS, PUBLISH_LOG

STAGE: Final = "publish"
_LOG = logger(STAGE)
LEAVES_WITHIN_S: Final = 2.0
"""A request leaves so soon after its intent was acknowledged, or not at all: a worker that stood still for longer may
have been replaced, and writes its intent again to find out."""
BACK_OFF: Final = BackOff(first_s=1.0, most_s=60.0)

Clock = Callable[[], float]
"""Seconds since 1970."""


def publish_deliveries(
    settings: Settings, channel: ReplyChannel, clock: Clock, back_off: BackOff = BACK_OFF
) -> Deliveries:
    PUBLISH_OUTCOMES.start_at_zero()
    plan = Plan(settings, channel, clock, Rules(settings.publish_lookups, channel.can_look_up, back_off))
    return Deliveries(
        STAGE,
        DESK_EVENTS.name,
        lambda number, ownership: PartitionPublisher(number, ownership, plan),
        finish_s=settings.publish_timeout_s + 2 * LEAVES_WITHIN_S,
    )


class Plan(NamedTuple):
    """What all partitions of a worker share."""

    settings: Settings
    channel: ReplyChannel
    clock: Clock
    rules: Rules

    @property
    def rest_s(self) -> float:
        """After a partition was taken: so long a request of the worker before may still be under way."""
        return LEAVES_WITHIN_S + self.settings.publish_timeout_s


class PublishHistory:
    """What `publish-log` says of a partition's replies."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        """Replies with an outcome."""
        self.begun: dict[str, tuple[PublishIntent, int]] = {}
        """The others that may have been posted: the first intent, and how many there were."""

    def restore(self, key: bytes, value: bytes | None) -> None:  # noqa: ARG002
        self.add(decode(value))

    def restored(self) -> None:
        """Nothing is left to do."""

    def add(self, record: object) -> None:
        if isinstance(record, PublishOutcome):
            self.ended.add(record.reply)
            self.begun.pop(record.reply, None)
        elif isinstance(record, PublishIntent) and record.reply.id not in self.ended:
            first, _ = self.begun.get(record.reply.id, (record, 0))
            self.begun[record.reply.id] = first, record.attempt


class PartitionPublisher(DeskDelivery):
    """The replies of one partition of `desk-events`."""

    def __init__(self, number: int, ownership: Ownership, plan: Plan) -> None:
        super().__init__(STAGE, number, ownership, plan.settings)
        self._plan = plan
        self._history = PublishHistory()

    async def take(self) -> Sequence[Job]:
        """In this order: the worker before can write no more, so the log says all that it began."""
        await self._log.start()
        await load_state(self._plan.settings.bootstrap, PUBLISH_LOG.name, self._number, self._history)
        begun = list(self._history.begun.values())
        return [Job(intent.conversation, partial(self._go_on, intent, attempts)) for intent, attempts in begun]

    def job_of(self, event: DeskTold, told_at: float) -> Job | None:
        if not isinstance(event, ReplyToPublish):
            return None
        return Job(event.conversation, partial(self._begin, event, told_at))

    async def _begin(self, reply: ReplyToPublish, handed_on: float) -> None:
        """Does nothing for a reply that has its outcome. `handed_on`: seconds since 1970."""
        if reply.id not in self._history.ended:
            await self._publish(reply, handed_on, Course())

    async def _go_on(self, intent: PublishIntent, attempts: int) -> None:
        """Another worker has begun with it, and may have posted it."""
        course = Course(posts=attempts, untold=True)
        await self._publish(intent.reply, to_ms(intent.at) / 1000, course)

    async def _publish(self, reply: ReplyToPublish, since: float, course: Course) -> None:
        plan, began = self._plan, self._plan.clock()
        step = first_step(course, plan.rules, plan.rest_s)
        while isinstance(step, PostAfter | LookUpAfter):
            if isinstance(step, PostAfter) and self._is_too_late(since, step.seconds):
                step = given_up(course, plan.settings.publish_minutes)
                break
            course, step = next_step(course, await self._do(step, reply, course), plan.rules)
        await self._log.write(outcome_of(reply, course, step, self._number, plan.clock()))
        self._history.ended.add(reply.id)
        PUBLISH_OUTCOMES.labels(type(step).__name__.lower()).inc()
        PUBLISH_SECONDS.observe(max(0.0, plan.clock() - began))
        _LOG.info(type(step).__name__.lower(), conversation=reply.conversation, reply=reply.id, posts=course.posts)

    def _is_too_late(self, since: float, wait_s: float) -> bool:
        return self._plan.clock() + wait_s > since + self._plan.settings.publish_minutes * 60

    async def _do(self, step: PostAfter | LookUpAfter, reply: ReplyToPublish, course: Course) -> Answer:
        """Raises GivenUp where the partition is given up before the request leaves."""
        await self._ownership.pause(step.seconds)
        async with self._plan.channel.room:
            self._ownership.require()
            if isinstance(step, LookUpAfter):
                return await self._plan.channel.look_up(reply.id)
            leaves_by = await self._announce(reply, course.posts + 1)
            return await self._plan.channel.post(reply, leaves_by)

    async def _announce(self, reply: ReplyToPublish, attempt: int) -> float:
        """Returns when the log has the intent. Gives until when the request may leave, so that no other worker can have
        looked the reply up by then."""
        while True:
            held = await self._log.write(intent_to_post(reply, attempt, self._number, self._plan.clock()))
            self._ownership.require()
            if time.monotonic() < held + LEAVES_WITHIN_S:
                return held + LEAVES_WITHIN_S
