"""Runs the HTTP gateway inside an asyncio program, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from gateway.intake import Clock, new_gateway
from streams.broker_probe import broker_problem
from streams.health import Health
from streams.http_serving import first_error, listen, serve
from streams.http_writing import ACKNOWLEDGE_S
from streams.probes import observed
from streams.running import stop_signal
from streams.settings import Settings
from streams.topics import MENTIONS_RAW, require_topics
from streams.writing import open_producer


async def serve_gateway(
    settings: Settings,
    brands: frozenset[str] | None,
    clock: Clock,
    *,
    on_listening: Callable[[str], None] = lambda _: None,
    until: Callable[[], Coroutine[Any, Any, None]] = stop_signal,
) -> None:
    """Serves until `until` returns, by default at SIGTERM or SIGINT; then answers what it has, and returns.

    `on_listening` gets the address, `http://host:port`, once callers can connect. Raises ServingError,
    SettingsError for tokens that are no digests, TopicError where `mentions-raw` is not as the settings say.
    """
    await require_topics(settings.bootstrap, partitions=settings.partitions, topics=[MENTIONS_RAW])
    broken: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    on_broken = first_error(broken, "the gateway's producer is of no more use")
    with listen(settings.gateway_host, settings.gateway_port, "GATEWAY") as listener:
        async with open_producer(settings.bootstrap) as producer:
            app = new_gateway(producer, settings, brands, clock, on_broken=on_broken)
            grace_s = int(ACKNOWLEDGE_S) + 2
            health = Health()
            health.expect("broker", partial(broker_problem, settings.bootstrap))
            async with observed(settings, health):
                health.started()
                await serve(app, listener, until=until, broken=broken, on_listening=on_listening, grace_s=grace_s)
