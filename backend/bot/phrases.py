"""How a sign may be worded: words, alternatives, and gaps between words.

`胸口(压|憋)(得)?…疼` is 胸口压 or 胸口憋, up to GAP characters of the same clause, then 疼; `……`
reaches WIDE characters over commas. `<胸口>` stands for a list of words that a rule file names.
Words come out of the one pass over the text; a gap is only looked at when all words of its phrase
were found.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from backend.bot.matching import Hit
from backend.bot.scope import CLAUSE_ENDS, SENTENCE_ENDS, Span

GAP, WIDE = 6, 20
EXPANDED_MOST = 600  # words that one piece may stand for
PIECES_MOST = 4
TOKEN = re.compile(r"(?P<list><[^<>]+>)|\((?P<group>[^()]+)\)(?P<optional>\?)?|(?P<text>[^<>()?]+)")


class Occurrence(msgspec.Struct, frozen=True):
    """A sign in a text. `own`: the words of the phrase, without what stands in its gaps."""

    start: int
    end: int
    own: tuple[Span, ...]


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


class Phrases:
    """All phrases of all signs, ready for the hits of one pass. Signs are told by their number."""

    def __init__(self) -> None:
        self.terms: list[str] = []
        self._number: dict[str, int] = {}
        self._whole: list[list[int]] = []  # term → signs that it is a whole phrase of
        self._part: list[list[tuple[int, int]]] = []  # term → (pattern, which piece)
        self._patterns: list[tuple[int, list[int]]] = []  # sign, gaps

    def add(self, sign: int, words: list[list[str]], gaps: list[int]) -> None:
        """`words` in normal spelling already."""
        if not gaps:
            for word in words[0]:
                if sign not in self._whole[term := self._term(word)]:
                    self._whole[term].append(sign)
            return
        pattern = len(self._patterns)
        self._patterns.append((sign, gaps))
        for piece, alternatives in enumerate(words):
            for word in alternatives:
                self._part[self._term(word)].append((pattern, piece))

    def _term(self, word: str) -> int:
        number = self._number.setdefault(word, len(self.terms))
        if number == len(self.terms):
            self.terms.append(word)
            self._whole.append([])
            self._part.append([])
        return number

    def find(self, text: str, hits: Sequence[Hit]) -> dict[int, list[Occurrence]]:
        """Which signs stand in `text`, wherever; whether they are meant is for the scope."""
        found: dict[int, list[Occurrence]] = {}
        places: dict[int, dict[int, list[Span]]] = {}
        whole, part = self._whole, self._part
        for term, start, end in hits:
            for sign in whole[term]:
                found.setdefault(sign, []).append(Occurrence(start, end, ((start, end),)))
            for pattern, piece in part[term]:
                places.setdefault(pattern, {}).setdefault(piece, []).append((start, end))
        for pattern, at in places.items():
            sign, gaps = self._patterns[pattern]
            if len(at) == len(gaps) + 1:
                for chain in _chains(text, at, gaps):
                    occurrence = Occurrence(chain[0][0], chain[-1][1], chain)
                    found.setdefault(sign, []).append(occurrence)
        return found


def _chains(
    text: str, at: Mapping[int, Sequence[Span]], gaps: Sequence[int]
) -> Iterator[tuple[Span, ...]]:
    """Each start of the first piece with the nearest of each following one."""
    for first in at[0]:
        chain = [first]
        for piece, gap in enumerate(gaps, start=1):
            after = chain[-1][1]
            ends = SENTENCE_ENDS if gap == WIDE else CLAUSE_ENDS
            near = [
                span
                for span in at[piece]
                if after <= span[0] <= after + gap and ends.isdisjoint(text[after : span[0]])
            ]
            if not near:
                break
            chain.append(min(near))
        else:
            yield tuple(chain)
