"""Terms whose weights were learned from labelled questions: a linear model as a plain list.

A table has a line a term: the term, its inverse document frequency, and a weight a label, all whole
numbers; the header of the last column names the labels. `benchmarks/learn_bot.py` writes it, and
nothing here needs more than Python. The weights of a term are one big integer, a lane a label:
a sum over the hundred terms of a message costs a hundred additions and not two thousand.
"""

import math
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from backend.bot.matching import Hit
from backend.bot.rules import Rules, Table

LANE_BITS: Final = 32
HALF: Final = 1 << (LANE_BITS - 1)
# What 1 is in the file: of an idf, of a weight times its idf, and of what is added as it stands.
IDF_UNIT: Final = 100
WEIGHT_UNIT: Final = 20
PLAIN_UNIT: Final = 1000
TITLE_MOST: Final = 30  # characters; what stands before the first stop says what it is about
TITLE_COUNTS: Final = 2
TITLE = re.compile(r"[。?!,、;:\s]")
PLAIN: Final = "@"  # begins the name of a row that is no piece of text: @bias, @age0
COUNT_MOST: Final = 64
GROWTH_UNIT: Final = 100
GROWTH: Final = (
    0,
    *(round(GROWTH_UNIT * (1 + math.log(count))) for count in range(1, COUNT_MOST + 1)),
)
Part = tuple[str, Sequence[Hit]]
"""A normalised text, and the hits in it of the terms of this table, overlapping ones too."""


class Learned:
    def __init__(self, table: Table) -> None:
        self.labels = tuple(table.columns[2].split(" "))
        self.terms = table.column("term")
        self._idf = [int(idf) for idf in table.column("idf")]
        self._written = table.column(table.columns[2])
        self._packed: list[int | None] = [None] * len(self.terms)
        self._lanes = struct.Struct(f"<{len(self.labels)}I")
        self._middle = sum(HALF << (LANE_BITS * lane) for lane in range(len(self.labels)))
        self._plain = {
            term: index for index, term in enumerate(self.terms) if term.startswith(PLAIN)
        }
        self._bias = self.plain("@bias")

    def plain(self, name: str) -> list[float]:
        """A row that is added as it stands: one number a label."""
        if (index := self._plain.get(name)) is None:
            return [0.0] * len(self.labels)
        return [value / PLAIN_UNIT for value in self._opened(self._weights(index))]

    def score(self, parts: Iterable[Part], plain: Iterable[str] = ()) -> list[float]:
        """One score a label; the greatest is the likeliest."""
        total, square = self._summed(_counted(parts))
        scale = IDF_UNIT / WEIGHT_UNIT / math.sqrt(square) if square else 0.0
        scores = [
            value * scale + bias
            for value, bias in zip(self._opened(total), self._bias, strict=True)
        ]
        for name in plain:
            scores = [a + b for a, b in zip(scores, self.plain(name), strict=True)]
        return scores

    def heaviest(self, hits: Iterable[Hit], label: int, most: int) -> list[tuple[Hit, float]]:
        """The hits that speak most for a label: what the decision is explained by."""
        found = ((hit, self._opened(self._weights(hit[0]))[label] / WEIGHT_UNIT) for hit in hits)
        return sorted((one for one in found if one[1] > 0), key=lambda one: -one[1])[:most]

    def _summed(self, counts: dict[int, int]) -> tuple[int, int]:
        total = square = 0
        packed, idf = self._packed, self._idf
        for index, count in counts.items():
            growth = GROWTH[count] if count <= COUNT_MOST else GROWTH[COUNT_MOST]
            weights = packed[index]
            total += growth * (self._weights(index) if weights is None else weights)
            square += (growth * idf[index]) ** 2
        return total, square

    def _weights(self, index: int) -> int:
        """Worked out when first asked for: ten thousand lines load in milliseconds."""
        known = self._packed[index]
        if known is None:
            values = [int(value) for value in self._written[index].split(" ")]
            known = sum(value << (LANE_BITS * lane) for lane, value in enumerate(values))
            self._packed[index] = known
        return known

    def _opened(self, packed: int) -> list[int]:
        lanes = (packed + self._middle).to_bytes(self._lanes.size, "little")
        return [lane - HALF for lane in self._lanes.unpack(lanes)]


def _counted(parts: Iterable[Part]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for text, hits in parts:
        title = title_end(text)
        for index, _, end in hits:
            counts[index] = counts.get(index, 0) + (TITLE_COUNTS if end <= title else 1)
    return counts


def title_end(text: str) -> int:
    stop = TITLE.search(text, 0, TITLE_MOST)
    return stop.start() if stop else min(len(text), TITLE_MOST)


def of(rules: Rules, group: str) -> Learned | None:
    """The learned terms in `rules/GROUP.csv`, made once for a version of the rules."""
    if group not in rules.memo:
        table = rules.tables.get(group)
        rules.memo[group] = None if table is None else Learned(table)
    found: Learned | None = rules.memo[group]
    return found
