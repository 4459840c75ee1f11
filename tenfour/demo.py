"""`tenfour demo`: the whole pipeline on this machine, replaying real mentions."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from agents.registry import load_policy
from gateway.replay import Progress, replay, span_after_last_post
from gateway.replay_file import read_replay
from schemas.codecs import UndecodableRecord, decode
from schemas.records import Mention, PublicReply
from streams.progress import wait_until_drained
from streams.reading import follow, read_to_end
from streams.running import stop_signal
from streams.settings import Settings, load_settings
from streams.topics import DEAD_LETTERS, MENTIONS_CLASSIFIED, MENTIONS_RAW, MENTIONS_ROUTED, SLA_EVENTS
from tenfour.demo_screen import DemoState, screen
from tenfour.flow import Flow
from tenfour.kafka import demo_folder
from tenfour.local_pipeline import SOURCES, LocalPipeline, local_pipeline

BUNDLE = Path(__file__).parent.parent / "gateway" / "bundle" / "mentions.jsonl"
TOPICS = (MENTIONS_RAW, MENTIONS_CLASSIFIED, MENTIONS_ROUTED, SLA_EVENTS, DEAD_LETTERS)
SPEED = 3600.0
LONGEST_WAIT_S = 0.1
"""An hour a second, and no silence longer than this: the bundle's two years take about three minutes."""
METRICS_PORT = 9410

CONSOLE = Console(stderr=True)

app = typer.Typer()


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="Replay as fast as it goes, check, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON object on stdout.")] = False,
    speed: Annotated[float, typer.Option(help="Recorded seconds a second; silences are cut short.")] = SPEED,
    file: Annotated[Path, typer.Option(help="What is replayed.")] = BUNDLE,
) -> None:
    """Starts an embedded Kafka and every stage, and replays real mentions until Ctrl-C."""
    settings = load_settings().model_copy(update={"ticks": "replay", "bootstrap": ""})
    records = read_replay(file)
    if once:
        raise typer.Exit(asyncio.run(_once(settings, records, as_json)))
    asyncio.run(_live(settings, records, speed))


async def _once(settings: Settings, records: list[Mention | PublicReply], as_json: bool) -> int:
    settings = settings.model_copy(update={"metrics_port": 0})
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tenfour-demo-") as folder:
        async with local_pipeline(_with_own_database(settings, Path(folder)), Path(folder), _say) as pipeline:
            await _replay(pipeline, records, None, lambda _done, _total: None)
            _say("waiting until every stage has handled everything")
            await wait_until_drained(pipeline.settings.bootstrap, SOURCES)
            flow = await _count(pipeline.settings.bootstrap)
    summary = flow.summary(time.monotonic() - started)
    if as_json:
        print(json.dumps(summary))
    else:
        for name, value in summary.items():
            print(f"{name:16} {value}")
    if not flow.complete():
        _say("not complete: a mention has no end, a cycle no verdict, or a dead letter was written")
    return 0 if flow.complete() else 1


def _with_own_database(settings: Settings, folder: Path) -> Settings:
    """Made anew with the log: rows of another log don't go with it."""
    return settings.model_copy(update={"database": f"sqlite:///{folder}/desk.db"})


async def _count(bootstrap: str) -> Flow:
    flow = Flow()
    async for record in read_to_end(bootstrap, [topic.name for topic in TOPICS]):
        _add(flow, record)
    return flow


def _add(flow: Flow, record: Any) -> None:
    try:
        flow.add(decode(record.value), (record.topic, record.partition, record.offset))
    except UndecodableRecord:
        return  # it stands on dead-letters too, and is counted there


async def _live(settings: Settings, records: list[Mention | PublicReply], speed: float) -> None:
    folder = demo_folder(settings)
    shutil.rmtree(folder, ignore_errors=True)  # the replay's time starts anew, and so must the log
    if not settings.metrics_port:
        settings = settings.model_copy(update={"metrics_port": METRICS_PORT})
    stop = asyncio.create_task(stop_signal())
    async with local_pipeline(_with_own_database(settings, folder), folder, _say) as pipeline:
        state = DemoState(Flow(), pipeline, len(records))
        work = [asyncio.create_task(_watch(state)), asyncio.create_task(_replay_live(state, records, speed))]
        with Live(get_renderable=lambda: screen(state), console=CONSOLE, refresh_per_second=4):
            await _until_stopped(stop, work)
        _say("stopping")


async def _until_stopped(stop: asyncio.Task[None], work: list[asyncio.Task[None]]) -> None:
    """Returns at Ctrl-C; raises what the watching or the replay raises."""
    waiting = {stop, *work}
    while not stop.done():
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    for task in work:
        task.cancel()


async def _replay_live(state: DemoState, records: list[Mention | PublicReply], speed: float) -> None:
    await _replay(state.pipeline, records, speed, state.replayed)
    state.finished = True


async def _watch(state: DemoState) -> None:
    async for record in follow(state.pipeline.settings.bootstrap, [topic.name for topic in TOPICS], from_start=True):
        _add(state.flow, record)


async def _replay(
    pipeline: LocalPipeline, posts: list[Mention | PublicReply], speed: float | None, progress: Progress
) -> None:
    after = span_after_last_post(load_policy(pipeline.settings.policy))
    await replay(
        posts,
        pipeline.settings,
        last_deadline_after=after,
        speed=speed,
        clock=time.time,
        longest_wait_s=LONGEST_WAIT_S,
        progress=progress,
    )


def _say(text: str) -> None:
    CONSOLE.print(text, markup=False, highlight=False)
