"""Calls per minute and per day. In memory: a restart forgets them, as it does the minute."""

from collections import defaultdict

from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.state import now_s

MINUTE_S, DAY_S = 60, 86_400


class Quotas:
    """Fixed windows, counted from the Unix epoch."""

    def __init__(self) -> None:
        self._counts: dict[int, defaultdict[str, int]] = {}
        self._windows: dict[int, int] = {}

    def spend_minute(self, name: str, most: int) -> None:
        """Raises Refused: 45011."""
        if self._spend(name, MINUTE_S) > most:
            raise Refused(45011)

    def spend_day(self, name: str, most: int) -> None:
        """Raises Refused: 45009."""
        if self._spend(name, DAY_S) > most:
            raise Refused(45009)

    def _spend(self, name: str, length_s: int) -> int:
        window = int(now_s()) // length_s
        if self._windows.get(length_s) != window:
            self._windows[length_s] = window
            self._counts[length_s] = defaultdict(int)
        self._counts[length_s][name] += 1
        return self._counts[length_s][name]
