"""Debian's Prometheus and Alertmanager on the shipped rules and routes, and a webhook that receives what they send."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import yaml

from bench.free_ports import free_port
from tests.deploy.alert_rules import ALERTMANAGER, RULES
from tests.deploy.prometheus_tools import ALERTMANAGER_BINARIES, tool, with_addresses

TIMES_FASTER: Final = 10
"""Waits of rules are so many times shorter than shipped, and so is the minute that the clock may be behind: what comes
first there comes first here."""
CLOCK_LIMIT: Final = "max(partition:tenfour_clock_behind:seconds) > 60"
STOP_S: Final = 20


class Told(NamedTuple):
    """One alert of a notification. `status`: `firing` or `resolved`."""

    receiver: str
    name: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Webhook:
    """An HTTP server whose paths are the receivers' names."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.extend(_alerts_of(self.path.strip("/"), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def names(self, receiver: str, status: str = "firing") -> set[str]:
        """Alerts that the receiver was told of."""
        return {told.name for told in self.told if (told.receiver, told.status) == (receiver, status)}

    @contextmanager
    def serving(self) -> Iterator[Webhook]:
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


class Alerting(NamedTuple):
    """Both servers, running, and who is told."""

    prometheus: str
    alertmanager: str
    webhook: Webhook

    def firing(self) -> set[str]:
        """Alerts that have been true for long enough."""
        found = _asked(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def kept_quiet(self) -> set[str]:
        """Alerts that Alertmanager has and sends to nobody, because of another."""
        found = _asked(f"{self.alertmanager}/api/v2/alerts")
        return {alert["labels"]["alertname"] for alert in found if alert["status"]["inhibitedBy"]}


def _asked(url: str, **parameters: str) -> Any:
    """Raises httpx.HTTPError where the server does not answer yet."""
    return httpx.get(url, params=parameters, timeout=5).raise_for_status().json()


@contextmanager
def alerting(folder: Path, metrics_ports: Mapping[str, int]) -> Iterator[Alerting]:
    """Watches the processes at these ports. What it writes is in the folder."""
    folder.mkdir()
    at = {name: free_port() for name in ("prometheus", "alertmanager")}
    with ExitStack() as stack:
        webhook = stack.enter_context(Webhook().serving())
        (folder / "alertmanager.yml").write_text(_routes(webhook.address), encoding="utf-8")
        _write_rules(folder / "rules")
        (folder / "prometheus.yml").write_text(_scrapes(metrics_ports, at["alertmanager"]), encoding="utf-8")
        stack.enter_context(
            _server(
                folder,
                tool(*ALERTMANAGER_BINARIES),
                "--config.file=alertmanager.yml",
                "--storage.path=alertmanager",
                "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{at['alertmanager']}",
            )
        )
        stack.enter_context(
            _server(
                folder,
                tool("prometheus"),
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=prometheus",
                # What it tells before it knows of Alertmanager is lost, and told again only then.
                "--rules.alert.resend-delay=2s",
                f"--web.listen-address=127.0.0.1:{at['prometheus']}",
            )
        )
        prometheus, alertmanager = (f"http://127.0.0.1:{port}" for port in at.values())
        yield Alerting(prometheus, alertmanager, webhook)


@contextmanager
def _server(folder: Path, program: str, *arguments: str) -> Iterator[None]:
    with (folder / f"{Path(program).name}.log").open("wb") as log:
        server = subprocess.Popen([program, *arguments], cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _write_rules(folder: Path) -> None:
    """The shipped rules, their waits shortened."""
    folder.mkdir()
    assert CLOCK_LIMIT in (RULES / "pipeline.yml").read_text(encoding="utf-8")
    for file in RULES.glob("*.yml"):
        (folder / file.name).write_text(_shortened(file.read_text(encoding="utf-8")), encoding="utf-8")


def _shortened(rules: str) -> str:
    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * {"s": 1, "m": 60, "h": 3600}[found[3]]
        return f"{found[1]}: {max(1, seconds // TIMES_FASTER)}s"

    rules = re.sub(r"\b(for|keep_firing_for|interval): (\d+)([smh])\b", shorter, rules)
    return rules.replace(CLOCK_LIMIT, CLOCK_LIMIT.replace("60", str(60 // TIMES_FASTER)))


def _routes(address: str) -> str:
    """The shipped routes to addresses of this machine; groups are told at once."""
    text = with_addresses(ALERTMANAGER.read_text(encoding="utf-8"), address)
    return re.sub(r"\b(group_wait|group_interval): \w+", r"\1: 1s", text)


def _scrapes(metrics_ports: Mapping[str, int], alertmanager: int) -> str:
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
            "scrape_configs": [
                {
                    "job_name": "tenfour",
                    "static_configs": [
                        {"targets": [f"127.0.0.1:{port}"], "labels": {"process": name}}
                        for name, port in metrics_ports.items()
                    ],
                }
            ],
        }
    )


def _alerts_of(receiver: str, body: dict[str, Any]) -> list[Told]:
    return [
        Told(receiver, alert["labels"]["alertname"], alert["status"], alert["labels"], alert["annotations"])
        for alert in body["alerts"]
    ]
