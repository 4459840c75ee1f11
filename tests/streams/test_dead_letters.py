"""What a stage can't read is kept as it was, with the reason, and the rest of its batch goes on."""

import pytest

from schemas.codecs import UndecodableRecord, decode
from schemas.records import DeadLetter
from streams.dead_letters import add_dead_letter
from streams.record_batches import Outbox
from streams.topics import DEAD_LETTERS
from tests.streams.copying import Copying
from tests.streams.record_log import numbered, read, values, write
from tests.streams.worker_process import Workers

pytestmark = pytest.mark.kafka
UNREADABLE = b"\xff\xfe no number \x00"


@pytest.fixture
async def copying(kafka: str, workers: Workers) -> Copying:
    return await Copying(kafka, workers).made()


async def letters(copying: Copying) -> list[DeadLetter]:
    """Those of the stage. Other tests write to the topic too, and not letters alone."""
    found = await read(copying.bootstrap, DEAD_LETTERS)
    decoded = [_letter(record.value) for records in found.values() for record in records]
    return [letter for letter in decoded if letter is not None and letter.stage == copying.stage]


def _letter(value: bytes) -> DeadLetter | None:
    try:
        letter = decode(value)
    except UndecodableRecord:
        return None
    return letter if isinstance(letter, DeadLetter) else None


async def test_undecodable_bytes_become_a_dead_letter_with_all_that_is_known_of_them(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-3", b"1"), (b"key-3", UNREADABLE), (b"key-3", b"2")])
    copying.start()
    await copying.drained()
    source = await read(copying.bootstrap, copying.source)
    record = next(found for records in source.values() for found in records if found.value == UNREADABLE)
    (letter,) = await letters(copying)
    assert (letter.topic, letter.partition, letter.offset) == (copying.source.name, record.partition, record.offset)
    assert (letter.key, letter.value) == (b"key-3", UNREADABLE)
    assert letter.error == "ValueError"
    assert "invalid literal for int()" in letter.message
    assert letter.failed_at.timestamp() * 1000 == pytest.approx(record.timestamp)


async def test_the_rest_of_the_batch_goes_on(copying: Copying) -> None:
    pairs: list[tuple[bytes, bytes | None]] = [*numbered(range(1000))]
    for place, value in ((0, UNREADABLE), (500, None), (900, UNREADABLE)):
        pairs.insert(place, (b"key-%d" % (place % 40), value))
    await write(copying.bootstrap, copying.source, pairs)
    worker = copying.start()
    await copying.drained()
    assert worker.status is None
    assert sorted(str(letter.value) for letter in await letters(copying)) == ["None", *2 * [str(UNREADABLE)]]
    readable = {
        partition: [value for value in inside if value not in (UNREADABLE, None)]
        for partition, inside in values(await read(copying.bootstrap, copying.source)).items()
    }
    assert values(await read(copying.bootstrap, copying.target)) == readable


async def test_the_letter_of_a_record_that_comes_again_is_the_same(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE)])
    first, second = Outbox(), Outbox()
    for outbox in (first, second):
        for records in (await read(copying.bootstrap, copying.source)).values():
            for record in records:
                add_dead_letter(outbox, copying.stage, record, ValueError("no number"))
    assert first.groups == second.groups
    assert first


async def test_an_error_without_words_is_named_and_a_long_one_is_cut(copying: Copying) -> None:
    await write(copying.bootstrap, copying.source, [(b"key-1", UNREADABLE)])
    (record,) = [found for records in (await read(copying.bootstrap, copying.source)).values() for found in records]
    outbox = Outbox()
    add_dead_letter(outbox, copying.stage, record, KeyError())
    add_dead_letter(outbox, copying.stage, record, ValueError("x" * 5000))
    written = [decode(letter.value) for letter in outbox.to(DEAD_LETTERS.name, record.partition)]
    assert [letter.message for letter in written if isinstance(letter, DeadLetter)] == ["KeyError", "x" * 1000]
