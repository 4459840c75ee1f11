"""A busy day at the desk, as the log has it: messages; people who claim, answer, label, resolve; missed targets."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import islice
from typing import Final

from bench.mention_variety import varied_mentions
from bench.stored_readings import StoredReadings, stored_rules
from bench.whole_log import POLICY, WholeLog, Written
from schemas.desk_events import DeskAnswer
from schemas.desk_records import Action, Claim, DeskCommand, Label, Person, Reply, Resolve
from schemas.ids import conversation_key, derive_id, public_reply_id
from schemas.records import Mention, PublicReply, Tick

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
BETWEEN: Final = timedelta(seconds=1)
"""Between two mentions."""
PEOPLE: Final = tuple(Person(id=f"agent-{number}", name=f"Agent {number}", role="agent") for number in range(20))
ANSWERED: Final = 0.6
"""Of the conversations, two minutes after their message."""
RESOLVED: Final = 0.3
"""Of those that are answered."""
TEXT: Final = "Sorry to hear that. Please send us your case number, and we look into it at once."


def busy_day(conversations: int, seed: int = 7) -> Sequence[Written]:
    """Everything that the stages write for so many conversations."""
    return _Day(random.Random(seed)).run(conversations)


class _Day:
    def __init__(self, chance: random.Random) -> None:
        self._chance, self._log = chance, WholeLog()
        self._readings, self._rules = StoredReadings(), stored_rules(POLICY)
        self._now, self._sent = START, 0
        self._later: list[tuple[datetime, int, Callable[[], None]]] = []
        """What happens when, soonest first; of what falls together, what was planned first."""

    def run(self, conversations: int) -> Sequence[Written]:
        for person in PEOPLE:
            self._log.say(person)
        for number, mention in enumerate(islice(varied_mentions("desk"), conversations)):
            self._now = START + number * BETWEEN
            if number % 10 == 0:
                self._log.tick(Tick(at=self._now))
            self._hear(mention)
            while self._later and self._later[0][0] <= self._now:
                heappop(self._later)[2]()
        self._log.tick(Tick(at=self._now + timedelta(hours=1)))
        return self._log.records

    def _hear(self, mention: Mention) -> None:
        mention = mention.model_copy(update={"posted_at": self._now, "received_at": self._now})
        found = self._rules.classify(mention.text, self._readings.next_reading(), mention.author_followers, "one_stage")
        self._log.mention(mention, found)
        if self._chance.random() < ANSWERED:
            self._plan(timedelta(minutes=2), partial(self._serve, mention))

    def _plan(self, after: timedelta, happens: Callable[[], None]) -> None:
        self._sent += 1
        heappush(self._later, (self._now + after, self._sent, happens))

    def _serve(self, mention: Mention) -> None:
        """Somebody claims it, labels it where it is doubtful, answers, and the answer is posted."""
        person = self._chance.choice(PEOPLE).id
        claim = self._do(person, mention, Claim())
        if claim is None or claim.fence is None or claim.fence.token is None:
            return
        reply = Reply(token=claim.fence.token, last_inbound=mention.id, text=TEXT)
        answer = self._do(person, mention, reply)
        if answer is not None and answer.code == "in_review":
            self._do(person, mention, Label(mention=mention.id, type="customer_complaint"))
            answer = self._do(person, mention, reply)
        if answer is not None and answer.accepted:
            self._plan(timedelta(seconds=45), partial(self._post, mention, person))

    def _post(self, mention: Mention, person: str) -> None:
        self._log.reply(_posted(mention, self._now))
        if self._chance.random() < RESOLVED:
            self._do(person, mention, Resolve(last_inbound=mention.id))

    def _do(self, by: str, mention: Mention, action: Action) -> DeskAnswer | None:
        self._sent += 1
        command = DeskCommand(
            id=derive_id("bench_command", str(self._sent)),
            conversation=conversation_key(mention.brand, mention.channel, mention.thread),
            by=by,
            sent_at=self._now + timedelta(microseconds=self._sent),
            action=action,
        )
        return next((told for told in self._log.command(command) if isinstance(told, DeskAnswer)), None)


def _posted(mention: Mention, at: datetime) -> PublicReply:
    post = f"{mention.post}-answer"
    return PublicReply(
        id=public_reply_id(mention.brand, mention.channel, post),
        brand=mention.brand,
        channel=mention.channel,
        thread=mention.thread,
        post=post,
        author=f"@{mention.brand}",
        text=TEXT,
        posted_at=at,
        received_at=at,
    )
