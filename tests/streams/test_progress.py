"""How far a stage has come, as others see it."""

import pytest

from streams.progress import stage_lags
from tests.streams.copying import Copying
from tests.streams.record_log import numbered, numbers, read, write
from tests.streams.summing import Summing
from tests.streams.worker_process import Workers

pytestmark = pytest.mark.kafka


async def test_a_stage_that_has_read_all_of_a_transactional_topic_has_no_lag(bootstrap: str, workers: Workers) -> None:
    """Its committed offset stays before the end: what stands there is the end of a transaction."""
    summing, copying = await Summing(bootstrap, workers).made(), await Copying(bootstrap, workers).made()
    copying.source = summing.target
    await write(bootstrap, summing.source, numbered(range(400)))
    summing.start()
    await summing.drained()
    stage = (copying.stage, f"tenfour-{copying.stage}", copying.source.name)
    (before,) = await stage_lags(bootstrap, [stage])
    assert before.records >= 400
    assert before.oldest_s is not None
    assert before.oldest_s > 0
    copying.start()
    await copying.drained()
    (after,) = await stage_lags(bootstrap, [stage])
    assert (after.records, after.oldest_s) == (0, None)
    assert after.done - before.done >= 400
    assert numbers(await read(bootstrap, copying.target)) == numbers(await read(bootstrap, summing.target))


async def test_two_groups_that_read_the_same_topic_have_each_their_own_lag(bootstrap: str, workers: Workers) -> None:
    ahead, behind = await Copying(bootstrap, workers).made(), await Copying(bootstrap, workers).made()
    behind.source = ahead.source
    await write(bootstrap, ahead.source, numbered(range(50)))
    ahead.start()
    await ahead.drained()
    sources = [(stage, f"tenfour-{stage}", ahead.source.name) for stage in (behind.stage, ahead.stage)]
    lags = await stage_lags(bootstrap, sources, clock=lambda: 4_000_000_000.0)
    assert [(lag.stage, lag.records) for lag in lags] == [(behind.stage, 50), (ahead.stage, 0)]
    assert lags[0].oldest_s is not None
    assert lags[0].oldest_s > 1_000_000_000
