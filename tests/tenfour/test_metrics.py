"""`tenfour metrics`, and the page that is made from it."""

from __future__ import annotations

import json
from pathlib import Path

from streams.metrics import CATALOGUE
from tests.tenfour.command import tenfour

PAGE = Path("docs/metrics.md")


def test_the_page_has_the_table_that_the_command_prints() -> None:
    table = tenfour("metrics", "--markdown").out
    assert PAGE.read_text(encoding="utf-8").endswith(f"## All metrics\n\n{table}"), (
        f"make the table of {PAGE} anew: tenfour metrics --markdown"
    )


def test_programs_get_every_metric() -> None:
    found = json.loads(tenfour("metrics", "--json").out)
    assert [one["name"] for one in found] == [one.name for one in CATALOGUE.declarations]
    assert found[0]["labels"][0]["name"] == "version"


def test_people_get_a_line_a_metric() -> None:
    out = tenfour("metrics").out
    assert all(one.name in out for one in CATALOGUE.declarations)
