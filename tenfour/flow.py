"""What has flowed through the topics: counted by id, so that a record delivered twice counts once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.ids import derive_id
from schemas.records import (
    AnyRecord,
    ClassifiedMention,
    DeadLetter,
    Mention,
    PublicReply,
    RoutedMention,
    SlaEvent,
)

RECENT = 8


@dataclass
class Flow:
    """Counts of one run. Ids are kept, about 100 bytes each: meant for a demo and for checks, not for a firehose."""

    ingested: set[str] = field(default_factory=set)
    replies: set[str] = field(default_factory=set)
    classified: dict[str, str] = field(default_factory=dict)
    """Type by mention."""
    routed: dict[str, str] = field(default_factory=dict)
    """Team by mention."""
    started: set[str] = field(default_factory=set)
    """Cycles of first responses."""
    verdicts: dict[str, str] = field(default_factory=dict)
    """Kind by event id."""
    judged: set[str] = field(default_factory=set)
    """Cycles with a verdict."""
    dead: set[str] = field(default_factory=set)
    dead_offsets: set[tuple[str, int, int]] = field(default_factory=set)
    raw_places: dict[tuple[str, int, int], str] = field(default_factory=dict)
    """Mention by where it stands on the raw topic."""
    recent: deque[RoutedMention] = field(default_factory=lambda: deque(maxlen=RECENT))
    recent_breaches: deque[SlaEvent] = field(default_factory=lambda: deque(maxlen=RECENT))

    def add(self, record: AnyRecord, place: tuple[str, int, int]) -> None:
        """Counts a record that stands at `place` (topic, partition, offset)."""
        add = _ADD.get(type(record))
        if add is not None:
            add(self, record, place)

    def gaps(self) -> set[str]:
        """Ids of mentions in no end state: neither routed, nor spam, nor a dead letter."""
        spam = {mention for mention, kind in self.classified.items() if kind == "spam"}
        dead = {self.raw_places[place] for place in self.dead_offsets if place in self.raw_places}
        return self.ingested - set(self.routed) - spam - dead

    def by_kind(self) -> Counter[str]:
        """Verdicts by kind."""
        return Counter(self.verdicts.values())

    def summary(self, seconds: float) -> dict[str, int | float | str]:
        """The figures of one run."""
        return {
            "ingested": len(self.ingested),
            "replies": len(self.replies),
            "classified": len(self.classified),
            "routed": len(self.routed),
            "timers_started": len(self.started),
            "verdicts": len(self.verdicts),
            "breached": self.by_kind()["breached"],
            "dead_letters": len(self.dead),
            "gaps": len(self.gaps()),
            "seconds": round(seconds, 1),
            "verdict_ids": derive_id(*sorted(self.verdicts)),
        }

    def complete(self) -> bool:
        """Nothing lost: everything classified, every cycle judged, no gap, no dead letter."""
        return (
            not self.gaps()
            and not self.dead
            and set(self.classified) == self.ingested
            and self.judged == self.started
            and len(self.verdicts) == len(self.started)
        )


def _mention(flow: Flow, record: Mention, place: tuple[str, int, int]) -> None:
    flow.ingested.add(record.id)
    flow.raw_places[place] = record.id


def _classified(flow: Flow, record: ClassifiedMention, place: tuple[str, int, int]) -> None:
    flow.classified[record.mention.id] = record.classification.type
    flow.raw_places[place] = record.mention.id


def _routed(flow: Flow, record: RoutedMention, place: tuple[str, int, int]) -> None:  # noqa: ARG001
    if record.mention.id not in flow.routed:
        flow.recent.append(record)
    flow.routed[record.mention.id] = record.routing.team


def _event(flow: Flow, record: SlaEvent, place: tuple[str, int, int]) -> None:  # noqa: ARG001
    if record.target != "first_response":
        return
    if record.kind == "started":
        flow.started.add(record.cycle)
    elif record.kind in ("met", "breached", "cancelled", "superseded"):
        flow.verdicts[record.id] = record.kind
        flow.judged.add(record.cycle)
        if record.kind == "breached":
            flow.recent_breaches.append(record)


def _dead(flow: Flow, record: DeadLetter, place: tuple[str, int, int]) -> None:  # noqa: ARG001
    flow.dead.add(record.id)
    flow.dead_offsets.add((record.topic, record.partition, record.offset))


def _reply(flow: Flow, record: PublicReply, place: tuple[str, int, int]) -> None:  # noqa: ARG001
    flow.replies.add(record.id)


_ADD: dict[type, Callable[..., None]] = {
    Mention: _mention,
    PublicReply: _reply,
    ClassifiedMention: _classified,
    RoutedMention: _routed,
    SlaEvent: _event,
    DeadLetter: _dead,
}
