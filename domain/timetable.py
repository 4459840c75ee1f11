"""Keys by the moment at which each is next looked at, in windows of ten seconds."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

WINDOW_MS: Final = 10_000


class Timetable:
    """Filing a key and finding that nothing is due cost the same, however many are filed.

    A key whose moment changes is filed again; the old place is left behind and dropped when its window opens.
    What lies in a window that has not begun costs a reference, no more.
    """

    def __init__(self) -> None:
        self._windows: dict[int, list[bytes]] = {}
        self._numbers: list[int] = []
        """Heap of the windows that have not begun."""
        self._near: list[tuple[int, bytes]] = []
        """Heap of what lies in windows that have begun."""

    def file(self, key: bytes, moment: int) -> None:
        """Moments are milliseconds since 1970. One that is past is due at the next look."""
        number = moment // WINDOW_MS
        window = self._windows.get(number)
        if window is None:
            window = self._windows[number] = []
            heappush(self._numbers, number)
        window.append(key)

    def take_due(self, now: int, moment_of: Callable[[bytes], int | None]) -> list[bytes]:
        """Takes out the keys whose moment is before `now`, by moment, then key: facts of `now` itself may still come.

        `moment_of` gives the moment that counts now, None for a key that has gone.
        """
        self._open_windows(now, moment_of)
        due: dict[bytes, None] = {}
        while self._near and self._near[0][0] < now:
            moment, key = heappop(self._near)
            if moment_of(key) == moment:
                due[key] = None
        return list(due)

    def _open_windows(self, now: int, moment_of: Callable[[bytes], int | None]) -> None:
        while self._numbers and self._numbers[0] * WINDOW_MS < now:
            number = heappop(self._numbers)
            for key in self._windows.pop(number):
                moment = moment_of(key)
                if moment is not None and moment // WINDOW_MS == number:
                    heappush(self._near, (moment, key))
