"""Who works, as the groups' coordinator says."""

import pytest

from streams.consumer_groups import group_members
from tests.streams.copying import Copying
from tests.streams.record_log import numbered, unique, write
from tests.streams.worker_process import Workers

pytestmark = pytest.mark.kafka


async def test_the_members_of_each_group_are_counted(bootstrap: str, workers: Workers) -> None:
    copying = await Copying(bootstrap, workers).made()
    group, nobodys = f"tenfour-{copying.stage}", unique("nobodys")
    assert await group_members(bootstrap, [group]) == {group: 0}
    await write(bootstrap, copying.source, numbered(range(10)))
    copying.start()
    await copying.drained()
    assert await group_members(bootstrap, [nobodys, group]) == {nobodys: 0, group: 1}
