"""`mention-counts` -> `sla-events`: says which kind of mention a brand suddenly has far more of."""

from __future__ import annotations

from domain.mention_counts import brand_key
from domain.policy import Policy
from domain.spike_watch import SpikeWatch
from schemas.cloudevents import headers_of
from schemas.codecs import Codec, encode
from schemas.records import CountedUntil, MentionCount, SpikeDetected
from streams.dead_letters import add_dead_letter
from streams.metrics import OPEN_SPIKES, SPIKES
from streams.record_batches import Outbox, OutgoingRecord, ReceivedRecord, RecordBatch
from streams.stages import Stage
from streams.topics import MENTION_COUNTS, SLA_EVENTS, SPIKES_STATE

STAGE = "spikes"
SOURCE = f"/tenfour/{STAGE}"
_CODEC = Codec[MentionCount | CountedUntil](MentionCount, CountedUntil)


class SpikesFold:
    """The watch over one partition, between the log and the log."""

    def __init__(self, partition: int, policy: Policy, partitions: int) -> None:
        self._partition = partition
        self._watch = SpikeWatch(policy.spikes, partitions, policy.version)

    def restore(self, key: bytes, value: bytes | None) -> None:
        self._watch.restore(key, value)

    def restored(self) -> None:
        self._report_open()

    def fold(self, batch: RecordBatch, outbox: Outbox) -> None:
        for record in batch.records:
            try:
                spikes = self._watch.fold(_CODEC.decode(record.value))
            except ValueError as error:
                add_dead_letter(outbox, STAGE, record, error)
                continue
            outbox.to(SLA_EVENTS.name, self._partition).extend([_outgoing(spike, record) for spike in spikes])
        state = outbox.to(SPIKES_STATE.name, self._partition)
        timestamp = batch.records[-1].timestamp
        state.extend([OutgoingRecord(key, value, [], timestamp) for key, value in self._watch.take_changes()])
        self._report_open()

    def given_up(self) -> None:
        OPEN_SPIKES.remove(str(self._partition))

    def checkpoint(self, outbox: Outbox) -> None:
        """All changes have been written."""

    def _report_open(self) -> None:
        OPEN_SPIKES.labels(str(self._partition)).set(len(self._watch.told))


def spikes_stage(policy: Policy, partitions: int) -> Stage:
    """`partitions`: of every topic."""
    SPIKES.start_at_zero()
    return Stage(
        STAGE,
        MENTION_COUNTS,
        new_fold=lambda partition: SpikesFold(partition, policy, partitions),
        state=SPIKES_STATE,
    )


def _outgoing(spike: SpikeDetected, cause: ReceivedRecord) -> OutgoingRecord:
    SPIKES.labels(spike.type).inc()
    return OutgoingRecord(brand_key(spike.brand), encode(spike), headers_of(spike, SOURCE), cause.timestamp)
