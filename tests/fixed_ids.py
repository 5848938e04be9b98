"""Ids that come out in the same order whenever the same is done: for lives that are lived again.

Ties are broken by id, and an id is random, or of the millisecond. Hypothesis lives a life a second
time to shorten it, and then the same rule must meet the same person.
"""

import contextlib
import itertools
import random
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch

from backend import clock, ids

LIFE_BYTES = 4  # the last of each id: what keeps lives in one database apart, and decides no order
_lives = itertools.count()


@contextlib.contextmanager
def fixed_ids(seed: int) -> Iterator[None]:
    """`seed` decides the order. The clock should be stopped."""
    chance, life = random.Random(seed), next(_lives).to_bytes(LIFE_BYTES, "big")

    def urandom(size: int) -> bytes:
        return chance.randbytes(size - LIFE_BYTES) + life

    def time_ns() -> int:
        return round(clock.now().timestamp()) * 1_000_000_000

    with (
        patch.object(uuid, "os", SimpleNamespace(urandom=urandom)),
        patch.object(ids, "os", SimpleNamespace(urandom=urandom)),
        patch.object(ids, "time", SimpleNamespace(time_ns=time_ns)),
    ):
        yield
