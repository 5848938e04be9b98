"""Which department: what reviewed words say, and what was learned from labelled questions.

The dictionary (`rules/departments.csv`) knows no website and holds anywhere; the learned weights
are better where people write as on the sites that they come from. So the dictionary counts the
more, the less sure the learned part is. Its share was chosen on sources left out of the learning.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.bot import learned
from backend.bot.learned import Learned
from backend.bot.matching import Hit
from backend.bot.reading import NUMBER, Reading, without_record
from backend.bot.rules import Rules, Table
from backend.bot.talk import Evidence, Person, Ranked

DICTIONARY: Final = "departments"  # tables
LEARNED: Final = "learned_departments"
VISIBLE: Final = "departments that are visible"  # memos of a reading
KEPT: Final = "departments that are meant"
# How much the dictionary weighs against the learned part, and how sure the latter has to be.
DICTIONARY_SHARE: Final = 3.5
SURE: Final = 0.7
SURE_WIDTH: Final = 0.5
TIMES_MOST: Final = 3  # that a word counts in a conversation
TITLE_SHARE: Final = 1.6
CHILD_SHARE: Final = 1.3  # of words that only parents say
DAMPED: Final = 60.0  # so that a single weak word doesn't count as much as three good ones
SHARPNESS: Final = 4.0  # of the scores that are shown, between 0 and 1
DIGITS: Final = 4  # of them
SHOWN_UNIT: Final = 10_000.0
NEARLY_HALF: Final = 0.499999
SHARE_LEAST: Final = 0.00005  # less is rounded to nothing, like most
YEARS_A_BAND: Final = 10
LAST_BAND: Final = 7
NEVER: Final = -100.0
RANKED_MOST: Final = 6  # departments of a decision
PREGNANT_GAIN: Final = 1.0
CHILD_GAIN: Final = 0.5
CHILD_MONTHS: Final = 14 * 12  # 儿科 sees children below this age
NAMED_MOST: Final = 6  # pieces of evidence
WOMEN: Final = "妇产科"
CHILDREN: Final = "儿科"
SHARES: Final = {CHILDREN: CHILD_SHARE}


class Dictionary(dict[int, tuple[tuple[int, int, float], ...]]):
    """Number of a reviewed word → for each of its rows: which that is, the department, and what the
    word weighs for it. A longer word says more. Worked out when first asked for."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._columns = [table.column(name) for name in ("term", "department", "weight")]
        self._rows = tuple(table.rows_of.values())
        self._number = {name: at for at, name in enumerate(names)}

    def __missing__(self, word: int) -> tuple[tuple[int, int, float], ...]:
        terms, names, weights = self._columns
        found = self[word] = tuple(
            (
                row,
                self._number.get(names[row], -1),
                float(weights[row]) * len(terms[row]) * SHARES.get(names[row], 1.0),
            )
            for row in self._rows[word]
        )
        return found


@dataclass(frozen=True)
class Model:
    names: tuple[str, ...]
    words: Dictionary | None
    terms: Learned | None
    women: int | None
    children: int | None
    nothing: tuple[Ranked, ...]
    """Each with a share that is rounded to nothing, as most have."""


def model(rules: Rules) -> Model:
    """What rank needs of these rules, made once."""
    found: Model | None = rules.memo.get(__name__)
    if found is None:
        terms = learned.of(rules)
        labels = terms.labels(LEARNED)
        table = rules.tables.get(DICTIONARY)
        named = table.column("department") if table else ()
        names = tuple(dict.fromkeys((*labels, *named)))
        at = {name: number for number, name in enumerate(names)}
        found = Model(
            names,
            Dictionary(table, names) if table else None,
            terms if labels else None,
            at.get(WOMEN),
            at.get(CHILDREN),
            tuple(Ranked(name, 0.0) for name in names),
        )
        rules.memo[__name__] = found
    return found


def names(rules: Rules) -> dict[str, str]:
    """What a department is called, and its canonical name."""
    found = {name: name for name in model(rules).names}
    if (table := rules.tables.get(DICTIONARY)) is not None:
        rows = zip(*map(table.column, ("term", "kind", "department")), strict=True)
        for term, kind, department in rows:
            if kind == "department":
                found.setdefault(term, department)
    return found


def rank(rules: Rules, readings: Sequence[Reading], person: Person) -> tuple[Ranked, ...]:
    """The likeliest departments, the best first; empty where nothing said anything."""
    known = model(rules)
    told = without_record(readings)
    words = said(known, told)
    if not words and not any([_is_said(known, reading) for reading in told]):
        return ()
    months = age_months(told, person)
    scores = _terms(known, told, months)
    if words:
        blend(scores, words)
    _adjust(known, scores, person, months)
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:RANKED_MOST]
    if scores[order[-1]] <= NEVER:
        order = [at for at in order if scores[at] > NEVER]
    return _ranked(known, scores, order)


def blend(terms: list[float], words: dict[int, float]) -> None:
    """Adds to the scores of learned terms what the words weigh beside them."""
    square = 0.0
    for at in sorted(words):  # a sum of floats depends on its order
        square += words[at] * words[at]
    length = math.sqrt(square + DAMPED)
    doubt = 1 / (1 + math.exp((max(terms) - SURE) / SURE_WIDTH))
    share = DICTIONARY_SHARE * doubt / length
    for at, weight in words.items():
        terms[at] += share * weight


def evidence(rules: Rules, readings: Sequence[Reading], name: str) -> list[Evidence]:
    """The reviewed words that speak for a department; where none do, the learned terms."""
    known = model(rules)
    at = known.names.index(name)
    told = without_record(readings)
    found: list[Evidence] = []
    for reading in told:
        found += _for(known, reading, at)
    return found or [proof for reading in told for proof in _learned(known, reading, at)]


def age_months(readings: Sequence[Reading], person: Person) -> float | None:
    """What was said last goes before the record: it may be about a child."""
    for reading in reversed(readings):
        for measure in reversed(reading.measures):
            if measure.kind == "age_months":
                return measure.value
    return person.age_months


def age_band(months: float | None) -> str | None:
    return None if months is None else f"@age{min(int(months / 12 / YEARS_A_BAND), LAST_BAND)}"


def _terms(known: Model, told: Sequence[Reading], months: float | None) -> list[float]:
    if known.terms is None:
        return [0.0] * len(known.names)
    band = age_band(months)
    if len(told) == 1:
        total = told[0].learned[1]
    else:
        counts: Counter[str] = Counter()
        for reading in told:
            counts.update(learned.counts(reading.learned[0]))
        total = known.terms.summed(counts)
    values, square = known.terms.lanes(LEARNED, total)
    scores = known.terms.scores(LEARNED, values, square, (band,) if band else ())
    if unlearned := len(known.names) - len(scores):
        scores += [min(scores)] * unlearned
    return scores


def said(known: Model, told: Sequence[Reading]) -> dict[int, float]:
    """What the reviewed words weigh, by department; empty where there are none."""
    scores: dict[int, float] = {}
    if known.words is not None:
        times: dict[int, int] = {}
        for reading in told:
            weigh(known.words, kept(reading), reading.title, times, scores)
    return scores


def weigh(
    words: Dictionary,
    hits: list[Hit],
    title: int,
    times: dict[int, int],
    scores: dict[int, float],
) -> None:
    """Adds to `scores`. `times`: how often each word has stood in the conversation."""
    for word, start, _ in hits:
        times[word] = many = times.get(word, 0) + 1
        if many <= TIMES_MOST:
            share = TITLE_SHARE if start < title else 1.0
            for _, department, weight in words[word]:
                scores[department] = scores.get(department, 0.0) + weight * share


def kept(reading: Reading) -> list[Hit]:
    """The dictionary's words that are meant: what is denied is out."""
    known: list[Hit] | None = reading.memo.get(KEPT)
    if known is None:
        known = visible(reading)
        if known and not reading.rules.denials.isdisjoint(map(NUMBER, reading.hits["cues"])):
            denies = reading.scope.denies
            known = [hit for hit in known if not denies(hit[1], hit[2])]
        reading.memo[KEPT] = known
    return known


def visible(reading: Reading) -> list[Hit]:
    """The dictionary's words: a longer one hides what overlaps it."""
    known: list[Hit] | None = reading.memo.get(VISIBLE)
    if known is None:
        known = reading.memo[VISIBLE] = longer_first(reading.hits.get(DICTIONARY, []))
    return known


def longer_first(hits: list[Hit]) -> list[Hit]:
    if len(hits) < 2:
        return hits
    found: list[Hit] = []
    taken = 0
    by_length = sorted([(start - end, start, word) for word, start, end in hits])
    for shorter, start, word in by_length:
        end = start - shorter
        bits = (-1 << start) ^ (-1 << end)
        if not taken & bits:
            taken |= bits
            found.append((word, start, end))
    return found


def _is_said(known: Model, reading: Reading) -> bool:
    return known.terms is not None and known.terms.says(LEARNED, reading.learned[0])


def _adjust(known: Model, scores: list[float], person: Person, months: float | None) -> None:
    if known.women is not None:
        if person.sex == "male":
            scores[known.women] = NEVER
        elif person.is_pregnant:
            scores[known.women] += PREGNANT_GAIN
    if known.children is not None and months is not None and months < CHILD_MONTHS:
        scores[known.children] += CHILD_GAIN


def _ranked(known: Model, scores: list[float], order: list[int]) -> tuple[Ranked, ...]:
    """Those of `order`, the best first, with their share of all."""
    best = scores[order[0]]
    total = 0.0
    for score in scores:
        total += math.exp(SHARPNESS * (score - best))
    names = known.names
    found: list[Ranked] = []
    for at in order:
        share = math.exp(SHARPNESS * (scores[at] - best)) / total
        if share < SHARE_LEAST:  # neither it nor those that follow
            break
        found.append(Ranked(names[at], shown(share)))
    found += [known.nothing[at] for at in order[len(found) :]]
    return tuple(found)


def shown(share: float) -> float:
    """`round(share, DIGITS)`. That writes the number out and reads it again, a fortieth of a
    compiled turn; only near the middle of two it has to be asked."""
    scaled = share * SHOWN_UNIT
    nearest = int(scaled + 0.5)
    if abs(scaled - nearest) > NEARLY_HALF:
        return round(share, DIGITS)
    return nearest / SHOWN_UNIT


def _for(known: Model, reading: Reading, at: int) -> Iterable[Evidence]:
    if known.words is None:
        return
    for word, start, end in kept(reading):
        for row, department, weight in known.words[word]:
            if department == at:
                yield _proof(reading, start, end, f"{DICTIONARY}:{row + 2}", weight)


def _learned(known: Model, reading: Reading, at: int) -> Iterable[Evidence]:
    terms = known.terms
    if terms is None or at >= len(terms.labels(LEARNED)):
        return
    heaviest = terms.heaviest(LEARNED, at, reading.learned[0], reading.text, 0, NAMED_MOST)
    for start, end, piece, weight in heaviest:
        yield _proof(reading, start, end, f"{LEARNED}:{terms.row(LEARNED, piece) + 2}", weight)


def _proof(reading: Reading, start: int, end: int, rule_id: str, score: float) -> Evidence:
    return reading.evidence(start, end, rule_id, reading.rules.version, "department", score=score)
