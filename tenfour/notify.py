"""`tenfour notify`: tells people of escalations, in this process."""

from __future__ import annotations

import time

import typer
import uvloop

from gateway.notify_channels import NotifyChannels, read_channels
from gateway.notify_people import notify_deliveries
from streams.deliveries import run_deliveries
from streams.logs import announce, start_logs
from streams.running import stop_signal
from streams.settings import Settings, SettingsError, load_settings
from streams.topics import require_topics
from tenfour.kafka import with_kafka
from tenfour.policy_file import read_policy

app = typer.Typer()


@app.command()
def notify() -> None:
    """Tell people of escalations, by the channels of TENFOUR_NOTIFY_CHANNELS, until Ctrl-C."""
    settings = load_settings()
    start_logs(settings.log_format, settings.log_level)
    if settings.notify_channels is None:
        raise SettingsError(
            "TENFOUR_NOTIFY_CHANNELS is not set: it names the file of channels, as docs/publishing.md says"
        )
    channels = read_channels(settings.notify_channels)
    policy = read_policy(settings.policy)
    named = {step.channel for path in policy.escalations for step in path.steps}
    for channel in sorted(named - channels.names):
        announce(f"tenfour: the policy tells people through {channel}, which {settings.notify_channels} does not have")
    uvloop.run(_notify(with_kafka(settings), channels))


async def _notify(settings: Settings, channels: NotifyChannels) -> None:
    await require_topics(settings.bootstrap, partitions=settings.partitions)
    deliveries = notify_deliveries(settings, channels, time.time)
    await run_deliveries(
        deliveries, settings, stop_signal, on_started=lambda: announce("telling people of escalations")
    )
