"""Which Kafka a command speaks to."""

from __future__ import annotations

import re
from pathlib import Path

from streams.broker_jars import BrokerError
from streams.broker_probe import answering_cluster
from streams.embedded_broker import broker_status
from streams.settings import Settings, SettingsError

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:,]+):\d{1,5}")


def broker_folder(settings: Settings) -> Path:
    """Where this machine's broker keeps its data."""
    return settings.data / "kafka"


def demo_folder(settings: Settings) -> Path:
    """Where the demo's broker does: its log begins anew each time."""
    return settings.data / "demo"


def with_kafka(settings: Settings) -> Settings:
    """The settings with a `bootstrap` that answers: the one given, else this machine's broker, else the demo's.

    Raises BrokerError where none answers, SettingsError for an address that is none.
    """
    if not settings.bootstrap:
        return settings.model_copy(update={"bootstrap": _embedded(settings)})
    addresses = [address.strip() for address in settings.bootstrap.split(",")]
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise SettingsError(f"KAFKA_BOOTSTRAP: {address!r} is no address; write host:port[,host:port]")
    if not any(answering_cluster(address) for address in addresses):
        raise BrokerError(
            f"no Kafka answers at {settings.bootstrap}; start it, or correct KAFKA_BOOTSTRAP or TENFOUR_BOOTSTRAP; "
            "with neither of them, the embedded broker is used"
        )
    return settings.model_copy(update={"bootstrap": ",".join(addresses)})


def _embedded(settings: Settings) -> str:
    running = broker_status(broker_folder(settings)) or broker_status(demo_folder(settings))
    if running is None:
        raise BrokerError(
            f"no broker runs in {settings.data}; start one with `tenfour broker start` or `tenfour up`, "
            "or set KAFKA_BOOTSTRAP to a cluster's address"
        )
    return running.bootstrap
