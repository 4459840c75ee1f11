"""What a process writes to standard error, read from a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

WRITES = """
import logging, sys
from streams.logs import announce, last_words, logger, start_logs
start_logs(sys.argv[1], sys.argv[2])
logger("desk").info("escalation", conversation="Delta:x:1", step=2, by=None)
logger("desk").debug("detail")
logging.getLogger("tenfour.gateway").warning("the broker did not take %s", "3 posts")
announce("running desk")
last_words("ended while working: ArithmeticError: no\\nsum")
"""


def written(format_: str, level: str = "info") -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", WRITES, format_, level], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_people_get_a_line_an_event() -> None:
    assert written("text")[:3] == [
        "tenfour: escalation conversation=Delta:x:1 step=2",
        "tenfour: the broker did not take 3 posts",
        "running desk",
    ]


def test_programs_get_an_object_an_event_whoever_writes_it() -> None:
    lines = [json.loads(line) for line in written("json")]
    assert [(line["level"], line["part"], line["event"]) for line in lines] == [
        ("info", "desk", "escalation"),
        ("warning", "gateway", "the broker did not take 3 posts"),
        ("info", "process", "running desk"),
        ("critical", "process", "ended while working: ArithmeticError: no\nsum"),
    ]
    assert lines[0]["conversation"] == "Delta:x:1"
    assert all(line["at"].endswith("+00:00") for line in lines)


def test_the_level_leaves_out_what_is_less() -> None:
    events = [json.loads(line)["event"] for line in written("json", "warning")]
    assert events == ["the broker did not take 3 posts", "ended while working: ArithmeticError: no\nsum"]
    assert "detail" in [json.loads(line)["event"] for line in written("json", "debug")]
