"""Which partition a key belongs to: murmur2, as every Java client has it."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """0 to partitions - 1. The hash is pure Python, 10 us a key: hence the memory of recent keys."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
