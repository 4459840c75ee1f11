"""Every query of every dashboard, asked of a real Prometheus that reads a running pipeline."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from streams.embedded_broker import BrokerHandle
from tests.deploy.dashboard_files import Dashboard, filled, read_dashboards
from tests.deploy.observed_pipeline import observed_pipeline
from tests.deploy.scratch_prometheus import MISSING, Prometheus, is_there, scratch_prometheus

DASHBOARDS: Final = read_dashboards()
SPANS: Final = dict.fromkeys(("__rate_interval", "__range", "window"), "10m")
"""Of the variables that are spans: longer than the test."""
SHOWN_S: Final = 25
"""Longest until Prometheus has read what has happened: the read model looks every ten seconds."""
_SPECIAL: Final = re.compile(r"[$^*{}\[\]'+?.()|]")
_ESCAPED: Final = r"\\\\\g<0>"

pytestmark = pytest.mark.skipif(not is_there(), reason=MISSING)


def choices(prometheus: Prometheus, dashboard: Dashboard) -> dict[str, list[str]]:
    """What there is to choose from, by variable."""
    return {variable.name: prometheus.values(*variable.asks) for variable in dashboard.choices}


def all_of(choices: Mapping[str, list[str]]) -> dict[str, str]:
    """As Grafana fills in `All`: an expression within a text, so a backslash is two."""
    return {
        name: f"({'|'.join(_SPECIAL.sub(_ESCAPED, value) for value in values)})" for name, values in choices.items()
    }


def silent(prometheus: Prometheus) -> list[str]:
    """Panels with a query without a series that has a number, and variables without values."""
    found = []
    for dashboard in DASHBOARDS.values():
        chosen = choices(prometheus, dashboard)
        found += [f"{dashboard.title}: ${name}" for name, values in chosen.items() if not values]
        for panel, target in dashboard.asking:
            if not prometheus.numbers(filled(target.expr, SPANS | all_of(chosen))):
                found.append(f"{dashboard.title}: {panel.title} {target.ref}")
    return found


async def test_every_query_has_an_answer(own_broker: BrokerHandle, tmp_path: Path) -> None:
    async with observed_pipeline(own_broker.bootstrap, tmp_path) as pipeline:
        with scratch_prometheus(tmp_path / "prometheus", pipeline.running.metrics_ports) as prometheus:
            await pipeline.started()
            await pipeline.live_through_a_day()
            deadline = time.monotonic() + SHOWN_S
            while (without := await asyncio.to_thread(silent, prometheus)) and time.monotonic() < deadline:
                await pipeline.claim_another()  # of what began between two readings none was seen to rise
                await asyncio.sleep(1)
    assert without == []
