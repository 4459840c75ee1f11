"""Whether the read model was made from this log."""

from __future__ import annotations

from collections.abc import Mapping

from console.write_rows import Partition


class AnotherLog(RuntimeError):
    """The database has read further than the log goes."""


def require_same_log(read_to: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
    """`read_to`: up to where the database has each partition; `ends`: where the log ends. Raises AnotherLog."""
    for (topic, number), offset in read_to.items():
        end = ends.get((topic, number), 0)
        if offset > end:
            raise AnotherLog(
                f"the read model has {topic}-{number} up to {offset}, but the log ends at {end}: it was made from "
                "another log; run `tenfour rebuild`, or set TENFOUR_DATABASE"
            )
