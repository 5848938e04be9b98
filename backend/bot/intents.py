"""What somebody wants to know: one of the intents that search queries were labelled with.

Small talk and what the conversation itself needs (转人工, 挂号) are rules, in `flows.yaml`. How a
thing is asked is learned beside what is asked: X怎么治, whatever X is. So the learned terms are
looked for in the text and again in its shape, where reviewed words are replaced by their kind.
"""

from collections.abc import Sequence

import ahocorasick_rs
import msgspec

from backend.bot import departments, learned
from backend.bot.learned import Learned
from backend.bot.matching import Hit
from backend.bot.reading import FROM_RECORD, Reading
from backend.bot.rules import Rules
from backend.bot.talk import Evidence

LEARNED = "learned_intents"
OTHER = "other"
NAMED_MOST = 4  # pieces of evidence
READ_MOST = 120  # characters from the end: what is wanted is said last
START, END = "^", "$"
# Capitals: normalised text has none.
KINDS = {
    "disease": "D", "symptom": "S", "body": "B", "test": "T", "procedure": "P", "drug_class": "M",
    "person": "N", "department": "K",
}  # fmt: skip


class Model(msgspec.Struct, frozen=True):
    terms: Learned
    automaton: ahocorasick_rs.AhoCorasick
    kinds: tuple[str, ...]


def model(rules: Rules) -> Model | None:
    """What classify needs of these rules, made once."""
    if __name__ not in rules.memo:
        terms = learned.of(rules, LEARNED)
        rules.memo[__name__] = terms and Model(
            terms,
            ahocorasick_rs.AhoCorasick(list(terms.terms), store_patterns=False),
            kinds(rules),
        )
    found: Model | None = rules.memo[__name__]
    return found


def kinds(rules: Rules) -> tuple[str, ...]:
    table = rules.tables.get(departments.DICTIONARY)
    return tuple(KINDS.get(kind, "") for kind in table.column("kind")) if table else ()


def classify(rules: Rules, readings: Sequence[Reading]) -> tuple[str, list[Evidence]]:
    """Of the latest message: the likeliest, and by which words. `other` if none says anything."""
    known = model(rules)
    if known is None or not readings or readings[-1].turn == FROM_RECORD:
        return OTHER, []
    reading = readings[-1]
    text = shape(reading, known.kinds)
    hits = known.automaton.find_matches_as_indexes(text, overlapping=True)
    if not hits or not reading.text.strip():
        return OTHER, []
    scores = known.terms.score([(text, hits)])
    best = max(range(len(scores)), key=scores.__getitem__)
    return known.terms.labels[best], _proofs(known, reading, hits, best)


def shape(reading: Reading, kinds: Sequence[str]) -> str:
    """The end of the text, and behind it the same with kinds instead of reviewed words."""
    text = reading.text
    parts: list[str] = []
    at = begin = max(0, len(text) - READ_MOST)
    words = departments.visible(reading)
    for start, end, index in sorted((start, end, index) for index, start, end in words):
        if start >= at:
            parts += (text[at:start], kinds[index])
            at = end
    return f"{START}{text[begin:]}{END}{START}{''.join(parts)}{text[at:]}{END}"


def _proofs(known: Model, reading: Reading, hits: Sequence[Hit], best: int) -> list[Evidence]:
    """Only what stands in the text itself can be shown."""
    begin = max(0, len(reading.text) - READ_MOST)
    length = len(reading.text) - begin
    inside = [hit for hit in hits if hit[1] > 0 and hit[2] <= length + 1]
    return [
        reading.evidence(
            begin + start - 1,
            begin + end - 1,
            rule_id=f"{LEARNED}:{index + 2}",
            rule_version=reading.rules.version,
            kind="intent",
            score=weight,
        )
        for (index, start, end), weight in known.terms.heaviest(inside, best, NAMED_MOST)
    ]
