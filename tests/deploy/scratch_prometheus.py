"""A Prometheus for one test: Debian's, in a folder of the test."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from bench.free_ports import free_port

PROGRAM: Final = "prometheus"
MISSING: Final = "no Prometheus here: install Debian's `prometheus`"
SCRAPE_S: Final = 1
START_S: Final = 30


def is_there() -> bool:
    return shutil.which(PROGRAM) is not None


class Prometheus:
    """A running one, asked by its HTTP API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def numbers(self, expression: str) -> list[float]:
        """Values of the series that it has for the expression now, of those that are numbers."""
        series = self._asked("/api/v1/query", query=expression)["data"]["result"]
        values = [float(one["value"][1]) for one in series]
        return [value for value in values if not math.isnan(value)]

    def values(self, metric: str, label: str) -> list[str]:
        """Those of a label of a metric, in order."""
        answer = self._asked(f"/api/v1/label/{label}/values", **{"match[]": metric})
        found: list[str] = answer["data"]
        return found

    def _asked(self, path: str, **parameters: str) -> Any:
        answer = self._client.get(path, params=parameters).json()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer


@contextmanager
def scratch_prometheus(folder: Path, targets: Mapping[str, int]) -> Iterator[Prometheus]:
    """Reads the metrics of processes of this machine, ports by name, every second, until the block is left."""
    folder.mkdir()
    config = folder / "prometheus.yml"
    static = [{"targets": [f"127.0.0.1:{port}"], "labels": {"process": name}} for name, port in targets.items()]
    every = {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": f"{SCRAPE_S}s"}
    config.write_text(
        yaml.safe_dump({"global": every, "scrape_configs": [{"job_name": "tenfour", "static_configs": static}]})
    )
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log, subprocess.Popen([PROGRAM, *options], stdout=log, stderr=log) as process:
        try:
            _wait_for(f"http://{address}/-/ready", process, folder / "log")
            with httpx.Client(base_url=f"http://{address}", timeout=10) as client:
                yield Prometheus(client)
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(url):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False
