"""What happens to some conversations, as the log has it: by the rules of the stages, told in minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from bench.whole_log import POLICY, WholeLog, Written
from console.column_rules import FROM_THE_LOG
from console.project_records import project
from console.tables import READ_TO
from console.write_rows import Move, Partition, positions, write_batch
from domain.desk import Said
from domain.incidents import SPEAKER, Heard, Incidents, incident_of
from domain.routing import route
from domain.typing_rules import classified_mention
from schemas.codecs import encode
from schemas.desk_events import ConversationChanged, DeskAnswer
from schemas.desk_records import Action, Approve, Claim, DeskCommand, Label, Note, Person, Promised, Reply, Resolve
from schemas.ids import conversation_key, derive_id, mention_id, public_reply_id
from schemas.incident_records import (
    ApproveStatement,
    Close,
    Confirm,
    Dismiss,
    IncidentAction,
    IncidentChanged,
    IncidentCommand,
    IncidentMember,
    IncidentProposed,
    State,
)
from schemas.records import (
    AnyRecord,
    Classification,
    DeadLetter,
    Mention,
    MentionType,
    PublicReply,
    RiskFlag,
    Tick,
)
from streams.topics import DEAD_LETTERS, INCIDENTS, MENTIONS_CLASSIFIED, MENTIONS_RAW, MENTIONS_ROUTED

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday, in every team's hours."""
BRAND = "Delta"
PEOPLE = (
    Person(id="ann", name="Ann", role="agent", teams=("support",)),
    Person(id="lea", name="Lea", role="lead", teams=("support",)),
    Person(id="gus", name="Gus", role="agent", active=False),
    Person(id=SPEAKER, name="Answers incidents", role="spokesperson", capacity=0),
)


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def key(thread: str) -> str:
    return conversation_key(BRAND, "x", thread)


def said(thread: str, number: int = 1) -> str:
    """The id of a message in a thread."""
    return mention_id(BRAND, "x", f"{thread}-{number}")


def mention(thread: str, number: int = 1, at: float = 0, text: str = "Where is my bag?") -> Mention:
    return Mention(
        id=said(thread, number),
        brand=BRAND,
        channel="x",
        thread=thread,
        post=f"{thread}-{number}",
        author="@someone",
        text=text,
        posted_at=minute(at),
        received_at=minute(at),
    )


def public_reply(thread: str, at: float) -> PublicReply:
    post = f"{thread}-answer-{at:g}"
    return PublicReply(
        id=public_reply_id(BRAND, "x", post),
        brand=BRAND,
        channel="x",
        thread=thread,
        post=post,
        author="@Delta",
        text="It is on its way.",
        posted_at=minute(at),
        received_at=minute(at),
    )


def found(
    type_: MentionType = "customer_complaint", *, doubtful: bool = False, flags: tuple[RiskFlag, ...] = ()
) -> Classification:
    return Classification(
        type=type_,
        sentiment="negative",
        urgency="urgent",
        confidence=0.75,
        needs_review=doubtful,
        review_reason="low confidence" if doubtful else None,
        risk_flags=flags,
        language="en",
        reason="model",
        model="test@0",
    )


class Story(WholeLog):
    """A log in which people say things to the desk."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.incidents = Incidents(lambda _: POLICY)
        for person in PEOPLE:
            self.say(person)
        self.pass_time(0)

    def pass_time(self, until: float) -> None:
        self.tick(Tick(at=minute(until)))

    def do(self, by: str, thread: str, action: Action) -> DeskAnswer:
        self.now += 1
        sent_at = datetime.fromtimestamp(self.now / 1000, UTC)
        id_ = derive_id("command", thread, by, str(self.now))
        command = DeskCommand(id=id_, conversation=key(thread), by=by, sent_at=sent_at, action=action)
        (answer,) = [event for event in self.command(command) if isinstance(event, DeskAnswer)]
        return answer

    def say(self, said: Said | Person | Tick) -> list[AnyRecord]:
        """To the desk, and what it tells of incidents to these."""
        if isinstance(said, Person):
            self.incidents.fold(said)
        told = super().say(said)
        for event in told:
            if isinstance(event, DeskAnswer | ConversationChanged) and incident_of(event) is not None:
                self.incident(event)
        return told

    def incident(self, said: Heard) -> list[IncidentChanged]:
        step = self.incidents.fold(said)
        for event in step.events:
            self.write(INCIDENTS, event)
        for command in step.commands:
            self.say(command)
        return step.events

    def propose(self, *threads: str, incident: str = "i1", at: float = 0) -> None:
        """That these have an incident in common."""
        proposed = IncidentProposed(
            id=derive_id("incident_proposed", incident, *threads),
            incident=incident,
            brand=BRAND,
            type="customer_complaint",
            spike="s1",
            title="where is my bag",
            sketch=("aa", "bb"),
            members=tuple(IncidentMember(conversation=key(thread), mention=said(thread)) for thread in threads),
            policy=POLICY.version,
            at=minute(at),
        )
        self.incident(proposed)

    def decide(self, by: str, action: IncidentAction, incident: str = "i1", id_: str = "") -> IncidentChanged:
        self.now += 1
        sent_at = datetime.fromtimestamp(self.now / 1000, UTC)
        id_ = id_ or derive_id("incident_command", incident, by, str(self.now))
        command = IncidentCommand(id=id_, incident=incident, by=by, sent_at=sent_at, action=action)
        (told,) = self.incident(command)
        return told

    def claim(self, by: str, thread: str) -> str:
        """Gives the token."""
        answer = self.do(by, thread, Claim())
        assert answer.fence is not None
        assert answer.fence.token is not None, answer
        return answer.fence.token

    def answer(self, by: str, thread: str, seen: int = 1, promises: tuple[Promised, ...] = ()) -> str:
        """Claims and replies; gives the reply's id."""
        token = self.claim(by, thread)
        reply = Reply(token=token, last_inbound=said(thread, seen), text="We are on it.", promises=promises)
        answer = self.do(by, thread, reply)
        assert answer.reply is not None, answer
        return answer.reply

    def refused_by_the_desk(self, post: Mention, classification: Classification) -> None:
        """Routed, and a dead letter of the desk."""
        classified = classified_mention(post, classification)
        routed = route(classified, POLICY)
        assert routed.mention is not None
        assert routed.desk is not None
        self.write(MENTIONS_RAW, post)
        self.write(MENTIONS_CLASSIFIED, classified)
        self.write(MENTIONS_ROUTED, routed.mention)
        self.end_at("desk", routed.desk, "ValueError")

    def end_at(self, stage: str, record: AnyRecord, error: str = "UnknownBrand") -> DeadLetter:
        """The record becomes a dead letter of the stage."""
        topic = {"classify": MENTIONS_RAW, "route": MENTIONS_CLASSIFIED}.get(stage, MENTIONS_RAW)
        letter = DeadLetter(
            id=derive_id("dead_letter", stage, encode(record).decode()),
            stage=stage,
            topic=topic.name,
            partition=0,
            offset=7,
            key=None,
            value=encode(record),
            error=error,
            message="not taken",
            failed_at=minute(0),
        )
        self.write(DEAD_LETTERS, letter)
        return letter


def busy_day() -> list[Written]:
    """A bit of all that can happen."""
    story = Story()
    story.mention(mention("lost-bag", 1, 0), found(flags=("refund_request",)))
    story.mention(mention("praise", 1, 1), found("positive_feedback"))
    story.mention(mention("spam", 1, 1), found("spam"))
    story.mention(mention("maybe-spam", 1, 2), found("spam", doubtful=True))
    story.mention(mention("doubtful", 1, 2), found("product_question", doubtful=True))
    story.pass_time(3)
    held = story.answer("ann", "lost-bag", 1, (Promised(action="refund", amount=90_000, currency="EUR"),))
    story.do("lea", "lost-bag", Approve(reply=held))
    story.do("ann", "lost-bag", Note(text="called\x00 them"))
    story.do("lea", "doubtful", Label(mention=said("doubtful"), type="spam"))
    story.do("lea", "maybe-spam", Label(mention=said("maybe-spam"), type="sales_inquiry", risk_flags=("churn_threat",)))
    story.do("gus", "lost-bag", Claim())
    story.pass_time(30)
    story.reply(public_reply("lost-bag", 31))
    story.mention(mention("lost-bag", 2, 40), found())
    story.answer("ann", "praise")
    story.do("ann", "nowhere", Claim())
    story.pass_time(60)
    story.mention(mention("late", 1, 61), found())
    story.do("lea", "praise", Resolve(last_inbound=said("praise")))
    story.write(MENTIONS_RAW, mention("unknown-brand", 1, 62))
    story.end_at("classify", mention("unknown-brand", 1, 62))
    story.refused_by_the_desk(mention("refused", 1, 62), found())
    story.write(MENTIONS_RAW, mention("on-its-way", 1, 63))
    have_an_incident(story)
    story.pass_time(24 * 60)
    story.reply(public_reply("late", 24 * 60))
    story.pass_time(48 * 60)
    return story.records


def have_an_incident(story: Story) -> None:
    """Half an hour of one that is answered, and another that is none."""
    for number in range(4):
        story.mention(mention(f"belt-{number}", 1, 64 + number), found())
    story.pass_time(68)
    story.propose("belt-0", "belt-1", at=68)
    story.propose("belt-3", incident="i2", at=68)
    story.decide("ann", Confirm())
    story.decide("lea", Confirm(), id_="confirm")
    story.decide("ann", State(text="We know."), id_="first")
    draft = story.decide("ann", State(text="We know, and are on it."))
    story.decide("ann", State(text="We know."), id_="first")
    story.decide("lea", Dismiss(reason="only one"), "i2")
    story.claim("ann", "belt-1")
    story.decide("lea", ApproveStatement(statement=draft.statement or ""))
    story.pass_time(75)
    story.propose("belt-2", at=76)
    story.pass_time(90)
    story.decide("lea", Close())
    story.decide("lea", Confirm(), id_="confirm")
    story.decide("lea", Confirm(), "unknown")


def write(engine: Engine, records: list[Written]) -> None:
    """One batch, as the projector writes it."""
    moves: dict[Partition, Move] = {}
    with engine.begin() as connection:
        before = positions(connection, {(record.topic, record.partition) for record in records})
    for record in records:
        partition = (record.topic, record.partition)
        moves[partition] = Move(before[partition], max(record.offset + 1, before[partition]))
    with engine.begin() as connection:
        write_batch(connection, project(records), moves)


def rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Everything in the database that is from the log, by table, in the order of the keys."""
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in FROM_THE_LOG
        }


def read_to(engine: Engine) -> dict[tuple[str, int], int]:
    with engine.connect() as connection:
        return {(row.topic, row.partition): row.next_offset for row in connection.execute(select(READ_TO))}
