"""Workers that hand over to each other under load."""

from tests.streams.copying import Copying
from tests.streams.record_log import Feed, grows, joined
from tests.streams.summing import Summing


async def hand_over(stage: Copying | Summing, times: int) -> None:
    """A worker joins and the older one leaves, in order, so many times."""
    # A trickle: fetches wait for records, and are under way when partitions change hands
    async with Feed(stage.bootstrap, stage.source, per_second=150):
        staying = stage.start()
        for _ in range(times):
            passing = stage.start()
            await joined(stage.bootstrap, stage.stage, members=2)
            await grows(stage.bootstrap, stage.target, by=50)
            leaving, staying = staying, passing
            assert await leaving.stop() == 0, leaving.errors()
            await grows(stage.bootstrap, stage.target, by=50)
    await stage.drained()
