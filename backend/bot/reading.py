"""One message, read once: in normal spelling, with what was found in it and what that means."""

import operator
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from backend.bot import learned, measures
from backend.bot.matching import Hit
from backend.bot.phrases import Occurrence
from backend.bot.rules import Rules
from backend.bot.scope import Scope, Span
from backend.bot.talk import TEXT_MOST, Evidence, EvidenceKind, Person, Status

OCCURRENCES_MOST: Final = 24  # of one sign in one message: who says it more often says nothing new
READ_MOST: Final = 200  # messages; each of some hundred kilobytes at most
NUMBER: Final = operator.itemgetter(0)  # of a hit
FROM_RECORD: Final = -1  # the turn of what the record says, not the resident


class Reading:
    """`hits` by group of the matcher, without those of signs, which `signs` has joined. Positions
    are those of `text`, `original` leads back."""

    __slots__ = (
        "_cued", "_learned", "_scope", "hits", "measures", "memo", "normal", "rules",
        "signs", "text", "title", "turn", "written",
    )  # fmt: skip

    def __init__(self, rules: Rules, written: str, turn: int) -> None:
        self.rules = rules
        self.written = written[:TEXT_MOST]
        self.turn = turn
        self.normal = rules.normalise(self.written)
        self.text = self.normal.text
        self.hits: dict[str, list[Hit]] = rules.matcher.find(self.text)
        self.title = learned.title_end(self.text)
        self._learned: tuple[Collection[str], int] | None = None
        self.memo: dict[str, Any] = {}
        """What other modules work out from it once, under a name of theirs."""
        self.signs = _signs(rules, self.text, self.hits.pop("signs"))
        """Number of the sign → where it stands, meant or not."""
        self.measures = measures.read(self.text)
        cues = self.hits["cues"]
        self._cued = bool(cues) and not rules.loud.isdisjoint(map(NUMBER, cues))
        """Whether anything may be meant otherwise: only then a scope is made."""
        self._scope: Scope | None = None

    @property
    def learned(self) -> tuple[Collection[str], int]:
        """The pieces that learned weights weigh, and what they weigh together."""
        if self._learned is None:
            self._learned = learned.of(self.rules).weighed(self.text, self.title)
        return self._learned

    @property
    def scope(self) -> Scope:
        if self._scope is None:
            self._scope = Scope(self.text, self.rules.cues, self.hits["cues"])
        return self._scope

    def status(self, occurrence: Occurrence) -> Status:
        known = occurrence.status
        if known is None:
            known = occurrence.status = (
                "present"
                if self.turn == FROM_RECORD or not self._cued
                else self.scope.status(occurrence.start, occurrence.end, occurrence.own)
            )
        return known

    def original(self, start: int, end: int) -> Span:
        return self.normal.span(start, end)

    def evidence(
        self,
        start: int,
        end: int,
        rule_id: str,
        rule_version: str,
        kind: EvidenceKind,
        status: Status = "present",
        score: float = 0.0,
    ) -> Evidence:
        """The words at `start:end` of `text`, as they were written."""
        if self.normal.starts is not None:  # else nothing was moved
            start, end = self.normal.span(start, end)
        words = self.written[start:end]
        return Evidence(self.turn, start, end, words, rule_id, rule_version, kind, status, score)


def _signs(rules: Rules, text: str, hits: Sequence[Hit]) -> dict[int, list[Occurrence]]:
    found = rules.phrases.find(text, hits)
    if not found:
        return found
    if min(found) < 0:
        _leave_out_looks(found)
    if found and max(map(len, found.values())) > OCCURRENCES_MOST:
        for number, ones in found.items():
            if len(ones) > OCCURRENCES_MOST:
                found[number] = _some(ones)
    return found


def _leave_out_looks(found: dict[int, list[Occurrence]]) -> None:
    """What only looks like a sign stands under the sign's opposite number."""
    for number in [number for number in found if number < 0]:
        only_looks_like = found.pop(number)
        if kept := _apart(found.get(-1 - number, ()), only_looks_like):
            found[-1 - number] = kept
        else:
            found.pop(-1 - number, None)


def _some(ones: list[Occurrence]) -> list[Occurrence]:
    """The first and the last ones."""
    half = OCCURRENCES_MOST // 2
    return ones[:half] + ones[-half:]


def _apart(found: Iterable[Occurrence], others: Sequence[Occurrence]) -> list[Occurrence]:
    return [
        one
        for one in found
        if not any(one.start < other.end and other.start < one.end for other in others)
    ]


def read_all(rules: Rules, person: Person, texts: Sequence[str]) -> list[Reading]:
    """The conversation, after what the record says about long-lasting diseases."""
    record = (
        [Reading(rules, "、".join(person.conditions), FROM_RECORD)] if person.conditions else []
    )
    return record + [_read(rules, text, turn) for turn, text in enumerate(texts)]


def without_record(readings: Sequence[Reading]) -> Sequence[Reading]:
    """Without what the record says, which is always the first of them."""
    return readings[1:] if readings and readings[0].turn == FROM_RECORD else readings


def _read(rules: Rules, text: str, turn: int) -> Reading:
    """As it was read the turn before, for as long as the few last conversations are remembered."""
    kept: dict[tuple[int, str], Reading] = rules.memo.setdefault("readings", {})
    known = kept.get((turn, text))
    if known is None:
        known = kept[turn, text] = Reading(rules, text, turn)
        if len(kept) > READ_MOST:
            del kept[next(iter(kept))]
    return known
