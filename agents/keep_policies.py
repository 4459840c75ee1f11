"""`policies`: route writes the policy it decides by before it decides, deadlines and desk read it."""

from __future__ import annotations

from domain.calendars import Calendar, parse_calendar
from domain.policy import Policy, restored_policy
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode
from schemas.records import PolicyVersion
from streams.partitions import partition_of
from streams.reading import follow, read_to_end
from streams.record_batches import OutgoingRecord
from streams.settings import Settings
from streams.stages import RunningStage
from streams.topics import POLICIES
from streams.writing import new_producer, write_records

_CODEC = Codec[PolicyVersion](PolicyVersion)


class UnknownPolicy(LookupError):
    """A conversation names a policy that the topic `policies` did not hold when it was read."""

    def __init__(self, version: str) -> None:
        super().__init__(f"policy {version} is not on the topic `policies`: was its record deleted there?")


class KnownCalendars:
    """The calendars of every policy on the topic, by content hash. What is once known never changes."""

    def __init__(self) -> None:
        self._by_version: dict[str, Calendar] = {}

    def get(self, version: str) -> Calendar | None:
        return self._by_version.get(version)

    def learn(self, value: bytes | None) -> None:
        """Raises UndecodableRecord or CalendarError for a record that is no policy: nothing can be counted then."""
        if value is None:
            return
        self._keep(_CODEC.decode(value))

    def _keep(self, record: PolicyVersion) -> None:
        for version, data in record.calendars.items():
            if version not in self._by_version:
                self._by_version[version] = parse_calendar(data)

    async def read(self, settings: Settings) -> None:
        """Learns what the topic holds now."""
        async for record in read_to_end(settings.bootstrap, [POLICIES.name]):
            self.learn(record.value)

    async def follow(self, running: RunningStage) -> None:
        """Learns new policies as they come."""
        async for record in follow(running.settings.bootstrap, [POLICIES.name], from_start=True):
            self.learn(record.value)


class KnownPolicies(KnownCalendars):
    """The policies on the topic as well, by content hash."""

    def __init__(self) -> None:
        super().__init__()
        self._policies: dict[str, Policy] = {}

    def policy(self, version: str) -> Policy:
        """Raises UnknownPolicy."""
        found = self._policies.get(version)
        if found is None:
            raise UnknownPolicy(version)
        return found

    def _keep(self, record: PolicyVersion) -> None:
        super()._keep(record)
        if record.id not in self._policies:
            self._policies[record.id] = restored_policy(record.policy)


async def write_policy(policy: Policy, settings: Settings, now_ms: int) -> None:
    """Returns when the broker has acknowledged it; the same policy again replaces itself."""
    record = policy.record()
    key = record.id.encode()
    outgoing = OutgoingRecord(key, encode(record), headers_of(record, "/tenfour/route"), now_ms)
    producer = new_producer(settings.bootstrap)
    await producer.start()
    try:
        await write_records(producer, POLICIES.name, partition_of(key, settings.partitions), [outgoing])
    finally:
        await producer.stop()
