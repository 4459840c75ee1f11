"""Measures and writes RESULTS.md: `python -m bench [--quick] [NAME...]`. All benchmarks without a name.

`--quick` makes small runs, prints them and writes nothing.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from bench.claims import bench_claims
from bench.clock import bench_clock
from bench.clock_cost import bench_clock_cost
from bench.clock_lateness import bench_clock_lateness
from bench.clock_recovery import bench_clock_recovery
from bench.latency import bench_latency
from bench.lateness import bench_lateness
from bench.list_pages import bench_list_pages
from bench.machine import machine, pace
from bench.model import bench_model
from bench.projection import bench_projection
from bench.report import Table, as_markdown, write_results
from bench.scratch_broker import Say
from bench.stage import bench_stage
from bench.watching import Stuck

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
BENCHMARKS: Final[dict[str, Callable[[bool, Say], Table]]] = {
    "stage": partial(bench_stage, "mention"),
    "stage-small": partial(bench_stage, "small"),
    "model": bench_model,
    "latency": bench_latency,
    "lateness": bench_lateness,
    "clock": bench_clock,
    "clock-cost": bench_clock_cost,
    "clock-lateness": bench_clock_lateness,
    "clock-recovery": bench_clock_recovery,
    "claims": bench_claims,
    "projection": bench_projection,
    "list-pages": bench_list_pages,
}
CLASSIFIER: Final = ("classifier-types", "classifier-sentiment", "classifier-speed")
"""Sections that `bench.classifier` writes: it needs the data sets."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small runs; prints, writes no file")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(BENCHMARKS)):
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # topics that are just being made are no news
    try:
        _run(given.names or list(BENCHMARKS), given.quick)
    except Stuck as error:
        raise SystemExit(f"bench: {error}") from None


def _run(names: list[str], quick: bool) -> None:
    for name in names:
        table = BENCHMARKS[name](quick, partial(_say, name))
        section = as_markdown(replace(table, notes=[*table.notes, pace()]))
        print(section, flush=True)
        if not quick:
            write_results(RESULTS, machine(), {name: section}, [*BENCHMARKS, *CLASSIFIER])


def _say(name: str, text: str) -> None:
    print(f"{name}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
