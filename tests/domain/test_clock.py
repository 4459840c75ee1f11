"""The clock of one partition, as stories: what stands in the log, and what the clock tells."""

from datetime import timedelta

import pytest
from msgspec import msgpack

from domain.clock import Clock
from domain.cycles import REMEMBERED_REPLIES
from domain.partition_states import TICK_KEY
from domain.state_head import StateError
from schemas.records import PublicReply
from tests.domain.timer_log import (
    NOON,
    Entry,
    State,
    compacted,
    events,
    minute,
    reply,
    restored,
    start,
    tick,
    told,
)

DAY = 24 * 60


def test_a_reply_in_time_meets_the_target() -> None:
    assert told(start(due=120), reply(at=30), tick(500)) == ["started at 0", "met at 30"]


def test_silence_is_at_risk_and_then_breaches() -> None:
    assert told(start(due=120), tick(91), tick(121)) == ["started at 0", "at_risk at 90", "breached at 120"]


def test_nothing_is_told_before_its_time() -> None:
    assert told(start(due=120), tick(90)) == ["started at 0"]
    assert told(start(due=120), tick(100), tick(120)) == ["started at 0", "at_risk at 90"]


def test_the_first_tick_past_the_due_time_breaches() -> None:
    past = tick(120).model_copy(update={"at": minute(120) + timedelta(milliseconds=1)})
    assert told(start(due=120), tick(119), past)[-1] == "breached at 120"


def test_a_reply_at_the_due_time_is_in_time() -> None:
    assert told(start(due=120), tick(119), reply(at=120), tick(121))[-1] == "met at 120"


def test_a_reply_at_the_due_time_is_in_time_behind_the_tick_of_that_instant_too() -> None:
    assert told(start(due=120), tick(120), reply(at=120))[-1] == "met at 120"


def test_a_reply_a_millisecond_late_breaches_without_waiting_for_a_tick() -> None:
    late = reply(at=120).model_copy(update={"responded_at": minute(120) + timedelta(milliseconds=1)})
    assert told(start(due=120), late) == ["started at 0", "breached at 120"]


def test_a_late_reply_is_not_named_as_the_answer() -> None:
    by_reply = events(Clock(), [start(due=120), reply(at=121)])[-1]
    by_tick = events(Clock(), [start(due=120), tick(121)])[-1]
    assert by_reply.reply is None
    assert by_reply.model_copy(update={"decided_at": by_tick.decided_at}) == by_tick


def test_a_reply_after_the_breach_changes_nothing() -> None:
    assert told(start(due=120), tick(130), reply(at=131), tick(140))[-1] == "breached at 120"


def test_a_tick_that_passes_risk_and_due_tells_the_breach_alone() -> None:
    assert told(start(due=120), tick(130)) == ["started at 0", "breached at 120"]


def test_at_risk_is_told_once() -> None:
    assert told(start(due=120), tick(90), tick(91), tick(92)) == ["started at 0", "at_risk at 90"]


def test_a_reply_meets_the_target_after_the_risk_was_told() -> None:
    assert told(start(due=120), tick(100), reply(at=110), tick(130))[1:] == ["at_risk at 90", "met at 110"]


def test_the_brands_post_from_before_the_mention_is_no_answer() -> None:
    assert told(start(at=10, due=120), reply(at=9), tick(131)) == ["started at 10", "breached at 130"]
    assert told(reply(at=9), start(at=10, due=120), tick(131)) == ["started at 10", "breached at 130"]


def test_a_reply_at_the_very_time_of_the_mention_answers_it() -> None:
    assert told(start(at=10), reply(at=10)) == ["started at 10", "met at 10"]
    assert told(reply(at=10), start(at=10)) == ["started at 10", "met at 10"]


def test_a_reply_that_arrives_before_its_mention_answers_it() -> None:
    assert told(reply(at=30), start(at=0)) == ["started at 0", "met at 30"]


def test_the_first_remembered_reply_since_the_mention_answers_it() -> None:
    early = [reply(at=50, reply="r3"), reply(at=30, reply="r2"), reply(at=-5, reply="r1")]
    clock = Clock()
    met = events(clock, [*early, start(at=0)])[-1]
    assert (met.kind, met.at, met.reply) == ("met", minute(30), "r2")


def test_a_remembered_reply_that_is_late_breaches_at_once() -> None:
    assert told(reply(at=130), start(due=120)) == ["started at 0", "breached at 120"]


def test_a_mention_that_arrives_after_its_due_time_breaches_at_once() -> None:
    assert told(tick(200), start(due=120)) == ["started at 0", "breached at 120"]
    assert told(tick(120), start(due=120)) == ["started at 0"]


def test_a_mention_that_arrives_after_its_due_time_is_met_by_a_remembered_reply() -> None:
    assert told(reply(at=30), tick(200), start(due=120)) == ["started at 0", "met at 30"]


def test_a_mention_that_arrives_while_at_risk_is_told_so_by_the_next_tick() -> None:
    assert told(tick(100), start(due=120), tick(101)) == ["started at 0", "at_risk at 90"]


def test_a_second_mention_of_the_conversation_starts_nothing() -> None:
    again = start(at=5, mention="m2")
    assert told(start(), again, tick(500)) == ["started at 0", "breached at 120"]


def test_a_second_mention_after_the_answer_starts_nothing() -> None:
    assert told(start(), reply(at=1), start(at=5, mention="m2"), tick(500)) == ["started at 0", "met at 1"]


def test_a_tick_that_is_not_later_than_the_last_is_ignored() -> None:
    clock = Clock()
    told(tick(100), start(at=0, due=100.5), clock=clock)
    assert told(tick(100), tick(50), clock=clock) == []
    assert clock.last_tick == minute(100)


def test_decided_at_is_the_tick_that_was_seen_last() -> None:
    log: list[Entry] = [start(), tick(5), reply("Delta:x:2", at=6), start("Delta:x:2", at=5), tick(130)]
    assert [event.decided_at for event in events(Clock(), log)] == [None, minute(5), minute(5), minute(130)]


def test_events_of_one_tick_are_in_the_order_of_their_time_then_conversation() -> None:
    log: list[Entry] = [start("c", due=20), start("b", due=10), start("a", due=20), start("d", due=100), tick(80)]
    told_last = events(Clock(), log)[4:]
    assert [event.conversation for event in told_last] == ["b", "a", "c", "d"]


def test_instants_are_floored_to_milliseconds() -> None:
    exact = start().model_copy(update={"started_at": NOON + timedelta(microseconds=1999)})
    assert events(Clock(), [exact])[0].at == NOON + timedelta(milliseconds=1)


def test_an_event_says_all_that_its_start_said() -> None:
    begun = start(due=120)
    breach = events(Clock(), [begun, tick(125)])[-1]
    kept = ("conversation", "target", "mention", "brand", "type", "team", "started_at", "due_at", "policy")
    assert [getattr(breach, name) for name in kept] == [getattr(begun, name) for name in kept]


def test_a_start_with_times_out_of_order_is_refused_and_changes_nothing() -> None:
    clock = Clock()
    backwards = start().model_copy(update={"due_at": minute(-1)})
    with pytest.raises(ValueError, match="out of order"):
        clock.fold(backwards)
    assert (clock.digest(), clock.take_changes()) == (Clock().digest(), [])


def test_a_record_that_is_no_timer_record_is_refused() -> None:
    post = PublicReply(
        id="r", brand="Delta", channel="x", thread="1", post="2", author="Delta", text="Hi",
        posted_at=NOON, received_at=NOON,
    )  # fmt: skip
    with pytest.raises(TypeError, match="PublicReply"):
        Clock().fold(post)  # type: ignore[arg-type]


def test_open_cycles_are_counted() -> None:
    clock = Clock()
    told(start("a"), start("b"), start("c"), reply("a", at=1), reply("d", at=1), clock=clock)
    assert clock.open_cycles == 2
    told(tick(500), clock=clock)
    assert clock.open_cycles == 0


def test_after_eight_days_a_closed_cycle_is_forgotten_and_a_mention_starts_a_new_one() -> None:
    clock = Clock()
    told(tick(0), start(), reply(at=1), clock=clock)
    assert told(tick(8 * DAY - 1), start(at=7 * DAY, mention="m2"), clock=clock) == []
    told(tick(8 * DAY + 1), clock=clock)
    assert told(start(at=8 * DAY, mention="m3"), clock=clock) == [f"started at {8 * DAY}"]


def test_after_eight_days_a_remembered_reply_is_forgotten() -> None:
    clock = Clock()
    told(tick(0), reply(at=30), tick(8 * DAY + 1), clock=clock)
    assert clock.digest() == restored({TICK_KEY: dict(clock.take_changes())[TICK_KEY]}).digest()


def test_what_is_forgotten_leaves_a_tombstone() -> None:
    clock = Clock()
    told(tick(0), start("a"), reply("a", at=1), reply("b", at=1), clock=clock)
    clock.take_changes()
    told(tick(9 * DAY), clock=clock)
    assert clock.take_changes()[:-1] == [(b"a", None), (b"b", None)]


def test_replies_without_a_mention_are_kept_up_to_a_bound_the_latest_first() -> None:
    clock = Clock()
    for number in range(REMEMBERED_REPLIES + 3):
        clock.fold(reply(at=number, reply=f"r{number}"))
    assert events(clock, [start(at=0)])[-1].reply == "r3"


def test_a_repeated_reply_is_remembered_once() -> None:
    clock = Clock()
    told(reply(at=1), clock=clock)
    clock.take_changes()
    told(reply(at=1), clock=clock)
    assert clock.take_changes() == []


def test_changes_are_told_once_in_the_order_in_which_they_came_with_the_tick_last() -> None:
    clock = Clock()
    told(tick(1), start("b"), start("a"), reply("b", at=1), clock=clock)
    assert [key for key, _ in clock.take_changes()] == [b"b", b"a", TICK_KEY]
    assert clock.take_changes() == []


def test_a_tick_alone_is_a_change_only_when_asked() -> None:
    clock = Clock()
    assert clock.take_changes(with_tick=True) == []
    told(tick(1), clock=clock)
    assert clock.take_changes() == []
    assert [key for key, _ in clock.take_changes(with_tick=True)] == [TICK_KEY]


def test_a_restored_clock_goes_on_as_the_first_would_have() -> None:
    first = Clock()
    state: State = {}
    told(start("a"), start("b"), reply("c", at=3), tick(95), reply("b", at=96), clock=first)
    compacted(state, first)
    second = restored(state)
    assert (second.digest(), second.open_cycles, second.last_tick) == (first.digest(), 1, minute(95))
    rest: list[Entry] = [start("c", at=2), start("b", at=100), tick(120)]
    assert events(second, rest) == events(first, rest)


def test_a_tombstone_is_restored_as_nothing() -> None:
    clock = Clock()
    state: State = {}
    told(start(), clock=clock)
    compacted(state, clock)
    again = Clock()
    for key, value in [*state.items(), *((key, None) for key in state)]:
        again.restore(key, value)
    again.restored()
    assert (again.digest(), again.open_cycles) == (Clock().digest(), 0)


def test_the_format_of_the_state_is_what_version_2_says() -> None:
    clock = Clock()
    told(tick(0), start("a", due=120), reply("b", at=1), start("c"), reply("c", at=1), clock=clock)
    times = {"at_risk": 90, "forget": 8 * DAY, "tick": 0}
    ms = {name: int(minute(at).timestamp() * 1000).to_bytes(8) for name, at in times.items()}
    changes = dict(clock.take_changes())
    heads = {key: (value or b"")[:11] for key, value in changes.items()}
    assert heads == {
        b"a": b"\x02\x01\x01" + ms["at_risk"],
        b"b": b"\x02\x02\x00" + ms["forget"],
        b"c": b"\x02\x01\x00" + ms["forget"],
        TICK_KEY: b"\x02\x00\x00" + ms["tick"],
    }
    case = msgpack.decode((changes[b"a"] or b"")[11:])
    assert case[0] == "m1"
    assert case[4][0][:7] == [
        "first_response", "m1", "Delta", "customer_complaint", "support", "0123456789abcdef", "24x7",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "words"),
    [(b"\x01\x01" + bytes(8), "version 1.*reads version 2"), (b"", "no version"), (b"\x02\x01", "cut short")],
)
def test_a_state_that_cannot_be_read_is_refused_by_name(value: bytes, words: str) -> None:
    with pytest.raises(StateError, match=f"'Delta:x:1'.*{words}"):
        Clock().restore(b"Delta:x:1", value)
