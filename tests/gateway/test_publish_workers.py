"""Workers that publish: their settings, their ends, and who goes on where one was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.publish_replies import LEAVES_WITHIN_S
from gateway.reply_channel import ReplyChannel
from schemas.outcomes import PublishIntent
from streams.settings import Settings
from streams.topics import MENTIONS_RAW, PUBLISH_LOG
from tests.gateway.channel_server import Channel, open_channel
from tests.gateway.publishing import decoded, found, new_reply, outcome_of, publishing, tell
from tests.streams.worker_process import ROOT

pytestmark = pytest.mark.kafka


@contextmanager
def worker(kafka: str, url: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real `tenfour publish` in a process of its own; killed when the block is left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TENFOUR_", "KAFKA_"))}
    settings = {"TENFOUR_BOOTSTRAP": kafka, "TENFOUR_PUBLISH_URL": url, "TENFOUR_PUBLISH_TIMEOUT_S": "2"}
    program = [sys.executable, "-m", "tenfour.main", "publish"]
    with log.open("ab") as output, subprocess.Popen(program, cwd=ROOT, env=kept | settings, stderr=output) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


async def test_a_worker_that_is_killed_is_followed_by_one_that_asks_before_it_posts(kafka: str, tmp_path: Path) -> None:
    """On a channel that knows nothing of keys: it has one of the two replies, and the log an intent of each."""
    there, lost = new_reply(), new_reply()
    async with open_channel(idempotent=False) as channel:
        channel.will(there.id, "store_and_hang")
        channel.will(lost.id, "hang")
        with worker(kafka, channel.url, tmp_path / "log") as first:
            await tell(kafka, there, lost)
            await found(lambda: _requests(channel, 2))
            first.kill()
        for reply in (there, lost):
            (intent,) = await decoded(kafka, PUBLISH_LOG.name, reply.conversation)
            assert isinstance(intent, PublishIntent)
        with worker(kafka, channel.url, tmp_path / "log"):
            outcomes = [await outcome_of(kafka, reply) for reply in (there, lost)]
    assert [outcome.result for outcome in outcomes] == ["published", "published"]
    assert channel.copies() == {there.id: 1, lost.id: 1}
    assert channel.asked(there.id) == ["POST", "GET"]
    assert channel.asked(lost.id) == ["POST", "GET", "POST"]
    assert len(await decoded(kafka, MENTIONS_RAW.name, there.conversation)) == 1


async def test_a_worker_that_stood_still_and_was_replaced_posts_nothing_more(kafka: str, tmp_path: Path) -> None:
    replies = [new_reply() for _ in range(30)]
    async with open_channel(idempotent=False) as channel:
        for reply in replies:
            channel.will(reply.id, "slow")
        with worker(kafka, channel.url, tmp_path / "log") as zombie:

            def stop_soon() -> None:
                channel.on_request = lambda: None
                asyncio.get_running_loop().call_later(0.2, zombie.send_signal, signal.SIGSTOP)

            channel.on_request = stop_soon
            await tell(kafka, *replies)
            await found(lambda: _stopped(zombie))
            with worker(kafka, channel.url, tmp_path / "log"):
                for reply in replies:
                    await outcome_of(kafka, reply)
                zombie.send_signal(signal.SIGCONT)
                await asyncio.sleep(3)
    assert {channel.copies()[reply.id] for reply in replies} == {1}


async def test_a_request_that_is_ready_too_late_does_not_leave() -> None:
    async with open_channel() as server:
        channel, reply = ReplyChannel(Settings(publish_url=server.url), time.time), new_reply()
        answer = await channel.post(reply, leaves_by=time.monotonic() - 0.001)
        await channel.close()
    assert (answer.sent, server.asked(reply.id)) == (False, [])


async def test_requests_that_are_cut_off_at_any_moment_leave_the_channel_within_reach() -> None:
    async with open_channel() as server:
        channel = ReplyChannel(Settings(publish_url=server.url, publish_requests=1), time.time)
        for moment in range(300):
            with suppress(TimeoutError):
                await asyncio.wait_for(channel.look_up("none"), moment * 0.00002)
        assert (await channel.look_up("none")).status == 404
        await channel.close()


async def test_a_worker_that_is_told_to_stop_finishes_the_request_that_has_left(kafka: str, tmp_path: Path) -> None:
    reply = new_reply()
    async with open_channel() as channel:
        with worker(kafka, channel.url, tmp_path / "log") as process:
            channel.will(reply.id, "slow")
            channel.on_stored = process.terminate
            await tell(kafka, reply)
            assert await asyncio.to_thread(process.wait, 40) == 0
        outcome = await outcome_of(kafka, reply)
    assert (outcome.result, channel.asked(reply.id)) == ("published", ["POST"])


async def test_of_a_channel_that_cannot_be_asked_a_lost_answer_is_uncertain_at_once(kafka: str) -> None:
    reply = new_reply()
    async with open_channel() as channel, publishing(kafka, channel.url, publish_lookup_url="none"):
        channel.will(reply.id, "store_and_drop")
        await tell(kafka, reply)
        outcome = await outcome_of(kafka, reply)
    assert (outcome.result, channel.asked(reply.id)) == ("uncertain", ["POST"])


async def test_a_channel_that_is_not_there_yet_is_waited_for(kafka: str) -> None:
    reply = new_reply()
    async with open_channel() as gone:
        url = gone.url
    async with publishing(kafka, url):
        await tell(kafka, reply)
        await found(lambda: decoded(kafka, PUBLISH_LOG.name, reply.conversation))
        await asyncio.sleep(0.5)
    async with open_channel() as channel, publishing(kafka, channel.url):
        outcome = await outcome_of(kafka, reply)
    assert (outcome.result, channel.copies()[reply.id]) == ("published", 1)


async def test_a_reply_that_was_handed_on_too_long_ago_is_not_posted_by_surprise(kafka: str) -> None:
    reply = new_reply()
    async with open_channel() as channel, publishing(kafka, channel.url, publish_minutes=30):
        await tell(kafka, reply, minutes_ago=31)
        outcome = await outcome_of(kafka, reply)
    assert (outcome.result, outcome.attempts) == ("refused", 0)
    assert outcome.reason == "the reply could not be posted within 30 minutes"
    assert channel.asked(reply.id) == []


async def test_the_token_is_sent_to_the_channel(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text("hunter2\n")
    reply = new_reply()
    async with open_channel() as channel, publishing(kafka, channel.url, publish_token_file=file):
        await tell(kafka, reply)
        await outcome_of(kafka, reply)
    assert set(channel.authorizations) == {"Bearer hunter2"}


async def test_a_token_is_refused_with_its_setting_and_not_shown() -> None:
    with pytest.raises(ValueError, match=r"^TENFOUR_PUBLISH_TOKEN: is no bearer token") as refused:
        ReplyChannel(Settings(publish_url="https://channel.example", publish_token="hunter 2"), time.time)
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize("url", ["channel.example/replies", "ftp://channel.example", "https://"])
async def test_an_address_that_is_none_is_refused_with_its_setting(url: str) -> None:
    with pytest.raises(ValueError, match=r"^TENFOUR_PUBLISH_URL: is no address of a webhook"):
        ReplyChannel(Settings(publish_url=url), time.time)


def test_a_request_leaves_long_before_the_next_worker_looks_it_up() -> None:
    assert Settings().session_timeout_s > LEAVES_WITHIN_S


async def _stopped(process: subprocess.Popen[bytes]) -> list[str]:
    status = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return [status] if status == "T" else []


async def _requests(channel: Channel, count: int) -> list[tuple[str, str]]:
    return channel.requests if len(channel.requests) >= count else []
