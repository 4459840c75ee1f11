"""`tenfour gateway` in a process of its own."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.gateway.intake_client import post
from tests.tenfour.command import ROOT, environment, tenfour

Process = subprocess.Popen[str]


@pytest.fixture
def gateway(kafka: str) -> Iterator[tuple[Process, str]]:
    """A running gateway and its address."""
    settings = environment(KAFKA_BOOTSTRAP=kafka, TENFOUR_GATEWAY_PORT="0")
    program = [sys.executable, "-m", "tenfour.main", "gateway"]
    with subprocess.Popen(program, env=settings, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        found = re.search(r"http://[\d.]+:\d+", told)
        assert found, told
        yield process, found.group()
        process.kill()


def test_it_takes_mentions_of_the_policys_brands(gateway: tuple[Process, str]) -> None:
    _, address = gateway
    assert httpx.post(f"{address}/v1/mentions", json=post(brand="AmazonHelp")).status_code == 202
    assert httpx.post(f"{address}/v1/mentions", json=post(brand="Nobody")).status_code == 422


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order_when_told(gateway: tuple[Process, str], number: signal.Signals) -> None:
    process, _ = gateway
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_a_token_in_place_of_its_digest_is_told_in_one_line(kafka: str) -> None:
    ended = tenfour("gateway", KAFKA_BOOTSTRAP=kafka, TENFOUR_GATEWAY_TOKENS="hunter2")
    assert ended.status == 1
    assert ended.err.startswith("tenfour: TENFOUR_GATEWAY_TOKENS: item 1 is no SHA-256 digest")
    assert "hunter2" not in ended.err
