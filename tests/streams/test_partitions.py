"""Keys go where every Java client would send them."""

from collections import Counter

import pytest

from schemas.ids import conversation_key
from streams.partitions import partition_of

# Kafka's own test vectors, from org.apache.kafka.common.utils.UtilsTest
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "hashed"), JAVA.items())
def test_the_hash_is_that_of_the_java_client(key: bytes, hashed: int) -> None:
    assert partition_of(key, 2**31) == hashed & 0x7FFFFFFF


@pytest.mark.parametrize("partitions", [1, 4, 8, 12])
def test_conversations_spread_evenly(partitions: int) -> None:
    keys = [conversation_key("nortel", "twitter", str(thread)).encode() for thread in range(12_000)]
    found = Counter(partition_of(key, partitions) for key in keys)
    assert set(found) == set(range(partitions))
    assert max(found.values()) < 1.15 * len(keys) / partitions
