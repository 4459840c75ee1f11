"""A channel that knows nothing of idempotency keys, and the process that publishes on it, killed while it posts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from schemas.codecs import decode
from schemas.desk_events import ReplyToPublish
from schemas.outcomes import PublishIntent, PublishOutcome
from schemas.records import PublicReply
from streams.reading import read_to_end
from streams.topics import MENTIONS_RAW, PUBLISH_LOG
from tests.gateway.channel_server import Channel, open_channel

KILLS = 8
POSTS = {"ok": 80, "slow": 8, "store_and_drop": 3, "store_and_hang": 3, "drop": 2, "hang": 2, "fail": 1, "accept": 1}
LOOK_UPS = {"ok": 80, "fail": 15, "hang": 5}
"""Of a hundred replies: what the channel does with the first request about it."""


class _Moods(defaultdict[str, deque[str]]):
    """Drawn from the reply's id."""

    def __init__(self, seed: int, of_a_hundred: dict[str, int]) -> None:
        super().__init__(deque)
        self._seed, self._of_a_hundred = seed, of_a_hundred

    def __missing__(self, reply: str) -> deque[str]:
        chance = random.Random(f"{self._seed} {reply}")
        self[reply] = found = deque(chance.choices(list(self._of_a_hundred), list(self._of_a_hundred.values())))
        return found


def open_forgetful_channel(seed: int) -> AbstractAsyncContextManager[Channel]:
    """A second request to post would be seen on it; it tells the truth when it is asked, if not at once."""
    return open_channel(idempotent=False, post=_Moods(seed, POSTS), look_up=_Moods(seed, LOOK_UPS))


async def kill_while_it_posts(channel: Channel, kill: Callable[[], None], seed: int) -> None:
    """As a request comes, as its post is there but not answered, or a moment later. Between two kills it posts for some
    seconds, so that it also gets on."""
    chance, happened = random.Random(seed), asyncio.Event()

    def strike() -> None:
        channel.on_request = channel.on_stored = _nothing  # requests come together
        kill()
        happened.set()

    def strike_after(seconds: float) -> Callable[[], None]:
        def wait_and_strike() -> None:
            channel.on_stored = _nothing
            asyncio.get_running_loop().call_later(seconds, strike)

        return wait_and_strike

    for _ in range(KILLS):
        channel.on_request = happened.set
        await _once(happened)
        channel.on_request = _nothing
        await asyncio.sleep(chance.uniform(1, 4))
        moment, later = chance.choice(("as it comes", "as it is stored", "later")), chance.uniform(0.01, 0.3)
        if moment == "as it comes":
            channel.on_request = strike
        else:
            channel.on_stored = strike if moment == "as it is stored" else strike_after(later)
        await _once(happened)


async def _once(event: asyncio.Event) -> None:
    event.clear()
    await event.wait()


def _nothing() -> None:
    """Happens."""


async def published_once(bootstrap: str, channel: Channel, replies: Sequence[ReplyToPublish]) -> str:
    """Checks that each reply, and nothing else, is on the channel once, has one outcome and one public reply in the
    log. Gives the figures."""
    handed_on = Counter(reply.id for reply in replies)
    assert channel.copies() == handed_on == Counter(set(handed_on))
    logged = [decode(record.value) async for record in read_to_end(bootstrap, [PUBLISH_LOG.name])]
    outcomes = [record for record in logged if isinstance(record, PublishOutcome)]
    assert Counter(outcome.reply for outcome in outcomes) == handed_on
    assert {outcome.result for outcome in outcomes} <= {"published"}
    raw = [decode(record.value) async for record in read_to_end(bootstrap, [MENTIONS_RAW.name])]
    public = [record for record in raw if isinstance(record, PublicReply)]
    assert Counter(record.reply for record in public) == handed_on
    assert len({record.id for record in public}) == len(public)
    requests, intents = (
        Counter(method for method, _ in channel.requests),
        Counter(record.reply.id for record in logged if isinstance(record, PublishIntent)),
    )
    looked_up = len({reply for method, reply in channel.requests if method == "GET"})
    again = sum(number > 1 for number in intents.values())
    return (
        f"{len(channel.public)} posts on the channel of {requests['POST']} requests to post and {requests['GET']} "
        f"look-ups, {looked_up} replies looked up, {again} announced more than once"
    )
