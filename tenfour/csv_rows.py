"""The rows of a CSV, each with the line where it starts; one that is no CSV costs no other."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

Row = list[str] | csv.Error
NumberedRow = tuple[int, Row]


def csv_rows(lines: Iterator[str]) -> Iterator[NumberedRow]:
    """Each row, or what is wrong with it. Blank lines are skipped; lines count from 1.

    After a row that is no CSV, reading goes on with the line after its first: a quote that is never closed would
    otherwise swallow the rows below it.
    """
    taken = _TakenLines(lines)
    reader = csv.reader(taken, strict=True)
    while True:
        start = taken.next_line
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            taken.go_back()
            yield start, error
            continue
        if not taken.are_blank():
            yield start, row
        taken.settle()


class _TakenLines(Iterator[str]):
    """Lines that can be read again, from the second of those taken for the present row."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._again, self._taken = lines, deque[str](), list[str]()
        self.next_line = 1

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(line)
        return line

    def are_blank(self) -> bool:
        return not any(line.strip() for line in self._taken)

    def settle(self) -> None:
        """The row is read: the next begins with the next line."""
        self.next_line += len(self._taken)
        self._taken.clear()

    def go_back(self) -> None:
        self._again.extendleft(reversed(self._taken[1:]))
        self.next_line += 1
        self._taken.clear()
