"""How a sign may be worded: words, alternatives, and gaps between words.

`胸口(压|憋)(得)?…疼` is 胸口压 or 胸口憋, up to GAP characters of the same clause, then 疼; `……`
reaches WIDE characters over commas. `<胸口>` stands for a list of words that a rule file names.
Words come out of the one pass over the text; a gap is only looked at when all words of its phrase
were found.
"""

import functools
import itertools
import operator
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from backend.bot.matching import Hit
from backend.bot.normalise import plain_all
from backend.bot.scope import CLAUSE_ENDS, SENTENCE_ENDS, Span
from backend.bot.talk import Status

GAP: Final = 6
WIDE: Final = 20
EXPANDED_MOST: Final = 600  # words that one piece may stand for
PIECES_MOST: Final = 4
COMPILED_MOST: Final = 4  # sets of all phrases, of all versions
TOKEN: Final = re.compile(
    r"(?P<list><[^<>]+>)|\((?P<group>[^()]+)\)(?P<optional>\?)?|(?P<text>[^<>()?]+)"
)


class Occurrence(msgspec.Struct, gc=False):
    """A sign in a text. `own`: the words of the phrase, without what stands in its gaps. `status`:
    what is said of it, once somebody asked (see Reading)."""

    start: int
    end: int
    own: tuple[Span, ...]
    status: Status | None = None


class PhraseError(ValueError):
    """What can't be read as a phrase; the text is for whoever writes rules."""


def pieces(phrase: str, lists: Mapping[str, Sequence[str]]) -> tuple[list[list[str]], list[int]]:
    """The words of each piece, and how far the next one may be. Raises PhraseError."""
    parts = re.split(r"(……|…)", phrase)
    words = [_expanded(part, lists) for part in parts[::2]]
    if len(words) > PIECES_MOST:
        raise PhraseError(f"「{phrase}」最多分 {PIECES_MOST} 段。")
    return words, [WIDE if gap == "……" else GAP for gap in parts[1::2]]


def _expanded(part: str, lists: Mapping[str, Sequence[str]]) -> list[str]:
    choices: list[Sequence[str]] = []
    read = 0
    for match in TOKEN.finditer(part):
        read += len(match[0])
        written = match["list"] or match["group"] or match["text"]
        chosen = [word for one in written.split("|") for word in _listed(one, lists)]
        choices.append([*chosen, ""] if match["optional"] else chosen)
    words = ["".join(chosen) for chosen in itertools.product(*choices)]
    if read != len(part) or not all(words) or len(words) > EXPANDED_MOST:
        raise PhraseError(f"「{part}」读不懂，或者展开后多于 {EXPANDED_MOST} 个词。")
    return words


def _listed(word: str, lists: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if not word.startswith("<"):
        return [word]
    name = word.strip("<>")
    if name not in lists:
        raise PhraseError(f"没有叫「{name}」的词表。")
    return lists[name]


Piece = frozenset[int]  # its words, as terms


class Pattern:
    """A phrase with gaps: its pieces, and how far each may be from the one before. `others`: the
    pieces without the rarest, which wakes it. Equal to itself alone: none is there twice, and that
    is told at once."""

    __slots__ = ("gaps", "others", "pieces", "sign")

    def __init__(
        self, sign: int, pieces: tuple[Piece, ...], gaps: tuple[int, ...], others: tuple[Piece, ...]
    ) -> None:
        self.sign, self.pieces, self.gaps, self.others = sign, pieces, gaps, others


class Phrases:
    """All phrases of all signs, ready for the hits of one pass. Signs are told by their number."""

    def __init__(self) -> None:
        self.terms: list[str] = []
        self._number: dict[str, int] = {}
        # Tuples, as most terms can share theirs.
        self._whole: list[tuple[int, ...]] = []  # term → signs that it is a whole phrase of
        self._wakes: list[tuple[Pattern, ...]] = []  # term → patterns whose rarest piece it is

    def add(self, sign: int, words: list[list[str]], gaps: list[int]) -> None:
        """`words` in normal spelling already."""
        if not gaps:
            alone = (sign,)
            for word in words[0]:
                signs = self._whole[term := self._term(word)]
                if sign not in signs:
                    self._whole[term] = signs + alone if signs else alone
            return
        pieces = tuple(frozenset(self._term(word) for word in piece) for piece in words)
        # Long words are rare ones: only they make a message look for the rest of the phrase.
        rarest = max(range(len(words)), key=lambda at: (min(map(len, words[at])), -len(words[at])))
        others = pieces[:rarest] + pieces[rarest + 1 :]
        pattern = Pattern(sign, pieces, tuple(gaps), others)
        for term in pieces[rarest]:
            self._wakes[term] += (pattern,)

    def _term(self, word: str) -> int:
        number = self._number.setdefault(word, len(self.terms))
        if number == len(self.terms):
            self.terms.append(word)
            self._whole.append(())
            self._wakes.append(())
        return number

    def find(self, text: str, hits: Sequence[Hit]) -> dict[int, list[Occurrence]]:
        """Which signs stand in `text`, wherever; whether they are meant is for the scope."""
        whole: dict[int, list[Occurrence]] = {}  # term → where it stands
        awake: list[Pattern] = []
        signs_of, wakes = self._whole, self._wakes
        for term, start, end in hits:
            if signs_of[term]:
                occurrence = Occurrence(start, end, ((start, end),))
                if term in whole:
                    whole[term].append(occurrence)
                else:
                    whole[term] = [occurrence]
            if patterns := wakes[term]:
                awake += patterns
        found: dict[int, list[Occurrence]] = {}
        for term, occurrences in whole.items():
            for sign in signs_of[term]:
                if sign in found:
                    found[sign] += occurrences
                else:
                    found[sign] = occurrences[:]
        if awake:
            self._wake(text, hits, awake, found)
        return found

    def _wake(
        self,
        text: str,
        hits: Sequence[Hit],
        awake: Iterable[Pattern],
        found: dict[int, list[Occurrence]],
    ) -> None:
        """Adds those of patterns to `found`."""
        terms = set(map(TERM, hits))
        at: dict[int, list[Span]] = {}
        for pattern in dict.fromkeys(awake):
            for piece in pattern.others:
                if piece.isdisjoint(terms):
                    break
            else:
                at = at or _places(hits)
                for chain in _chains(text, at, pattern):
                    occurrence = Occurrence(chain[0][0], chain[-1][1], chain)
                    found.setdefault(pattern.sign, []).append(occurrence)


TERM: Final = operator.itemgetter(0)


def _places(hits: Iterable[Hit]) -> dict[int, list[Span]]:
    at: dict[int, list[Span]] = {}
    for term, start, end in hits:
        at.setdefault(term, []).append((start, end))
    return at


def _chains(
    text: str, at: Mapping[int, Sequence[Span]], pattern: Pattern
) -> Iterator[tuple[Span, ...]]:
    """Each start of the first piece with the nearest of each following one."""
    places = [
        sorted(itertools.chain.from_iterable(map(at.__getitem__, terms.intersection(at))))
        for terms in pattern.pieces
    ]
    following = list(zip(places[1:], pattern.gaps, strict=True))
    for first in places[0]:
        chain = [first]
        after = first[1]
        for spans, gap in following:
            nearest = bisect_left(spans, (after,))
            if nearest == len(spans):
                break
            span = spans[nearest]
            start = span[0]
            if start > after + gap:
                break
            # Most words follow each other at once.
            if start > after and not (SENTENCE_ENDS if gap == WIDE else CLAUSE_ENDS).isdisjoint(
                text[after:start]
            ):
                break
            chain.append(span)
            after = span[1]
        else:
            yield tuple(chain)


Worded = tuple[str, ...]
Lists = tuple[tuple[str, tuple[str, ...]], ...]


@functools.lru_cache(maxsize=COMPILED_MOST)
def compiled(
    signs: tuple[tuple[Worded, Worded], ...], lists: Lists
) -> tuple[Phrases, list[tuple[int, str]]]:
    """The phrases of all signs, and those without which they only look like one, under the number
    of the sign and its opposite; and what is wrong under which number."""
    made, wrong = Phrases(), []
    numbered = [
        (at, phrase)
        for number, (phrases, without) in enumerate(signs)
        for at, some in ((number, phrases), (-1 - number, without))
        for phrase in some
    ]
    spelled = _spelled(lists)
    spelled.take([phrase for _, phrase in numbered])
    for number, phrase in numbered:
        found = spelled.of[phrase]
        if isinstance(found, str):
            wrong.append((number, found))
        else:
            made.add(number, *found)
    return made, wrong


class _Spelled:
    """Phrases in normal spelling, or why they can't be read, for as long as the lists of words are
    the same: a change in one phrase spells out that phrase alone."""

    def __init__(self, lists: Lists) -> None:
        self._lists = dict(lists)
        self.of: dict[str, tuple[list[list[str]], list[int]] | str] = {}

    def take(self, phrases: Iterable[str]) -> None:
        new = {}
        for phrase in phrases:
            if phrase not in self.of:
                try:
                    new[phrase] = pieces(phrase, self._lists)
                except PhraseError as error:
                    self.of[phrase] = str(error)
        every = dict.fromkeys(word for parts, _ in new.values() for part in parts for word in part)
        normal = dict(zip(every, plain_all(every), strict=True))
        for phrase, (parts, gaps) in new.items():
            self.of[phrase] = [[normal[one] for one in part] for part in parts], gaps


@functools.lru_cache(maxsize=COMPILED_MOST)
def _spelled(lists: Lists) -> _Spelled:
    return _Spelled(lists)
