"""What is due, without looking at what is not."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from domain.timetable import WINDOW_MS, Timetable


def filed(moments: dict[bytes, int]) -> Timetable:
    timetable = Timetable()
    for key, moment in moments.items():
        timetable.file(key, moment)
    return timetable


def counted(moments: dict[bytes, int]) -> tuple[list[bytes], Callable[[bytes], int | None]]:
    """Which keys were looked at, and the way to look."""
    seen: list[bytes] = []

    def moment_of(key: bytes) -> int | None:
        seen.append(key)
        return moments.get(key)

    return seen, moment_of


def test_a_tick_that_nothing_is_due_at_looks_at_nothing() -> None:
    moments = {b"%d" % number: 5 * WINDOW_MS + number for number in range(1000)}
    timetable = filed(moments)
    seen, moment_of = counted(moments)
    assert timetable.take_due(4 * WINDOW_MS, moment_of) == []
    assert seen == []


def test_a_window_that_has_begun_is_looked_through_once() -> None:
    moments = {b"%d" % number: 5 * WINDOW_MS + 9000 for number in range(1000)}
    timetable = filed(moments)
    seen, moment_of = counted(moments)
    for tick in range(100):
        timetable.take_due(5 * WINDOW_MS + tick, moment_of)
    assert len(seen) == len(moments)


def test_a_key_whose_moment_was_put_off_is_not_due_at_the_old_one() -> None:
    moments = {b"a": 10}
    timetable = filed(moments)
    moments[b"a"] = 3 * WINDOW_MS
    timetable.file(b"a", moments[b"a"])
    assert timetable.take_due(20, moments.get) == []
    assert timetable.take_due(3 * WINDOW_MS, moments.get) == []
    assert timetable.take_due(3 * WINDOW_MS + 1, moments.get) == [b"a"]


def test_a_key_that_is_put_off_after_its_window_has_begun_is_not_due_at_the_old_moment() -> None:
    moments = {b"a": 10}
    timetable = filed(moments)
    assert timetable.take_due(5, moments.get) == []
    moments[b"a"] = 20
    timetable.file(b"a", 20)
    assert timetable.take_due(15, moments.get) == []
    assert timetable.take_due(20, moments.get) == []
    assert timetable.take_due(21, moments.get) == [b"a"]


def test_a_key_that_has_gone_is_dropped() -> None:
    assert filed({b"a": 10}).take_due(20, lambda _: None) == []


def test_a_key_filed_twice_for_one_moment_is_due_once() -> None:
    timetable = filed({b"a": 10})
    timetable.file(b"a", 10)
    assert timetable.take_due(11, {b"a": 10}.get) == [b"a"]


@given(
    st.dictionaries(st.binary(max_size=2), st.integers(-3 * WINDOW_MS, 9 * WINDOW_MS), max_size=30),
    st.lists(st.integers(-3 * WINDOW_MS, 10 * WINDOW_MS)),
)
def test_each_key_is_due_once_at_the_first_tick_at_or_after_its_moment(
    moments: dict[bytes, int], ticks: list[int]
) -> None:
    timetable = filed(moments)
    last: int | None = None
    for now in sorted(ticks):
        expected = [
            key
            for moment, key in sorted((moment, key) for key, moment in moments.items())
            if moment < now and (last is None or moment >= last)
        ]
        assert timetable.take_due(now, moments.get) == expected
        last = now
