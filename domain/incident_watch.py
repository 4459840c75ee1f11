"""Which conversations inside a spike are about one thing, as nearly the same words say it; and who joins them later.

Pure: what is proposed follows from what was seen, in whatever order it came, and ids derive from the spike and from the
first message of its kind. Times are milliseconds since 1970 of event time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from domain.instants import from_ms, to_ms
from domain.near_copies import Sketch, likeness, near_copies
from domain.policy_sections import IncidentRules
from schemas.ids import derive_id
from schemas.incident_records import IncidentChanged, IncidentMember, IncidentProposed
from schemas.record_fields import MentionType, Sentiment
from schemas.records import SpikeDetected

HOUR_MS: Final = 3_600_000
KEPT_MS: Final = 6 * HOUR_MS
"""How long a message may be compared with others."""
JOIN_MS: Final = 24 * HOUR_MS
"""So long after the last that joined may another join."""
TITLE_CHARACTERS: Final = 120
MAX_MEMBERS: Final = 500
"""Of one record; an incident may have more, in several."""


class Seen(NamedTuple):
    """A mention. `text`: its beginning, as it was prepared for the model."""

    conversation: str
    mention: str
    brand: str
    type: MentionType
    sentiment: Sentiment
    posted: int
    text: str
    sketch: Sketch


class _Known(NamedTuple):
    """An incident that others may join. `last`: when the last of its messages was posted, as far as is known."""

    type: MentionType
    spike: str
    title: str
    sketch: Sketch
    since: int
    last: int


class IncidentWatch:
    """The messages of the last hours by brand, the spikes among them, and the incidents that are known."""

    def __init__(self, rules: IncidentRules, policy: str) -> None:
        self._rules, self._policy = rules, policy
        self._mentions: defaultdict[str, dict[str, Seen]] = defaultdict(dict)
        self._spikes: defaultdict[str, dict[str, SpikeDetected]] = defaultdict(dict)
        self._known: defaultdict[str, dict[str, _Known]] = defaultdict(dict)
        self._taken: set[str] = set()
        """Mentions that are part of an incident, whatever became of it."""
        self._changed: dict[str, None] = {}
        """Brands with something new."""

    def see(self, seen: Seen) -> None:
        """A mention; a repeat is the same again."""
        if seen.mention not in self._taken:
            self._mentions[seen.brand][seen.mention] = seen
            self._changed[seen.brand] = None

    def hear_spike(self, spike: SpikeDetected) -> None:
        self._spikes[spike.brand][spike.id] = spike
        self._changed[spike.brand] = None

    def hear_incident(self, told: IncidentChanged) -> None:
        """What became of a proposal; of all proposals ever, at the beginning."""
        if told.brand is None or told.type is None or told.title is None:
            return
        if told.kind in ("proposed", "joined"):
            self._take(told.brand, told.incident, [member.mention for member in told.members], to_ms(told.at))
        if told.kind == "proposed":
            at = to_ms(told.at)
            known = _Known(told.type, told.spike or "", told.title, frozenset(told.sketch), at, at)
            self._known[told.brand].setdefault(told.incident, known)
        elif told.status in ("dismissed", "closed"):
            self._known[told.brand].pop(told.incident, None)

    def proposals(self) -> list[IncidentProposed]:
        """What is new since the last call."""
        found = []
        for brand in self._changed:
            self._prune(brand)
            found += [*self._joining(brand), *self._beginning(brand)]
        self._changed.clear()
        return found

    def _joining(self, brand: str) -> Iterator[IncidentProposed]:
        """Messages that say nearly what an incident's first one says."""
        by_incident = defaultdict[str, list[Seen]](list)
        for seen in sorted(self._mentions[brand].values(), key=_in_order):
            near = [
                (likeness(known.sketch, seen.sketch), incident)
                for incident, known in self._known[brand].items()
                if known.since - KEPT_MS <= seen.posted <= known.last + JOIN_MS
            ]
            how_like, incident = max(near, default=(0.0, ""))
            if incident and how_like >= self._rules.similarity:
                by_incident[incident].append(seen)
        for incident, joining in by_incident.items():
            known, at = self._known[brand][incident], max(seen.posted for seen in joining)
            yield from self._propose(brand, incident, known, joining, at)

    def _beginning(self, brand: str) -> Iterator[IncidentProposed]:
        for spike in sorted(self._spikes[brand].values(), key=lambda spike: (spike.window_end, spike.id)):
            counted = [seen for seen in self._mentions[brand].values() if _counted(seen, spike)]
            inside = sorted(counted, key=_in_order)
            for group in near_copies([seen.sketch for seen in inside], self._rules.similarity):
                alike = [inside[number] for number in group]
                if len({seen.conversation for seen in alike}) >= self._rules.min_conversations:
                    yield from self._begin(spike, alike)

    def _begin(self, spike: SpikeDetected, alike: Sequence[Seen]) -> Iterator[IncidentProposed]:
        first, at = alike[0], to_ms(spike.decided_at)
        incident = derive_id("incident", spike.id, first.mention)
        known = _Known(spike.type, spike.id, first.text, first.sketch, at, at)
        self._known[spike.brand][incident] = known
        yield from self._propose(spike.brand, incident, known, alike, at)

    def _propose(
        self, brand: str, incident: str, known: _Known, alike: Iterable[Seen], at: int
    ) -> Iterator[IncidentProposed]:
        latest = {seen.conversation: seen for seen in alike}  # of several messages of one customer, the last
        members = [IncidentMember(conversation=key, mention=seen.mention) for key, seen in latest.items()]
        self._take(brand, incident, [seen.mention for seen in alike], at)
        for start in range(0, len(members), MAX_MEMBERS):
            part = members[start : start + MAX_MEMBERS]
            yield IncidentProposed(
                id=derive_id("incident_proposed", incident, *(member.mention for member in part)),
                incident=incident,
                brand=brand,
                type=known.type,
                spike=known.spike,
                title=known.title,
                sketch=tuple(sorted(known.sketch)),
                members=tuple(part),
                policy=self._policy,
                at=from_ms(at),
            )

    def _take(self, brand: str, incident: str, mentions: Sequence[str], at: int) -> None:
        self._taken.update(mentions)
        for mention in mentions:
            self._mentions[brand].pop(mention, None)
        known = self._known[brand].get(incident)
        if known is not None:
            self._known[brand][incident] = known._replace(last=max(known.last, at))

    def _prune(self, brand: str) -> None:
        """Drops what is older than anything may be compared with."""
        mentions, spikes = self._mentions[brand], self._spikes[brand]
        latest = max((seen.posted for seen in mentions.values()), default=0)
        for mention in [seen.mention for seen in mentions.values() if seen.posted < latest - KEPT_MS]:
            del mentions[mention]
        for spike in [spike.id for spike in spikes.values() if to_ms(spike.window_end) < latest - KEPT_MS]:
            del spikes[spike]


def _in_order(seen: Seen) -> tuple[int, str]:
    return seen.posted, seen.mention


def _counted(seen: Seen, spike: SpikeDetected) -> bool:
    """Whether it is one of the mentions that the spike counted."""
    alike = seen.type == spike.type and spike.sentiment in (None, seen.sentiment)
    return alike and to_ms(spike.window_start) <= seen.posted < to_ms(spike.window_end)
