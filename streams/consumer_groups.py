"""Who works: the members of consumer groups, as their coordinator knows them."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError


async def group_members(bootstrap: str, groups: Iterable[str]) -> dict[str, int]:
    """How many members each group has now; 0 for one that nobody has ever joined."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {group: await _members(admin, group) for group in groups}
    finally:
        await admin.close()


async def _members(admin: AIOKafkaAdminClient, group: str) -> int:
    try:
        # One by one: aiokafka reads the answer for several as an older version and goes astray after the first.
        (answer,) = await admin.describe_consumer_groups([group])
    except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
        return 0  # no group has joined in this cluster yet, or its coordinator is moving
    ((_code, _group, _state, _protocol_type, _protocol, members, *_rest),) = answer.groups
    return len(members)
