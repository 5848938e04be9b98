"""Terms whose weights were learned from labelled questions: a linear model as a plain list.

A table has a line a term: the term, its inverse document frequency, and a weight a label, all whole
numbers; the header of the last column names the labels. `benchmarks/learn_bot.py` writes it, and
nothing here needs more than Python. The weights of a term are one big integer, a lane a label:
a sum over the hundred terms of a message costs a hundred additions and not two thousand.
"""

import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final

from backend.bot.matching import Hit
from backend.bot.rules import Rules, Table

LANE_BITS: Final = 32
HALF: Final = 1 << (LANE_BITS - 1)
MASK: Final = (1 << LANE_BITS) - 1
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


class _Kept(dict[int, int]):
    """What was worked out once. Looking into it costs no call in Python."""

    def __init__(self, work_out: Callable[[int], int]) -> None:
        self._work_out = work_out

    def __missing__(self, index: int) -> int:
        self[index] = found = self._work_out(index)
        return found


class Learned:
    def __init__(self, table: Table) -> None:
        self.labels = tuple(table.columns[2].split(" "))
        self.terms = table.column("term")
        self._squares = [int(idf) ** 2 for idf in table.column("idf")]
        self._written = table.column(table.columns[2])
        # Worked out when first asked for: ten thousand lines load in milliseconds.
        self._weights = _Kept(self._read).__getitem__
        self._labels: dict[int, _Kept] = {}
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
        """The hits that speak most for a label: what the decision is explained by. A single
        character explains nothing."""
        weights = self._of_label(label)
        found = [(weights[hit[0]], hit) for hit in hits if hit[2] - hit[1] > 1]
        found.sort(key=_first, reverse=True)
        return [(hit, value / WEIGHT_UNIT) for value, hit in found[:most] if value > 0]

    def _of_label(self, label: int) -> _Kept:
        """The weights of one label by term: taking them out of the lanes anew would cost as much
        as the score itself."""
        if label not in self._labels:
            lane, middle = LANE_BITS * label, self._middle
            self._labels[label] = _Kept(
                lambda index: ((self._weights(index) + middle) >> lane & MASK) - HALF
            )
        return self._labels[label]

    def _summed(self, counts: dict[int, int]) -> tuple[int, int]:
        """Σ growth × weights, and Σ (growth × idf)². Most terms stand there once or twice: they are
        added up without a multiplication each."""
        by_count: dict[int, list[int]] = {}
        for index, count in counts.items():
            if count in by_count:
                by_count[count].append(index)
            else:
                by_count[count] = [index]
        total = square = 0
        for count, indexes in by_count.items():
            growth = GROWTH[count] if count <= COUNT_MOST else GROWTH[COUNT_MOST]
            total += growth * sum(map(self._weights, indexes))
            square += growth * growth * sum(map(self._squares.__getitem__, indexes))
        return total, square

    def _read(self, index: int) -> int:
        values = [int(value) for value in self._written[index].split(" ")]
        return sum(value << (LANE_BITS * lane) for lane, value in enumerate(values))

    def _opened(self, packed: int) -> list[int]:
        lanes = (packed + self._middle).to_bytes(self._lanes.size, "little")
        return [lane - HALF for lane in self._lanes.unpack(lanes)]


def _counted(parts: Iterable[Part]) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for text, hits in parts:
        counts.update(map(_first, hits))
        title = title_end(text)
        counts.update([index for index, _, end in hits if end <= title] * (TITLE_COUNTS - 1))
    return counts


_first = itemgetter(0)


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
