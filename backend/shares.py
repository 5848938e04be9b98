"""Pure: shares with their interval, and what must not be shown because too few are behind it."""

import math
from collections.abc import Hashable, Mapping, Set
from typing import TypeVar

import msgspec

LEAST = 10  # a cell under this says something about single people
Z_95 = 1.959963984540054  # two-sided 95 %

K = TypeVar("K", bound=Hashable)


class Share(msgspec.Struct, frozen=True):
    """`hit` of `of`, and its Wilson interval of 95 %, in per cent."""

    hit: int
    of: int
    percent: float
    low: float
    high: float


def share(hit: int, of: int) -> Share | None:
    """None: fewer than `LEAST`."""
    if of < LEAST:
        return None
    low, high = wilson(hit, of)
    return Share(hit, of, round(100 * hit / of, 1), round(100 * low, 1), round(100 * high, 1))


def wilson(hit: int, of: int) -> tuple[float, float]:
    """The score interval (Wilson 1927), in 0 to 1."""
    if of == 0:
        return 0.0, 1.0
    rate, square = hit / of, Z_95 * Z_95
    middle = (rate + square / (2 * of)) / (1 + square / of)
    half = Z_95 / (1 + square / of) * math.sqrt(rate * (1 - rate) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def hidden(cells: Mapping[K, int], already: Set[K] = frozenset()) -> set[K]:
    """Which cells of a row with a known sum are not shown: those under `LEAST`; and if what they
    add up to is itself under `LEAST`, the smallest of the others, or it could be subtracted.
    `already`: cells that are hidden for another reason."""
    out = {key for key, n in cells.items() if 0 < n < LEAST or (n and key in already)}
    rest = sorted((n, str(key), key) for key, n in cells.items() if key not in out and n)
    while out and rest and (len(out) == 1 or sum(cells[key] for key in out) < LEAST):
        out.add(rest.pop(0)[2])
    return out
