"""Dead letters into the log again, on a real broker: as they were, once, and by one at a time."""

from __future__ import annotations

import time

import pytest

from streams.dead_letter_log import DeadLetterError, FoundLetter, Place, letters_at, read_letters
from streams.dead_letter_replay import HEADER, look, replay_writer
from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox
from streams.settings import Settings
from streams.topics import DEAD_LETTERS
from streams.writing import WriteFailed, open_producer, write_outbox
from tests.streams.copying import Copying
from tests.streams.record_log import Found, numbered, read, unique, write
from tests.streams.worker_process import Workers

pytestmark = pytest.mark.kafka
UNREADABLE = b"\xff\xfe no number \x00"


@pytest.fixture
async def copying(kafka: str, workers: Workers) -> Copying:
    return await Copying(kafka, workers).made()


def settings(copying: Copying) -> Settings:
    return Settings(bootstrap=copying.bootstrap)


async def letters(copying: Copying) -> list[FoundLetter]:
    return [found async for found in read_letters(copying.bootstrap) if found.letter.stage == copying.stage]


async def source(copying: Copying) -> list[tuple[int, bytes | None, bytes | None, dict[str, bytes]]]:
    """Partition, key, value and headers of what stands there, in order within a partition."""
    found: Found = await read(copying.bootstrap, copying.source)
    return [(number, one.key, one.value, dict(one.headers)) for number, inside in found.items() for one in inside]


async def add_letters(copying: Copying) -> None:
    """For all that stands on the source topic."""
    outbox = Outbox()
    for records in (await read(copying.bootstrap, copying.source)).values():
        for record in records:
            add_dead_letter(outbox, copying.stage, record, ValueError("no number"))
    async with open_producer(copying.bootstrap) as producer:
        await write_outbox(producer, outbox)


async def replayed(copying: Copying, found: list[FoundLetter]) -> None:
    async with replay_writer(settings(copying)) as writer:
        await writer.write(await look(copying.bootstrap, found), int(time.time() * 1000))


async def test_a_record_comes_again_as_it_was_and_says_which_letter_it_was(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE), (b"key-2", None)])
    await add_letters(copying)
    before, found = await source(copying), await letters(copying)
    await replayed(copying, found)
    after = [one for one in await source(copying) if HEADER in one[3]]
    assert sorted(one[:3] for one in after) == sorted(one[:3] for one in before)
    assert {one[3].pop(HEADER).decode() for one in after} == {one.letter.id for one in found}
    assert sorted(str(one) for one in after) == sorted(str(one) for one in before)  # the other headers too


async def test_what_was_replayed_is_recognised(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, numbered(range(4)))
    await add_letters(copying)
    first, *others = await letters(copying)
    assert [one.replayed for one in await look(copying.bootstrap, [first, *others])] == [False] * 4
    await replayed(copying, [first])
    assert [one.replayed for one in await look(copying.bootstrap, [first, *others])] == [True] + [False] * 3


async def test_what_fails_again_is_a_new_dead_letter(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE)])
    copying.start()
    await copying.drained()
    (first,) = await letters(copying)
    await replayed(copying, [first])
    await copying.drained()
    again = [one for one in await letters(copying) if one.letter.id != first.letter.id]
    assert [(one.letter.value, one.letter.partition) for one in again] == [(UNREADABLE, first.letter.partition)]
    assert again[0].letter.offset > first.letter.offset
    assert not (await look(copying.bootstrap, again))[0].replayed


async def test_of_two_who_replay_at_once_one_writes(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE)])
    await add_letters(copying)
    found = await letters(copying)
    async with replay_writer(settings(copying)) as slow:
        seen_by_slow = await look(copying.bootstrap, found)
        await replayed(copying, found)
        with pytest.raises(WriteFailed, match="somebody else replays"):
            await slow.write(seen_by_slow, int(time.time() * 1000))
    assert len([one for one in await source(copying) if HEADER in one[3]]) == 1


async def test_a_letter_whose_original_is_gone_is_replayed_without_its_headers(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE)])
    await add_letters(copying)
    (found,) = await letters(copying)
    elsewhere = found._replace(letter=found.letter.model_copy(update={"offset": 10_000}))
    (looked,) = await look(copying.bootstrap, [elsewhere])
    assert (looked.original_gone, looked.headers, looked.replayed) == (True, [], False)
    await replayed(copying, [elsewhere])
    assert (await look(copying.bootstrap, [elsewhere]))[0].replayed


async def test_a_letter_of_a_topic_that_is_not_here_is_refused(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE)])
    await add_letters(copying)
    (found,) = await letters(copying)
    elsewhere = found._replace(letter=found.letter.model_copy(update={"topic": unique("gone")}))
    with pytest.raises(DeadLetterError, match="which is not here: create what is missing with `tenfour topics apply`"):
        await look(copying.bootstrap, [elsewhere])


@pytest.mark.parametrize("place", [Place(0, 10**9), Place(900, 0)])
async def test_a_place_without_a_letter_is_told(copying: Copying, place: Place) -> None:
    with pytest.raises(DeadLetterError, match=f"no dead letter at {place}; `tenfour dead-letters list`"):
        await letters_at(copying.bootstrap, [place])


async def test_a_letter_is_found_at_its_place(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, numbered(range(3)))
    await add_letters(copying)
    found = await letters(copying)
    assert await letters_at(copying.bootstrap, [one.place for one in reversed(found)]) == found[::-1]


async def test_only_letters_of_records_that_came_since_are_read(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, numbered(range(2)))
    await add_letters(copying)
    newest = max(int(one.letter.failed_at.timestamp() * 1000) for one in await letters(copying))
    seen: list[tuple[int, int | None]] = []
    since = [found async for found in read_letters(copying.bootstrap, newest, lambda *told: seen.append(told))]
    assert {one.letter.stage for one in since} >= {copying.stage}
    assert all(one.letter.failed_at.timestamp() * 1000 >= newest for one in since)
    assert [found async for found in read_letters(copying.bootstrap, newest + 10**9)] == []
    assert seen[-1][0] == seen[-1][1]


async def test_what_is_no_dead_letter_is_passed_over(copying: Copying) -> None:
    await write(copying.bootstrap, DEAD_LETTERS, [(b"key", b"no record")])
    assert await letters(copying) == []
