"""From mentions-raw to sla-events on a real Kafka, by the stages as they run in production."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from bench.free_ports import free_port
from gateway.replay_file import read_replay
from schemas.ids import conversation_key
from schemas.records import DeadLetter, Mention, PublicReply, RoutedMention
from streams.partitions import partition_of
from streams.topics import apply_topics
from tests.pipeline.harness import (
    PARTITIONS,
    STAGES,
    Workers,
    metrics_of,
    run_pipeline,
    undisturbed,
    write_raw,
)
from tests.pipeline.traffic import BRAND, EPOCH, complaint, conversations, records, reply

BUNDLE = Path("gateway/bundle/mentions.jsonl")


async def test_every_real_mention_ends_routed_or_as_spam_and_every_cycle_has_one_verdict(
    workers: Workers,
) -> None:
    posts = read_replay(BUNDLE)
    ran = await run_pipeline(workers, posts, undisturbed)
    assert ran.flow.ingested == {post.id for post in posts if isinstance(post, Mention)}
    assert ran.flow.replies == {post.id for post in posts if isinstance(post, PublicReply)}
    assert ran.flow.complete()
    assert not ran.repeated_events()
    by_id = {post.id: post for post in posts}
    for routed in ran.records["mentions-routed"]:
        assert isinstance(routed, RoutedMention)
        source = by_id[routed.mention.id]
        assert (routed.mention.text, routed.mention.posted_at) == (source.text, source.posted_at)


async def test_replies_stop_timers_exactly_where_arithmetic_says(workers: Workers) -> None:
    traffic = conversations(300, seed=1)
    ran = await run_pipeline(workers, records(traffic), undisturbed)
    assert ran.verdicts() == {conversation.key: conversation.verdict for conversation in traffic}
    assert not ran.repeated_events()


async def test_each_process_serves_its_metrics(workers: Workers) -> None:
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    ports = {stage: free_port() for stage in STAGES}
    for stage, port in ports.items():
        workers.environment["TENFOUR_METRICS_PORT"] = str(port)
        workers.start(stage)
    await run_pipeline(workers, records(conversations(50, seed=3)), undisturbed)
    seen = {stage: metrics_of(port) for stage, port in ports.items()}
    posts = len(records(conversations(50, seed=3)))
    assert seen["classify"]["tenfour_model_texts_total"] == 50
    assert seen["classify"]['tenfour_events_total{stage="classify"}'] > posts
    assert seen["route"]['tenfour_batch_records_count{stage="route"}'] > 0
    assert seen["route"]['tenfour_delay_seconds_count{stage="route"}'] > 0
    deadlines = seen["deadlines"]
    open_timers = [value for name, value in deadlines.items() if name.startswith("tenfour_open_timers")]
    assert sum(open_timers) == 50  # the resolutions
    assert min(value for name, value in deadlines.items() if name.startswith("tenfour_last_tick")) > 0
    started = deadlines['tenfour_sla_events_total{kind="started",target="first_response",type="customer_complaint"}']
    breached = deadlines['tenfour_sla_events_total{kind="breached",target="first_response",type="customer_complaint"}']
    assert started == 50
    assert 0 < breached < 50
    assert deadlines["tenfour_verdict_delay_seconds_count"] == breached
    await _until_no_lag(ports["deadlines"])


async def _until_no_lag(port: int) -> None:
    """Lag is shown once a second; on a busy machine, later."""
    for _ in range(150):
        lags = [value for name, value in metrics_of(port).items() if name.startswith("tenfour_lag_records")]
        if sum(lags) == 0:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"still behind: {lags}")


async def test_a_reply_behind_a_backlog_causes_no_breach(workers: Workers) -> None:
    """Nobody works while complaint, reply and hours of ticks pile up; then everything is read at once."""
    traffic = [c for c in conversations(600, seed=2) if c.answered_after is not None]
    ran = await run_pipeline(workers, records(traffic), undisturbed, backlog=True)
    assert ran.verdicts() == {conversation.key: conversation.verdict for conversation in traffic}


async def test_what_cannot_be_handled_becomes_a_dead_letter_and_the_rest_goes_on(workers: Workers) -> None:
    good = complaint("good", EPOCH)
    key = conversation_key(BRAND, "twitter", "good").encode()
    partition = partition_of(key, PARTITIONS)
    huge = json.loads(complaint("huge", EPOCH).model_dump_json()) | {"text": "x" * 2_000_000}
    newer = json.loads(complaint("newer", EPOCH).model_dump_json()) | {"version": 2}
    stranger = complaint("stranger", EPOCH, brand="NobodyKnows")
    stranger_key = conversation_key("NobodyKnows", "twitter", "stranger").encode()
    bad = [
        (key, b"\xff\xfe not json"),
        (key, None),
        (conversation_key(BRAND, "twitter", "huge").encode(), json.dumps(huge).encode()),
        (conversation_key(BRAND, "twitter", "newer").encode(), json.dumps(newer).encode()),
        (stranger_key, stranger.model_dump_json().encode()),
        (b"someone-elses-key", complaint("misplaced", EPOCH).model_dump_json().encode()),
    ]
    await apply_topics(workers.bootstrap, partitions=PARTITIONS, replication=1)
    await write_raw(workers.bootstrap, [(partition, name, value) for name, value in bad])
    ran = await run_pipeline(workers, [good, reply("good", EPOCH + timedelta(minutes=5))], undisturbed)
    letters = [letter for letter in ran.records["dead-letters"] if isinstance(letter, DeadLetter)]
    by_error = {letter.error: letter for letter in letters}
    assert len(letters) == len(bad)
    assert {letter.value for letter in letters if letter.stage == "classify"} == {
        value for name, value in bad if name != stranger_key
    }
    assert "version 2" in " ".join(letter.message for letter in letters)
    assert "100000" in " ".join(letter.message for letter in letters)
    assert "NobodyKnows" in by_error["UnknownBrand"].message
    assert by_error["UnknownBrand"].stage == "route"
    assert by_error["UnknownBrand"].topic == "mentions-classified"
    assert {(letter.topic, letter.partition) for letter in letters if letter.stage == "classify"} == {
        ("mentions-raw", partition)
    }
    assert ran.verdicts() == {conversation_key(BRAND, "twitter", "good"): "met"}
