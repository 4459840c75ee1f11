"""`tenfour sla due`, as an operator's script uses it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tenfour.command import ROOT, Ended, environment

BERLIN = {
    "timezone": "Europe/Berlin",
    "open": {"mon": ["09:00-12:30", "13:30-18:00"], "tue": ["09:00-12:30", "13:30-18:00"]},
    "holidays": {"country": "DE", "subdivision": "BE", "extra": ["2026-12-22"]},
}
ALWAYS = {"timezone": "UTC", "open": "24x7"}
MONDAY = "2026-01-05T12:00:00+01:00"
PROGRAM = [sys.executable, "-m", "tenfour.main", "sla", "due"]


def due(given: str | bytes, *arguments: str) -> Ended:
    """Runs the command with this on its standard input."""
    written = given.encode() if isinstance(given, str) else given
    ended = subprocess.run(
        [*PROGRAM, *arguments], input=written, env=environment(), cwd=ROOT, capture_output=True, timeout=120
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def question(**changes: Any) -> dict[str, Any]:
    return {"start": MONDAY, "minutes": 60, "calendar": BERLIN, **changes}


def lines(*questions: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(one)}\n" for one in questions)


def answers(ended: Ended) -> list[dict[str, str]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def test_each_line_is_answered_in_order() -> None:
    ended = due(
        lines(
            question(),
            question(minutes=0),
            question(start="2026-12-21T17:00:00+01:00", minutes=120),
            question(calendar=ALWAYS, pauses=[["2026-01-05T11:00:00Z", "2026-01-05T11:30:00Z"]]),
        )
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (
        '{"due": "2026-01-05T13:00:00Z"}\n'
        '{"due": "2026-01-05T11:00:00Z"}\n'
        '{"due": "2026-12-28T09:00:00Z"}\n'
        '{"due": "2026-01-05T12:30:00Z"}\n'
    )


def test_a_fraction_is_shown_without_zeros_at_its_end() -> None:
    exact = question(start="2026-01-05T11:00:00.250Z", minutes=0, calendar=ALWAYS)
    text = lines(exact) + json.dumps(exact).replace('"minutes": 0', '"minutes": 0.1') + "\n"
    text += json.dumps(exact).replace('"minutes": 0', '"minutes": 0.0125') + "\n"
    assert [answer["due"] for answer in answers(due(text))] == [
        "2026-01-05T11:00:00.25Z",
        "2026-01-05T11:00:06.25Z",
        "2026-01-05T11:00:01Z",
    ]


def test_a_file_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(lines(question()))
    assert due("", str(file)).out == due(lines(question()), "-").out == '{"due": "2026-01-05T13:00:00Z"}\n'


def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    ended = due("", str(tmp_path / "none"))
    assert (ended.status, ended.err) == (1, f"tenfour: {tmp_path / 'none'}: No such file or directory\n")


def test_blank_lines_are_skipped_and_no_lines_are_no_error() -> None:
    assert due(f"\n  \r\n{json.dumps(question())}\r\n\n").out == '{"due": "2026-01-05T13:00:00Z"}\n'
    assert due("") == Ended(0, "", "")


def test_a_byte_order_mark_and_a_missing_end_of_line_do_no_harm() -> None:
    assert due(b"\xef\xbb\xbf" + json.dumps(question()).encode()).out == '{"due": "2026-01-05T13:00:00Z"}\n'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (question(start="2026-01-05T12:00:00"), "start: 2026-01-05T12:00:00 has no offset; "),
        (question(start="yesterday"), "start: 'yesterday' is no ISO 8601 time; "),
        (question(start=1767610800), "start: 1767610800 is no ISO 8601 time; "),
        (question(start="1899-12-31T23:59:59Z"), "start: 1899-12-31T23:59:59+00:00 is outside the years 1900 to 2199"),
        (question(minutes=-1), "minutes: -1 is not between 0 and "),
        (question(minutes=float("nan")), "minutes: NaN is not between 0 and "),
        (question(minutes=float("inf")), "minutes: Infinity is not between 0 and "),
        (question(minutes=True), "minutes: True is no number; "),
        (question(minutes="60"), "minutes: '60' is no number; "),
        (question(pauses=[["2026-01-05T12:00:00Z", "2026-01-05T11:00:00Z"]]), "pauses[0]: ends before it starts; "),
        (question(pauses=[["2026-01-05T12:00:00Z", "2026-01-05T13:00"]]), "pauses[0][1]: 2026-01-05T13:00:00 has no"),
        (question(pauses=[["2026-01-05T12:00:00Z"]]), "pauses[0]: ['2026-01-05T12:00:00Z'] is not a start and an end"),
        (question(pauses="none"), "pauses: should be a list, not 'none'; "),
        (question(calendar="Berlin"), "calendar: should be a JSON object, not 'Berlin'; "),
        (question(calendar={**ALWAYS, "timezone": "Mars"}), "calendar.timezone: there is no time zone 'Mars'; "),
        (question(calendar={**ALWAYS, "open": {"mon": ["9-5"]}}), "calendar.open.mon[0]: '9-5' is no interval; "),
        (question(pause=[]), "pause: is an unknown key; did you mean pauses?"),
        ({"minutes": 1, "calendar": ALWAYS}, "start: is missing; "),
        ([], "the line is not a JSON object; "),
        ('{"minutes": 1, "minutes": 2}', "'minutes' is written twice; keep one"),
        ('{"start": ', "the line is not JSON at character 12: Expecting value; mend it there"),
        ('{"minutes": 1e99999999999999999999}', "start: is missing; "),
        pytest.param("[" * 100_000, "the line is not JSON that can be read: ", id="nested too deep"),
        (json.dumps(question()).replace("timezone", "\\ud800"), "calendar"),
        (b'{"start": "\xff"}', "the line is not UTF-8 at byte 12; "),
    ],
)
def test_a_mistake_is_answered_in_its_place_and_the_rest_go_on(line: Any, told: str) -> None:
    good = lines(question()).encode()
    bad = line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
    ended = due(good + bad + b"\n" + good)
    first, wrong, last = answers(ended)
    assert (ended.status, ended.err) == (1, "")
    assert first == last == {"due": "2026-01-05T13:00:00Z"}
    assert list(wrong) == ["error"]
    assert wrong["error"].startswith(told)
    assert "\n" not in wrong["error"]


def test_what_is_optional_may_be_null() -> None:
    given = question(calendar={**ALWAYS, "holidays": None}, pauses=None)
    assert answers(due(lines(given))) == [{"due": "2026-01-05T12:00:00Z"}]


def test_explaining_shows_the_openings_under_each_answer() -> None:
    paused = [["2026-01-05T12:10:00+01:00", "2026-01-05T12:20:00+01:00"]]
    ended = due(lines(question(pauses=paused), question(minutes=0)), "--explain")
    assert ended.out.splitlines() == [
        '{"due": "2026-01-05T13:10:00Z"}',
        "# open Mon 2026-01-05 09:00+01:00 to Mon 2026-01-05 12:30+01:00; "
        "counted Mon 2026-01-05 12:00+01:00 to Mon 2026-01-05 12:10+01:00, "
        "Mon 2026-01-05 12:20+01:00 to Mon 2026-01-05 12:30+01:00; 0:20:00 so far",
        "# open Mon 2026-01-05 13:30+01:00 to Mon 2026-01-05 18:00+01:00; "
        "counted Mon 2026-01-05 13:30+01:00 to Mon 2026-01-05 14:10+01:00; 1:00:00 so far",
        '{"due": "2026-01-05T11:00:00Z"}',
    ]


def test_an_answer_comes_before_the_next_question_is_there() -> None:
    with subprocess.Popen(
        PROGRAM, env=environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(lines(question()).encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"due": "2026-01-05T13:00:00Z"}
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(lines(question()) * 5000)
    program = f"{' '.join(PROGRAM)} {file} | head -n 1"
    ended = subprocess.run(program, shell=True, env=environment(), cwd=ROOT, capture_output=True, timeout=60)
    assert (ended.stdout, ended.stderr) == (b'{"due": "2026-01-05T13:00:00Z"}\n', b"")


def test_ten_thousand_lines_are_answered_line_by_line() -> None:
    given = [question(minutes=number % 2000, calendar=(BERLIN, ALWAYS)[number % 2]) for number in range(10_000)]
    ended = due(lines(*given))
    found = answers(ended)
    assert (ended.status, len(found)) == (0, 10_000)
    assert found[2000:4000] == found[:2000]


def test_the_examples_of_the_documentation_answer_what_it_says() -> None:
    text = (ROOT / "docs/calendars.md").read_text()
    examples = re.findall(r"```sh\n(.*?)```\s+```\n(.*?)```", text, re.DOTALL)
    assert examples
    for command, shown in examples:
        program = command.replace(".venv/bin/tenfour", f"{sys.executable} -m tenfour.main")
        ended = subprocess.run(program, shell=True, env=environment(), cwd=ROOT, capture_output=True, text=True)
        assert (ended.stdout, ended.stderr) == (shown, "")
