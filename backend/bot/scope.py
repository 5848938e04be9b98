"""Whether a word that was found is meant: there, denied, doubted, past, another's, supposed.

Cues are data (`rules/cues.csv`) and come out of the same pass as everything else. A longer cue
hides the shorter ones in it: 没办法 is no 没. Everything here works on the normalised text.
"""

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from backend.bot.matching import Hit
from backend.bot.schema import Cue, CueKind
from backend.bot.talk import Status

SENTENCE_ENDS: Final = frozenset("。!?;…\n")
CLAUSE_ENDS: Final = SENTENCE_ENDS | frozenset(",，:")
STOP: Final = re.compile(f"[{''.join(sorted(CLAUSE_ENDS))}]")
LISTS: Final = "、和及与跟或/+ "
LIST_ITEM_MOST: Final = 6  # characters of one more thing in a list that a denial goes on over
LIST: Final = re.compile(
    f"[^{LISTS}]{{0,{LIST_ITEM_MOST}}}(?:[{LISTS}][^{LISTS}]{{0,{LIST_ITEM_MOST}}})+"
)
BEFORE: Final[dict[str, Status]] = {
    "uncertain": "uncertain",
    "hypothetical": "hypothetical",
    "past": "past",
    "other": "other_person",
}
BREAKS: Final = frozenset({"break", "weak"})  # a weak one may itself be denied: 没有突然胸痛
DENIALS: Final = frozenset({"absent", "after"})
SILENT: Final = BREAKS | {"plain"}  # by themselves they say nothing of a word
BEHIND: Final[dict[str, Status]] = {
    "question": "uncertain",
    "about": "hypothetical",  # 中风的后遗症
}
# Characters on either side: no text, however long, costs more for each word in it.
LOOKED_MOST: Final = 80
AFTER_MOST: Final = 4  # characters between a word and what says after it that it is gone
COMPOUND_MOST: Final = (
    24  # characters of a list with strokes, 手术后/卧床后胸痛, that a denial may go over
)
# What may stand between a denial and a number that it denies: 没有烧到39度, 血压没超过180.
NUMBERED: Final = re.compile(
    r"(?:血压|体温|血糖|心率|脉搏)?(?:[\d.-]+(?:岁|个?月龄?))?"
    r"(?:烧到|量到|升到|达到|到|超过|超|高过|高于|大于|≥|>)*"
)
Span = tuple[int, int]


class Found(msgspec.Struct, frozen=True, gc=False):
    """A cue in a text."""

    kind: CueKind
    start: int
    end: int
    reach: int


class Clauses:
    """Where some cue may be heard: no cue speaks over the end of its clause. `stops`: where the
    clauses of the text end. Most words are in none, which is seen at once."""

    def __init__(self, cues: Iterable[Found], stops: Sequence[int]) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        for cue in cues:
            at = bisect_left(stops, cue.start)
            begin = stops[at - 1] if at else -1
            at = bisect_left(stops, cue.end)
            end = stops[at] if at < len(stops) else sys.maxsize
            if self._ends and begin < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def hold(self, start: int, end: int) -> bool:
        at = bisect_left(self._begins, end)
        return at > 0 and start <= self._ends[at - 1]


class Scope:
    """The cues of one text. Made when something was found whose meaning matters."""

    def __init__(self, text: str, cues: Sequence[Cue], hits: Iterable[Hit]) -> None:
        self._text = text
        self._found = []
        for start, end, which in sorted([(hit[1], -hit[2], hit[0]) for hit in hits]):
            cue = cues[which]
            self._found.append(Found(cue.kind, start, -end, cue.reach))
        self._cues = _visible(self._found)
        self._starts = [cue.start for cue in self._found]
        self._cue_starts = [cue.start for cue in self._cues]
        loud = [cue for cue in self._found if cue.kind not in SILENT]
        stops = [stop.start() for stop in STOP.finditer(text)] if loud else []
        self._heard = Clauses(loud, stops)
        self._denied = Clauses([cue for cue in loud if cue.kind in DENIALS], stops)

    def status(self, start: int, end: int, own: Sequence[Span] = ()) -> Status:
        """Of the words at `start:end`. Cues in `own` (喘不上气) are part of these words."""
        if not self._heard.hold(start, end):
            return "present"
        cues = self._about(start, end, own)
        if _denied(self._text, cues, start, end, own):
            return "absent"
        for cue in cues:
            kind = cue.kind
            if kind in SILENT:
                continue
            if kind in BEHIND:
                if 0 <= cue.start - end <= cue.reach and self._joined(end, cue.start, CLAUSE_ENDS):
                    return BEHIND[kind]
            elif kind in BEFORE and self._before(cue, start):
                return BEFORE[kind]
        return "uncertain" if _half_denied(self._text, cues, start) else "present"

    def denies_number(self, start: int) -> bool:
        """Of one that begins at `start`."""
        return self._denied.hold(start, start) and any(
            cue.kind == "absent"
            and cue.end <= start
            and NUMBERED.fullmatch(self._text, cue.end, start) is not None
            for cue in _near(self._cues, self._cue_starts, start, start)
        )

    def denies(self, start: int, end: int) -> bool:
        return self._denied.hold(start, end) and _denied(
            self._text, self._about(start, end, ()), start, end, ()
        )

    def _about(self, start: int, end: int, own: Sequence[Span]) -> list[Found]:
        """The cues without those that are part of these words."""
        cues = _near(self._cues, self._cue_starts, start, end)
        words = own or ((start, end),)
        if self._cuts(words):  # 没有过 in 没有过敏 is only 没有, and 也没力气 has no 也没
            near = _near(self._found, self._starts, start, end)
            cues = _visible([cue for cue in near if not _cut(cue, words)])
            cues = [cue for cue in cues if not self._is_part(cue)]  # no 后 in 后背, found as 背
        for low, high in own:
            cues = [cue for cue in cues if cue.start < low or cue.end > high]
        return cues

    def _cuts(self, words: Sequence[Span]) -> bool:
        """Whether a cue ends in the middle of one of these words. Of those that begin before it,
        the last one reaches farthest."""
        for start, _ in words:
            at = bisect_left(self._cue_starts, start)
            if at and self._cues[at - 1].end > start:
                return True
        return False

    def _is_part(self, cue: Found) -> bool:
        """Whether a break is only a part of a longer word."""
        return cue.kind in BREAKS and any(
            word.kind == "plain" and word.start <= cue.start and cue.end <= word.end
            for word in self._found
        )

    def _before(self, cue: Found, start: int) -> bool:
        if not 0 <= start - cue.end <= cue.reach:
            return False
        return self._joined(cue.end, start, CLAUSE_ENDS) and not _broken(self._cues, cue.end, start)

    def _joined(self, start: int, end: int, ends: frozenset[str]) -> bool:
        return ends.isdisjoint(self._text[start:end])


def _near(cues: list[Found], starts: list[int], start: int, end: int) -> list[Found]:
    low, high = start - LOOKED_MOST, end + LOOKED_MOST
    return cues[bisect_left(starts, low) : bisect_left(starts, high)]


def _visible(found: Iterable[Found]) -> list[Found]:
    """Longest first wins; what lies inside another cue is part of that word."""
    kept: list[Found] = []
    start, reached = -1, -1
    for cue in found:
        if cue.end > reached or (cue.start, cue.end) == (start, reached):  # it may say two things
            kept.append(cue)
            start, reached = cue.start, cue.end
    return kept


def _cut(cue: Found, words: Sequence[Span]) -> bool:
    """Whether it ends in the middle of one of these words."""
    for start, _ in words:
        if cue.start < start < cue.end:
            return True
    return False


def _denied(text: str, cues: Sequence[Found], start: int, end: int, own: Sequence[Span]) -> bool:
    for cue in cues:
        kind = cue.kind
        if kind != "absent" and kind != "after":
            continue
        if 0 <= cue.start - end <= AFTER_MOST:
            if CLAUSE_ENDS.isdisjoint(text[end : cue.start]) and _closes(text, cue):
                return True
        if kind == "after":
            continue
        if start <= cue.start and cue.end <= end:  # 胸口不痛, found as 胸口…痛
            after = [low for low, _ in own if low >= cue.end]
            if not after or _reaches(text, cues, cue, min(after)):
                return True
        elif cue.end <= start and _reaches(text, cues, cue, start):
            return True
    return False


def _closes(text: str, cue: Found) -> bool:
    """没有 after a word denies it only where nothing follows that it could deny itself."""
    after = text[cue.end : cue.end + 2].lstrip("了的过啊呀哦哈嗯")
    return not after or after[0] in CLAUSE_ENDS or after[0] in "吗呢吧 "


def _reaches(text: str, cues: Sequence[Found], cue: Found, start: int) -> bool:
    # 没有发烧、咳嗽、胸痛和呕吐: a list goes on as long as its items are short.
    if start - cue.end > cue.reach and LIST.fullmatch(text, cue.end, start) is None:
        return False
    return CLAUSE_ENDS.isdisjoint(text[cue.end : start]) and not _broken(cues, cue.end, start)


def _broken(cues: Sequence[Found], start: int, end: int) -> bool:
    for cue in cues:
        if cue.kind in BREAKS and start <= cue.start and cue.end <= end:
            return True
    return False


def _half_denied(text: str, cues: Sequence[Found], start: int) -> bool:
    """Behind a denial, but over a weak break: 没有突然胸痛 may be told of now or of before. So it
    is asked about, and neither alerts by itself nor is lost."""
    return any(
        cue.kind == "absent"
        and cue.end < start
        and (_adverb_denied(text, cues, cue, start) or _compound_denied(text, cues, cue, start))
        for cue in cues
    )


def _adverb_denied(text: str, cues: Sequence[Found], cue: Found, start: int) -> bool:
    """The weak break follows the denial at once, and nothing else is between."""
    for weak in cues:
        if weak.kind == "weak" and weak.start == cue.end and weak.end <= start:
            return (
                start - cue.end <= cue.reach
                and CLAUSE_ENDS.isdisjoint(text[weak.end : start])
                and not _broken(cues, weak.end, start)
            )
    return False


def _compound_denied(text: str, cues: Sequence[Found], cue: Found, start: int) -> bool:
    """A list with strokes is one thing, whatever is said in it, short of a 但."""
    between = text[cue.end : start]
    return (
        "/" in between
        and len(between) <= COMPOUND_MOST
        and CLAUSE_ENDS.isdisjoint(between)
        and " " not in between
        and not any(
            other.kind == "break" and cue.end <= other.start and other.end <= start
            for other in cues
        )
    )
