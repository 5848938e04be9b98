"""What somebody wants to know: one of the intents that search queries were labelled with.

Small talk and what the conversation itself needs (转人工, 挂号) are rules, in `flows.yaml`. How a
thing is asked is learned beside what is asked: X怎么治, whatever X is. So learned terms are of two
sorts: pieces of the text, and of its shape, where reviewed words are replaced by their kind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import ahocorasick_rs

from backend.bot import departments, learned
from backend.bot.learned import Heavy, Learned
from backend.bot.matching import automaton
from backend.bot.reading import FROM_RECORD, Reading
from backend.bot.rules import Rules, Table
from backend.bot.talk import Evidence

LEARNED: Final = "learned_intents"
OTHER: Final = "other"
# No letter of a normalised text is a capital.
SHAPED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ^$")
NAMED_MOST: Final = 4  # pieces of evidence
READ_MOST: Final = 120  # characters from the end: what is wanted is said last
START: Final = "^"
END: Final = "$"
# Capitals: normalised text has none.
KINDS: Final = {
    "disease": "D", "symptom": "S", "body": "B", "test": "T", "procedure": "P", "drug_class": "M",
    "person": "N", "department": "K",
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """`shapes`: of the table, those that are pieces of shapes."""

    terms: Learned
    labels: tuple[str, ...]
    shapes: ahocorasick_rs.AhoCorasick
    kinds: tuple[str, ...]


def model(rules: Rules) -> Model | None:
    """What classify needs of these rules, made once."""
    if __name__ not in rules.memo:
        table = rules.tables.get(LEARNED)
        rules.memo[__name__] = table and _model(rules, table)
    found: Model | None = rules.memo[__name__]
    return found


def _model(rules: Rules, table: Table) -> Model:
    terms = learned.of(rules)
    shapes = tuple(term for term in table.column("term") if is_shape(term))
    return Model(terms, terms.labels(LEARNED), automaton(shapes, as_strings=True), kinds(rules))


def is_shape(term: str) -> bool:
    """A piece that text alone can't have: with the kind of a word, or an end."""
    return not SHAPED.isdisjoint(term)


def kinds(rules: Rules) -> tuple[str, ...]:
    """By the number of the word in the matcher."""
    table = rules.tables.get(departments.DICTIONARY)
    if table is None:
        return ()
    kinds = table.column("kind")
    return tuple(KINDS.get(kinds[rows[0]], "") for rows in table.rows_of.values())


def classify(rules: Rules, readings: Sequence[Reading]) -> tuple[str, list[Evidence]]:
    """Of the latest message: the likeliest, and by which words. `other` if none says anything."""
    known = model(rules)
    if known is None or not readings or readings[-1].turn == FROM_RECORD:
        return OTHER, []
    reading = readings[-1]
    if not reading.text.strip():
        return OTHER, []
    begin = max(0, len(reading.text) - READ_MOST)
    # The pieces of most texts have been weighed already.
    pieces, total = (
        known.terms.weighed(reading.text[begin:], reading.title - begin)
        if begin
        else reading.learned
    )
    spelled = shape(reading, known.kinds)
    total += known.terms.once(known.shapes.find_matches_as_strings(spelled, overlapping=True))
    values, square = known.terms.lanes(LEARNED, total)
    if not square and not any(values):
        return OTHER, []
    scores = known.terms.scores(LEARNED, values, square)
    best = scores.index(max(scores))
    heaviest = known.terms.heaviest(LEARNED, best, pieces, reading.text, begin, NAMED_MOST)
    return known.labels[best], _proofs(known, reading, heaviest)


def shape(reading: Reading, kinds: Sequence[str]) -> str:
    """The end of the text with kinds instead of reviewed words."""
    text = reading.text
    parts: list[str] = [START]
    at = max(0, len(text) - READ_MOST)
    words = departments.visible(reading)
    for start, end, index in sorted([(start, end, index) for index, start, end in words]):
        if start >= at:
            parts += (text[at:start], kinds[index])
            at = end
    parts += (text[at:], END)
    return "".join(parts)


def _proofs(known: Model, reading: Reading, heaviest: Iterable[Heavy]) -> list[Evidence]:
    """Only what stands in the text itself can be shown."""
    return [
        reading.evidence(
            start,
            end,
            f"{LEARNED}:{known.terms.row(LEARNED, piece) + 2}",
            reading.rules.version,
            "intent",
            score=weight,
        )
        for start, end, piece, weight in heaviest
    ]
