"""What is proposed as an incident, and who joins it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from domain.incident_watch import IncidentWatch, Seen
from domain.instants import to_ms
from domain.near_copies import sketch_of
from domain.policy_sections import IncidentRules
from schemas.incident_records import IncidentChanged, IncidentProposed
from schemas.record_fields import MentionType
from schemas.records import SpikeDetected

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = IncidentRules(similarity=0.4, min_conversations=3)
DOWN = "the app is down for me"


def seen(
    number: int,
    text: str = DOWN,
    *,
    at: float = 1,
    brand: str = "Delta",
    type_: MentionType = "customer_complaint",
    thread: int | None = None,
) -> Seen:
    """A message so many minutes after noon."""
    key = f"{brand}:x:{number if thread is None else thread}"
    posted = to_ms(NOON + timedelta(minutes=at))
    return Seen(key, f"m{number}", brand, type_, "negative", posted, text, sketch_of(text))


def spike(id_: str = "s1", **fields: object) -> SpikeDetected:
    """From noon to a quarter past."""
    usual = {
        "id": id_, "brand": "Delta", "type": "customer_complaint", "sentiment": None, "window_start": NOON,
        "window_end": NOON + timedelta(minutes=15), "count": 20, "baseline": 1.0, "ratio": 20.0,
        "decided_at": NOON + timedelta(minutes=17), "policy": "p1",
    }  # fmt: skip
    return SpikeDetected.model_validate({**usual, **fields})


def watch(*given: Seen | SpikeDetected) -> IncidentWatch:
    found = IncidentWatch(RULES, "p1")
    tell(found, *given)
    return found


def tell(found: IncidentWatch, *given: Seen | SpikeDetected) -> list[IncidentProposed]:
    for one in given:
        if isinstance(one, Seen):
            found.see(one)
        else:
            found.hear_spike(one)
    return found.proposals()


def conversations(proposals: list[IncidentProposed]) -> list[list[str]]:
    return [[member.conversation for member in proposed.members] for proposed in proposals]


def told(proposed: IncidentProposed, kind: str = "proposed", status: str = "proposed") -> IncidentChanged:
    """What the fold says of a proposal."""
    return IncidentChanged.model_validate(
        {
            "id": "i1", "incident": proposed.incident, "kind": kind, "cause": proposed.id, "at": proposed.at,
            "status": status, "brand": proposed.brand, "type": proposed.type, "spike": proposed.spike,
            "title": proposed.title, "members": proposed.members, "sketch": proposed.sketch,
        }
    )  # fmt: skip


def test_conversations_about_one_thing_inside_a_spike_are_proposed() -> None:
    given = [seen(n, at=n) for n in range(4)] + [seen(9, "my parcel is late")]
    (proposed,) = tell(watch(), *given, spike())
    assert conversations([proposed]) == [["Delta:x:0", "Delta:x:1", "Delta:x:2", "Delta:x:3"]]
    assert (proposed.title, proposed.spike, proposed.at) == (DOWN, "s1", NOON + timedelta(minutes=17))


def test_too_few_conversations_are_none() -> None:
    assert tell(watch(), seen(1), seen(2), seen(3, thread=2), spike()) == []


def test_without_a_spike_nothing_is_proposed() -> None:
    assert tell(watch(), *(seen(n) for n in range(9))) == []


def test_only_what_the_spike_counted_begins_an_incident() -> None:
    others = [
        *(seen(n, at=-1) for n in range(3)),
        *(seen(n, at=15) for n in range(3, 6)),
        *(seen(n, brand="Google") for n in range(6, 9)),
        *(seen(n, type_="product_question") for n in range(9, 12)),
    ]
    assert tell(watch(), *others, spike()) == []
    assert tell(watch(), *(seen(n) for n in range(3)), spike(sentiment="positive")) == []


def test_it_does_not_matter_in_which_order_all_that_comes() -> None:
    given = [
        *(seen(n, at=n % 7) for n in range(12)),
        *(seen(n, "no refund for me", at=n % 5) for n in range(20, 30)),
        spike(),
    ]
    expected = tell(watch(), *given)
    assert len(expected) == 2
    for seed in range(5):
        random.Random(seed).shuffle(given)
        assert tell(watch(), *given) == expected


def test_nothing_is_proposed_twice_also_not_for_a_second_spike() -> None:
    found = watch(*(seen(n) for n in range(3)), spike())
    assert tell(found, *(seen(n) for n in range(3)), spike(), spike("s2", sentiment="negative")) == []


def test_whoever_says_nearly_the_same_later_joins() -> None:
    found = watch()
    (first,) = tell(found, *(seen(n) for n in range(3)), spike())
    (more,) = tell(found, seen(7, at=60), seen(8, "something else", at=60), seen(9, at=70, type_="product_question"))
    assert (more.incident, conversations([more])) == (first.incident, [["Delta:x:7", "Delta:x:9"]])
    assert more.id != first.id
    assert tell(found, seen(11, at=60 + 25 * 60)) == [], "a day later it is another thing"


def test_of_several_messages_of_one_customer_the_last_is_answered() -> None:
    (proposed,) = tell(watch(), *(seen(n) for n in range(3)), seen(7, at=5, thread=0), spike())
    assert [member.mention for member in proposed.members if member.conversation == "Delta:x:0"] == ["m7"]


def test_one_that_begins_anew_knows_what_was_proposed() -> None:
    (proposed,) = tell(watch(), *(seen(n) for n in range(3)), spike())
    again = watch()
    again.hear_incident(told(proposed))
    assert tell(again, *(seen(n) for n in range(3)), spike()) == []
    (more,) = tell(again, seen(7, at=30))
    assert more.incident == proposed.incident


def test_nobody_joins_what_was_dismissed_or_closed_and_it_is_not_proposed_again() -> None:
    for kind in ("dismissed", "closed"):
        (proposed,) = tell(found := watch(), *(seen(n) for n in range(3)), spike())
        found.hear_incident(told(proposed, kind, kind))
        assert tell(found, seen(7, at=30), *(seen(n) for n in range(3)), spike()) == []


def test_messages_without_a_word_are_about_nothing() -> None:
    assert tell(watch(), *(seen(n, "👍") for n in range(5)), spike()) == []
