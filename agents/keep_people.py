"""`people`, and every partition of `desk-inbox`: who is at the desk, written in one transaction.

Some of the partitions alone would be another desk than the rest. The transactional id is also what makes the writer
the only one: who starts later fences who started before, and settles what that one had begun.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode
from schemas.desk_records import Person
from streams.reading import read_to_end
from streams.record_batches import Outbox, OutgoingRecord
from streams.settings import Settings
from streams.topics import DESK_INBOX, INCIDENT_INBOX, PEOPLE
from streams.writing import WriteFailed, only_writer, write_outbox

SOURCE: Final = "/tenfour/people"
WRITER: Final = "people"
"""The transactional id."""
PEOPLE_RECORDS: Final = Codec[Person](Person)


class PeopleWriter:
    """What it reads stays so until it has written, since nobody else can write."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings) -> None:
        self._producer, self._settings = producer, settings

    async def read(self) -> dict[str, Person]:
        """The people in the log, by id."""
        return await read_people(self._settings.bootstrap)

    async def write(self, people: Sequence[Person], now_ms: int) -> None:
        """Returns when all partitions show them; after a failure none ever does. Once only. Raises WriteFailed."""
        try:
            async with self._producer.transaction():
                await write_outbox(self._producer, people_outbox(people, self._settings.partitions, now_ms))
        except ProducerFenced:
            raise WriteFailed("somebody else writes people at this moment: nothing is written, do it again") from None
        async with people_writer(self._settings):
            """A transaction is done before all partitions show it; the next writer has to wait until they do."""


@asynccontextmanager
async def people_writer(settings: Settings) -> AsyncIterator[PeopleWriter]:
    """The only writer from here on. One that ended halfway is settled first: what it wrote is nowhere to be seen."""
    async with only_writer(settings.bootstrap, WRITER, settings.transaction_timeout_s) as producer:
        yield PeopleWriter(producer, settings)


async def read_people(bootstrap: str) -> dict[str, Person]:
    """The people in the log, by id. Raises UndecodableRecord."""
    found = {}
    async for record in read_to_end(bootstrap, [PEOPLE.name]):
        if record.value is not None:
            person = PEOPLE_RECORDS.decode(record.value)
            found[person.id] = person
    return found


def people_outbox(people: Sequence[Person], partitions: int, now_ms: int) -> Outbox:
    """Each into every partition of the desk and of the incidents, and once by id."""
    outbox = Outbox()
    for person in people:
        value, headers, key = encode(person), headers_of(person, SOURCE), person.id.encode()
        for partition in range(partitions):
            for topic in (DESK_INBOX, INCIDENT_INBOX):
                outbox.to(topic.name, partition).append(OutgoingRecord(None, value, headers, now_ms))
        outbox.to_key(PEOPLE.name, key, partitions).append(OutgoingRecord(key, value, headers, now_ms))
    return outbox
