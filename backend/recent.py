"""What was learnt a moment ago, kept so that the next one need not ask the database.

Two generations, of which the older goes as a whole: nothing is searched for what has expired, and
a process that thousands pass through does not carry all of them along.
"""

from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST = 50_000  # of each generation


class Recent(Generic[K, V]):
    """Values by key, believed for `ttl_s`. Monotonic time."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._young: dict[K, tuple[float, V]] = {}
        self._old: dict[K, tuple[float, V]] = {}
        self._turned = monotonic()

    def get(self, key: K) -> V | None:
        """None: unknown, or too old."""
        found = self._young.get(key) or self._old.get(key)
        if found is None or monotonic() - found[0] >= self._ttl_s:
            return None
        return found[1]

    def keep(self, key: K, value: V) -> None:
        now = monotonic()
        if now - self._turned >= self._ttl_s or len(self._young) >= MOST:
            self._old, self._young, self._turned = self._young, {}, now
        self._young[key] = (now, value)

    def forget(self, key: K) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        self._young, self._old = {}, {}
