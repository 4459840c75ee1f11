"""`tenfour publish`: posts the desk's replies, in this process."""

from __future__ import annotations

import time

import typer
import uvloop

from gateway.publish_replies import publish_deliveries
from gateway.reply_channel import ReplyChannel
from streams.deliveries import run_deliveries
from streams.logs import announce, start_logs
from streams.running import stop_signal
from streams.settings import Settings, SettingsError, load_settings
from streams.topics import require_topics
from tenfour.kafka import with_kafka

app = typer.Typer()


@app.command()
def publish() -> None:
    """Post the replies that the desk hands on, to TENFOUR_PUBLISH_URL, until Ctrl-C."""
    settings = load_settings()
    start_logs(settings.log_format, settings.log_level)
    if not settings.publish_url:
        raise SettingsError("TENFOUR_PUBLISH_URL is not set: it says where replies are posted, docs/publishing.md how")
    uvloop.run(_publish(settings))


async def _publish(settings: Settings) -> None:
    channel = ReplyChannel(settings, time.time)
    settings = with_kafka(settings)
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    deliveries = publish_deliveries(settings, channel, time.time)
    await run_deliveries(deliveries, settings, stop_signal, on_started=lambda: announce("publishing replies"))
    await channel.close()
