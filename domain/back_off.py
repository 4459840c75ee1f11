"""How long to wait before trying again."""

from typing import NamedTuple


class BackOff(NamedTuple):
    """Seconds: `first_s`, doubled with each failure, at most `most_s`."""

    first_s: float = 1.0
    most_s: float = 60.0

    def pause_s(self, failures: int) -> float:
        """Before the next try, after so many failures in a row; none after none."""
        return 0.0 if failures < 1 else min(self.first_s * 2.0 ** min(failures - 1, 32), self.most_s)
