"""What a contender is told."""

from __future__ import annotations

from dataclasses import dataclass

from bench.work import WorkName


@dataclass(frozen=True)
class Contest:
    """Read `source` as `group` from its start, do `work`, write to `bench.work.TARGET`, commit."""

    bootstrap: str
    source: str
    group: str
    partitions: int
    work: WorkName
