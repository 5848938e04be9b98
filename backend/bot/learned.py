"""Terms whose weights were learned from labelled questions: a linear model as a plain list.

A table has a line a term: the term, its inverse document frequency, and a weight a label, all whole
numbers; the header of the last column names the labels. `benchmarks/learn_bot.py` writes it, and
nothing here needs more than Python. The weights of a term are one big integer, a lane a label:
a sum over the hundred terms of a message costs a hundred additions and not two thousand. All tables
count the same pieces of text, so that a message is counted once.
"""

import bisect
import itertools
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

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
TITLE = re.compile(r"[。?!,、;:\s]")
PLAIN: Final = "@"  # begins the name of a row that is no piece of text: @bias, @age0
COUNT_MOST: Final = 64
GROWTH_UNIT: Final = 100
GROWTH: Final = (
    0,
    *(round(GROWTH_UNIT * (1 + math.log(count))) for count in range(1, COUNT_MOST + 1)),
)
KEPT_MOST: Final = 8  # counts for which weights are kept grown; more of one piece is rare
UNKNOWN: Final = -1


class Learned:
    """`pieces`: what the numbers in counts and hits stand for; those of other tables, too."""

    def __init__(self, table: Table, pieces: Sequence[str]) -> None:
        self.labels = tuple(table.columns[2].split(" "))
        self._idf = table.column("idf")
        self._written = table.column(table.columns[2])
        self._row_of = {term: row for row, term in enumerate(table.column("term"))}
        self._row = [self._row_of.get(piece, UNKNOWN) for piece in pieces]
        self._lanes = struct.Struct(f"<{len(self.labels)}IQ")
        self._top = LANE_BITS * len(self.labels)
        self._middle = sum(HALF << (LANE_BITS * lane) for lane in range(len(self.labels)))
        # By count and piece, by label and piece. Worked out when first asked for: ten thousand
        # lines load in milliseconds.
        self._grown: list[list[Any]] = [[None] * len(pieces) for _ in range(KEPT_MOST + 1)]
        self._of_label: dict[int, list[int | None]] = {}
        self._plain: dict[str, list[float]] = {}
        self._bias = self.plain("@bias")

    def row(self, piece: int) -> int:
        """In the file, from 0."""
        return self._row[piece]

    def knows(self, piece: int) -> bool:
        return self._row[piece] != UNKNOWN

    def plain(self, name: str) -> list[float]:
        """A row that is added as it stands: one number a label."""
        if name not in self._plain:
            row = self._row_of.get(name, UNKNOWN)
            self._plain[name] = [value / PLAIN_UNIT for value in self._values(row)]
        return self._plain[name]

    def summed(self, counts: Mapping[int, int]) -> int:
        """Σ growth × weights in the lanes, and above them Σ (growth × idf)². Sums may be added up
        where they count different pieces."""
        by_count: dict[int, list[int]] = {}
        for piece, count in counts.items():
            if count in by_count:
                by_count[count].append(piece)
            else:
                by_count[count] = [piece]
        return sum([self._grown_sum(count, pieces) for count, pieces in by_count.items()])

    def _grown_sum(self, count: int, pieces: Sequence[int]) -> int:
        if count > KEPT_MOST:
            return sum(self._grow(piece, count) for piece in pieces)
        grown = self._grown[count]
        try:
            return sum(map(grown.__getitem__, pieces))
        except TypeError:  # None among them: asked for the first time
            for piece in pieces:
                if grown[piece] is None:
                    grown[piece] = self._grow(piece, count)
            return self._grown_sum(count, pieces)

    def scores(self, total: int, plain: Iterable[str] = ()) -> list[float]:
        """One score a label; the greatest is the likeliest."""
        opened = (total + self._middle).to_bytes(self._lanes.size, "little")
        *values, square = self._lanes.unpack(opened)
        # A table without idf is summed as it stands, however many terms a text has.
        scale = IDF_UNIT / math.sqrt(square) if square else 1 / GROWTH_UNIT
        scale /= WEIGHT_UNIT
        scores = [
            (value - HALF) * scale + bias for value, bias in zip(values, self._bias, strict=True)
        ]
        for name in plain:
            scores = [a + b for a, b in zip(scores, self.plain(name), strict=True)]
        return scores

    def heaviest(self, hits: Iterable[Hit], label: int, most: int) -> list[tuple[Hit, float]]:
        """The hits that speak most for a label: what the decision is explained by. A single
        character explains nothing."""
        weights = self._of_label.setdefault(label, [None] * len(self._row))
        found = []
        for hit in hits:
            if hit[2] - hit[1] > 1:
                if (value := weights[hit[0]]) is None:
                    value = weights[hit[0]] = self._values(self._row[hit[0]])[label]
                if value > 0:
                    found.append((value, hit))
        found.sort(key=_first, reverse=True)
        return [(hit, value / WEIGHT_UNIT) for value, hit in found[:most]]

    def _values(self, row: int) -> list[int]:
        if row == UNKNOWN:
            return [0] * len(self.labels)
        return [int(value) for value in self._written[row].split(" ")]

    def _grow(self, piece: int, count: int) -> int:
        if (row := self._row[piece]) == UNKNOWN:
            return 0
        growth = GROWTH[min(count, COUNT_MOST)]
        lanes = sum(value << (LANE_BITS * lane) for lane, value in enumerate(self._values(row)))
        return growth * lanes + ((growth * int(self._idf[row])) ** 2 << self._top)


def counted(hits: Sequence[Hit], title: int) -> Counter[int]:
    """How often each piece stands there. `hits` in the order of their ends; those in the title
    count twice."""
    inside = bisect.bisect_right(hits, title, key=_end)
    return Counter(map(_first, itertools.chain(hits, hits[:inside])))


_first, _end = itemgetter(0), itemgetter(2)


def title_end(text: str) -> int:
    stop = TITLE.search(text, 0, TITLE_MOST)
    return stop.start() if stop else min(len(text), TITLE_MOST)


def of(rules: Rules, group: str) -> Learned | None:
    """The learned terms in `rules/GROUP.csv`, made once for a version of the rules."""
    if group not in rules.memo:
        table = rules.tables.get(group)
        rules.memo[group] = None if table is None else Learned(table, rules.pieces)
    found: Learned | None = rules.memo[group]
    return found
