"""Whether a word that was found is meant: there, denied, doubted, past, another's, supposed.

Cues are data (`rules/cues.csv`) and come out of the same pass as everything else. A longer cue
hides the shorter ones in it: 没办法 is no 没. Everything here works on the normalised text.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from backend.bot.talk import Status

Kind = Literal[
    "absent", "after", "uncertain", "question", "about", "hypothetical", "past", "other", "break",
    "plain",
]  # fmt: skip
SENTENCE_ENDS = frozenset("。!?;…\n")
CLAUSE_ENDS = SENTENCE_ENDS | frozenset(",，:")
LISTS = frozenset("、和及与跟或/ ")
LIST_ITEM_MOST = 6  # characters of one more thing in a list that a denial goes on over
BEFORE: dict[str, Status] = {
    "uncertain": "uncertain",
    "hypothetical": "hypothetical",
    "past": "past",
    "other": "other_person",
}
SILENT = frozenset({"plain", "break"})  # by themselves they say nothing of a word
BEHIND: dict[str, Status] = {"question": "uncertain", "about": "hypothetical"}  # 中风的后遗症
AFTER_MOST = 4  # characters between a word and what says after it that it is gone
Span = tuple[int, int]


class Cue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reach`: over how many characters it still speaks of what is found there."""

    cue: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    kind: Kind
    reach: Annotated[int, msgspec.Meta(ge=0, le=40)]


class Found(msgspec.Struct, frozen=True):
    """A cue in a text."""

    kind: Kind
    start: int
    end: int
    reach: int


class Scope:
    """The cues of one text. Made when something was found whose meaning matters."""

    def __init__(self, text: str, found: Iterable[Found]) -> None:
        self._text = text
        self._found = sorted(found, key=lambda cue: (cue.start, -cue.end))
        self._cues = _visible(self._found)
        self._says = any(cue.kind not in SILENT for cue in self._found)

    def status(self, start: int, end: int, own: Sequence[Span] = ()) -> Status:
        """Of the words at `start:end`. Cues in `own` (喘不上气) are part of these words."""
        if not self._says:
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
        return "present"

    def denies(self, start: int, end: int) -> bool:
        return self._says and _denied(self._text, self._about(start, end, ()), start, end, ())

    def _about(self, start: int, end: int, own: Sequence[Span]) -> list[Found]:
        """The cues without those that are part of these words."""
        cues = self._cues
        words = own or ((start, end),)
        if _cut(cues, words):  # 没有过 in 没有过敏 is only 没有, and 也没力气 has no 也没
            cues = _visible([cue for cue in self._found if not _cut((cue,), words)])
        if own:
            cues = [cue for cue in cues if not _within(cue, own)]
        return cues

    def _before(self, cue: Found, start: int) -> bool:
        if not 0 <= start - cue.end <= cue.reach:
            return False
        return self._joined(cue.end, start, CLAUSE_ENDS) and not _broken(self._cues, cue.end, start)

    def _joined(self, start: int, end: int, ends: frozenset[str]) -> bool:
        return ends.isdisjoint(self._text[start:end])


def _visible(found: Iterable[Found]) -> list[Found]:
    """Longest first wins; what lies inside another cue is part of that word."""
    kept: list[Found] = []
    start, reached = -1, -1
    for cue in found:
        if cue.end > reached or (cue.start, cue.end) == (start, reached):  # it may say two things
            kept.append(cue)
            start, reached = cue.start, cue.end
    return kept


def _cut(cues: Iterable[Found], words: Sequence[Span]) -> bool:
    """Whether a cue ends in the middle of one of these words."""
    for cue in cues:
        for start, _ in words:
            if cue.start < start < cue.end:
                return True
    return False


def _within(cue: Found, own: Sequence[Span]) -> bool:
    for start, end in own:
        if start <= cue.start and cue.end <= end:
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
    between = text[cue.end : start]
    if not CLAUSE_ENDS.isdisjoint(between) or _broken(cues, cue.end, start):
        return False
    if len(between) <= cue.reach:
        return True
    # 没有发烧、咳嗽、胸痛和呕吐: a list goes on as long as its items are short.
    items = _items(between)
    return len(items) > 1 and all(len(item) <= LIST_ITEM_MOST for item in items)


def _items(between: str) -> list[str]:
    items = [""]
    for character in between:
        if character in LISTS:
            items.append("")
        else:
            items[-1] += character
    return items


def _broken(cues: Sequence[Found], start: int, end: int) -> bool:
    for cue in cues:
        if cue.kind == "break" and start <= cue.start and cue.end <= end:
            return True
    return False
