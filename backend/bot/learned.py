"""Terms whose weights were learned from labelled questions: a linear model as a plain list.

A table has a line a term: the term, its inverse document frequency, and a weight a label, all whole
numbers; the header of the last column names the labels. `benchmarks/learn_bot.py` writes it, and
nothing here needs more than Python. The weights of a term are one big integer, a lane a label:
a sum over the hundred terms of a message costs a hundred additions and not two thousand. Where a
term stands is looked up only for the few that a decision is explained by.
"""

import functools
import itertools
import math
import operator
import re
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from backend.bot.matching import automaton
from backend.bot.rules import LEARNED, Rules, Table, rows_in

LANE_BITS: Final = 32
HALF: Final = 1 << (LANE_BITS - 1)
SQUARE: Final = struct.Struct("<Q")
SQUARE_BITS: Final = 8 * SQUARE.size
# What 1 is in the file: of an idf, of a weight times its idf, and of what is added as it stands.
IDF_UNIT: Final = 100
WEIGHT_UNIT: Final = 20
PLAIN_UNIT: Final = 1000
TITLE_MOST: Final = 30  # characters; what stands before the first stop says what it is about
IN_TITLE: Final = 2  # times that a piece there counts
TITLE: Final = re.compile(r"[。?!,、;:\s]")
BIAS: Final = "@bias"
PLAIN: Final = "@"  # begins the name of a row that is no piece of text: @bias, @age0
COUNT_MOST: Final = 64
GROWTH_UNIT: Final = 100
GROWTH: Final = (
    0,
    *(round(GROWTH_UNIT * (1 + math.log(count))) for count in range(1, COUNT_MOST + 1)),
)
READ_MOST: Final = 4  # sets of tables
KEPT_COUNT_MOST: Final = 4  # what a piece weighs so often is kept; more often, worked out again
WEIGHT: Final = operator.itemgetter(0)
NO_PIECE: Final = re.compile("[A-Z@^$]")  # the kind of a word, an end, a row that is no text
Heavy = tuple[int, int, str, float]
"""start, end, piece, weight"""


@dataclass(frozen=True)
class Part:
    """One table: its rows, and which lanes of a sum are its own."""

    labels: tuple[str, ...]
    row_of: dict[str, int]
    idf: tuple[str, ...]
    written: tuple[str, ...]
    square: int
    """Which lane of squares."""
    lanes: struct.Struct
    begin: int
    """Of its lanes, in bytes."""

    def weights(self, term: str) -> list[int]:
        row = self.row_of.get(term)
        written = () if row is None else self.written[row].split(" ")
        return [int(value) for value in written] or [0] * len(self.labels)


class Learned:
    """All tables of one version: a message is counted and summed up once for all of them.

    A piece weighs one integer. From its lowest bit: a lane of `SQUARE_BITS` a table for the square
    of its idf, then lanes of `LANE_BITS` for the weights, table by table.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._parts: dict[str, Part] = {}
        size = len(tables) * SQUARE_BITS // 8
        squares = (1 << len(tables) * SQUARE_BITS) - 1
        for name, table in tables.items():
            part = self._parts[name] = _part(table, len(self._parts), size)
            size += part.lanes.size
        terms = dict.fromkeys(itertools.chain(*(part.row_of for part in self._parts.values())))
        pieces = tuple(term for term in terms if not NO_PIECE.search(term))
        self._pieces = automaton(pieces, as_strings=True).find_matches_as_strings
        self._size = size
        self._middle = sum(
            HALF << (8 * part.begin + LANE_BITS * lane)
            for part in self._parts.values()
            for lane in range(len(part.labels))
        )
        # Worked out when first asked for: ten thousand lines load in milliseconds.
        weights = _Weights(self._parts.values())
        self._grown = [_Grown(weights, squares, count) for count in range(COUNT_MOST + 1)]
        self._of_label: dict[tuple[str, int], _OfLabel] = {}
        self._plain: dict[tuple[str, str], list[float]] = {}

    def labels(self, table: str) -> tuple[str, ...]:
        """Empty if there is no such table."""
        return self._parts[table].labels if table in self._parts else ()

    def row(self, table: str, piece: str) -> int:
        """In the file, from 0."""
        return self._parts[table].row_of[piece]

    def weighed(self, text: str, title: int) -> tuple[Collection[str], int]:
        """Every piece once, and what they weigh together. What stands in the title counts twice."""
        found: list[str] = self._pieces(text, overlapping=True)
        if title >= len(text):
            if len(set(found)) == len(found):  # as in most short texts, and counting is dear
                return found, sum(map(self._grown[IN_TITLE].__getitem__, found))
            found += found
        elif title > 0:
            found += self._pieces(text[:title], overlapping=True)
        counts = Counter(found)
        return counts, self.summed(counts)

    def plain(self, table: str, name: str) -> list[float]:
        """A row that is added as it stands: one number a label."""
        found = self._plain.get((table, name))
        if found is None:
            weights = self._parts[table].weights(name)
            found = self._plain[table, name] = [value / PLAIN_UNIT for value in weights]
        return found

    def summed(self, counts: Mapping[str, int]) -> int:
        """Σ growth × weights in the lanes of weights, Σ (growth × idf)² in those of squares."""
        if counts and max(counts.values()) > COUNT_MOST:
            counts = {piece: min(count, COUNT_MOST) for piece, count in counts.items()}
        by_count = map(self._grown.__getitem__, counts.values())
        return sum(map(operator.getitem, by_count, counts))

    def once(self, pieces: list[str]) -> int:
        """The same where each counts as often as it is named."""
        if len(set(pieces)) == len(pieces):
            return sum(map(self._grown[1].__getitem__, pieces))
        return self.summed(Counter(pieces))

    def lanes(self, table: str, total: int) -> tuple[tuple[int, ...], int]:
        """What a table's weights sum up to, and their squares. All zero: it says nothing."""
        part = self._parts[table]
        # Each lane is lifted by its half to be no less than zero; flipping its top bit undoes that.
        opened = ((total + self._middle) ^ self._middle).to_bytes(self._size, "little")
        (square,) = SQUARE.unpack_from(opened, part.square * SQUARE.size)
        return part.lanes.unpack_from(opened, part.begin), square

    def scores(
        self, table: str, values: tuple[int, ...], square: int, plain: Iterable[str] = ()
    ) -> list[float]:
        """Of lanes: one score a label; the greatest is the likeliest."""
        # A table without idf is summed as it stands, however many terms a text has.
        scale = IDF_UNIT / math.sqrt(square) if square else 1 / GROWTH_UNIT
        scale /= WEIGHT_UNIT
        bias = self._plain.get((table, BIAS)) or self.plain(table, BIAS)
        scores = [value * scale + add for add, value in zip(bias, values)]  # noqa: B905  slower
        for name in plain:
            scores = [a + b for a, b in zip(scores, self.plain(table, name), strict=True)]
        return scores

    def says(self, table: str, pieces: Iterable[str]) -> bool:
        """Whether any piece of two letters is the table's own; punctuation says nothing."""
        own = self._parts[table].row_of
        return any(len(piece) > 1 and piece in own and piece.isalpha() for piece in pieces)

    def heaviest(
        self, table: str, label: int, pieces: Iterable[str], text: str, begin: int, most: int
    ) -> list[Heavy]:
        """What speaks most for a label from `begin` on: what the decision is explained by. A single
        character explains nothing."""
        of_label = self._of_label.get((table, label))
        if of_label is None:
            of_label = self._of_label[table, label] = _OfLabel(self._parts[table], label)
        heavy = list(filter(None, map(of_label.__getitem__, pieces)))
        if len(heavy) > most:  # the last ones may weigh the same: then those that stand first
            heavy.sort(key=WEIGHT, reverse=True)
            least = heavy[most - 1][0]
            heavy = [one for one in heavy if one[0] >= least]
        found = []
        for weight, piece in heavy:
            at = text.find(piece, begin)
            for _ in range(most):
                if at < 0:
                    break
                found.append((-weight, at + len(piece), at, piece))
                at = text.find(piece, at + 1)
        found.sort()
        return [(at, end, piece, -weight / WEIGHT_UNIT) for weight, end, at, piece in found[:most]]


def _part(table: Table, square: int, begin: int) -> Part:
    labels = tuple(table.columns[2].split(" "))
    return Part(
        labels,
        {term: row for row, term in enumerate(table.column("term"))},
        table.column("idf"),
        table.column(table.columns[2]),
        square,
        struct.Struct(f"<{len(labels)}i"),
        begin,
    )


class _Weights(dict[str, int]):
    """Piece → its weights in lanes."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = tuple(parts)

    def __missing__(self, piece: str) -> int:
        total = 0
        for part in self._parts:
            if (row := part.row_of.get(piece)) is not None:
                weights = enumerate(part.weights(piece))
                lanes = sum(weight << (LANE_BITS * lane) for lane, weight in weights)
                total += lanes << (8 * part.begin)
                total += int(part.idf[row]) ** 2 << (SQUARE_BITS * part.square)
        self[piece] = total
        return total


class _Grown(dict[str, int]):
    """Piece → what it weighs where it counts `count` times, in lanes."""

    def __init__(self, weights: _Weights, squares: int, count: int) -> None:
        self._weights, self._squares = weights, squares
        self._growth, self._is_kept = GROWTH[count], count <= KEPT_COUNT_MOST

    def __missing__(self, piece: str) -> int:
        once, growth = self._weights[piece], self._growth
        total = growth * (once + (growth - 1) * (once & self._squares))
        if self._is_kept:
            self[piece] = total
        return total


class _OfLabel(dict[str, tuple[int, str] | None]):
    """Piece → what it weighs for a label, and itself; None where it explains nothing: a single
    character, or one that speaks against."""

    def __init__(self, of: Part, label: int) -> None:
        self._of, self._label = of, label

    def __missing__(self, piece: str) -> tuple[int, str] | None:
        weight = self._of.weights(piece)[self._label] if len(piece) > 1 else 0
        found = self[piece] = (weight, piece) if weight > 0 else None
        return found


def counts(pieces: Collection[str]) -> Mapping[str, int]:
    """How often each counts, of what `weighed` found."""
    return pieces if isinstance(pieces, Counter) else dict.fromkeys(pieces, IN_TITLE)


def title_end(text: str) -> int:
    stop = TITLE.search(text, 0, TITLE_MOST)
    return stop.start() if stop else min(len(text), TITLE_MOST)


def of(rules: Rules) -> Learned:
    """All learned terms, made once for a version of the rules."""
    found: Learned | None = rules.memo.get(__name__)
    if found is None:
        names = [name for name in rules.tables if name.startswith(LEARNED)]
        found = _read(tuple((name, rules.files[f"{name}.csv"]) for name in names))
        rules.memo[__name__] = found
    return found


@functools.lru_cache(maxsize=READ_MOST)
def _read(files: tuple[tuple[str, bytes], ...]) -> Learned:
    """Shared by all versions that have these tables, with what was worked out of them."""
    tables = ((name, rows_in(content)) for name, content in files)
    return Learned({name: Table(rows[0], rows[1:]) for name, rows in tables})
