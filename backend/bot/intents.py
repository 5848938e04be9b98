"""What somebody wants to know: one of the intents that search queries were labelled with.

Small talk and what the conversation itself needs (转人工, 挂号) are rules, in `flows.yaml`.
"""

from collections.abc import Sequence

from backend.bot import learned
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.talk import Evidence

LEARNED = "learned_intents"
OTHER = "other"
NAMED_MOST = 4  # pieces of evidence


def classify(rules: Rules, readings: Sequence[Reading]) -> tuple[str, list[Evidence]]:
    """Of the latest message: the likeliest, and by which words. `other` if none says anything."""
    terms = learned.of(rules, LEARNED)
    if not readings:
        return OTHER, []
    reading = readings[-1]
    hits = reading.hits.get(LEARNED, ())
    if terms is None or not hits:
        return OTHER, []
    scores = terms.score([(reading.text, hits)])
    best = max(range(len(scores)), key=scores.__getitem__)
    return terms.labels[best], [
        reading.evidence(
            start,
            end,
            rule_id=f"{LEARNED}:{index + 2}",
            rule_version=rules.version,
            kind="intent",
            score=weight,
        )
        for (index, start, end), weight in terms.heaviest(hits, best, NAMED_MOST)
    ]
