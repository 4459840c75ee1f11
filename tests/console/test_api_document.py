"""The requests that docs/console.md shows do what it says."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.rights import RIGHTS
from streams.settings import Settings
from tests.console.commanded_desk import write_inbox
from tests.console.desk_api import token_of
from tests.console.served_desk import ServedDesk, fill
from tests.docs.blocks import shell_lines
from tests.domain.desk_log import inbound

DOCUMENT = Path("docs/console.md")
KEY = "Delta:twitter:1004"
READS, COMMANDS = (
    [line for line in shell_lines(DOCUMENT) if line.startswith("curl") and ("-d" in line.split()) == gives]
    for gives in (False, True)
)


@pytest.fixture(scope="module")
def address(staffed_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the API listens, before a desk that has the document's conversation."""
    database = f"sqlite:///{tmp_path_factory.mktemp('desk')}/desk.db"
    fill(database, KEY)
    asyncio.run(write_inbox(staffed_kafka, [(KEY, inbound("m1", conversation=KEY))]))
    with ServedDesk(Settings(bootstrap=staffed_kafka, database=database, console_port=0)) as address:
        yield address


def answered(line: str, address: str) -> Any:
    """What the command prints, as its reader would run it."""
    asked = line.replace("localhost:8720", address.removeprefix("http://"))
    environment = {**os.environ, "TOKEN": token_of("ann")}
    return json.loads(subprocess.check_output(["bash", "-c", asked], env=environment, timeout=30))


@pytest.mark.parametrize("line", READS)
def test_every_read_that_the_document_shows_is_answered(address: str, line: str) -> None:
    assert "error" not in answered(line, address)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_that_the_document_shows_is_accepted_and_its_repeat_too(address: str, line: str) -> None:
    first = answered(line, address)
    assert (first["code"], first["by"]) == ("accepted", "ann")
    assert answered(line, address) == first


def test_the_document_shows_reads_and_commands_and_lists_every_route() -> None:
    assert READS
    assert COMMANDS
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [
        f"{method} {path}" for (method, path) in RIGHTS if path.startswith("/v1") and f"`{method} {path}`" not in text
    ] == []
