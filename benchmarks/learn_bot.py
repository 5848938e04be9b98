"""Makes the bot's learned weights again: `python -m benchmarks.learn_bot DIR [--check]`.

DIR holds train.csv, dev.csv and intent_dev.csv, shaped as docs/clinical/evaluation.md says. Needs
the extra `learn` (scikit-learn); the bot itself does not. Writes rules/learned_departments.csv and
rules/learned_intents.csv, and for `jiamenkou bot evaluate` the departments' weights learned without
each source, in backend/bot/left_out/. --check learns nothing to keep: it measures, on parts of
dev.csv and on sources that were left out, what the bot as it runs would reach.
"""

import argparse
import csv
import gzip
import io
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from backend.bot import datasets, evaluating, rules
from backend.bot.departments import LEARNED, age_band, age_months
from backend.bot.intents import END, START, is_shape, kinds, shape
from backend.bot.intents import LEARNED as LEARNED_INTENTS
from backend.bot.learned import (
    IDF_UNIT,
    PLAIN,
    PLAIN_UNIT,
    WEIGHT_UNIT,
    title_end,
)
from backend.bot.normalise import plain_all
from backend.bot.reading import Reading
from backend.bot.talk import Person

LONGEST = 4  # characters of a term
PLAIN_VALUE = 0.5  # of an age, beside a text of length 1
LEFT_OUT = Path(datasets.__file__).with_name("left_out")
Shares = dict[evaluating.Key, evaluating.Share]
PARTS = 3  # each measured with what the rest teaches
SEED = 0  # the same weights from the same rows
SMOOTHING = 2.0  # questions that a term is taken to have stood in beside those counted
SHORT_SCALE = 50  # of weights without idf, which are small: only the order of the scores counts


class How(msgspec.Struct, frozen=True):
    """`terms`: how many are kept, of those that stand in `seen` examples at least. `softness`: C of
    the support vector machine. `balanced`: a rare label counts as much as a frequent one; helps
    where another place has other patients. `short`: a rare term says no more than a frequent one,
    and a text of many terms more than one of few; helps where texts have ten characters.
    """

    terms: int
    seen: int
    softness: float
    balanced: bool = False
    short: bool = False


DEPARTMENTS = How(10_000, 4, 0.3, balanced=True)
INTENTS = How(6_000, 2, 0.007, short=True)


class Example(msgspec.Struct, frozen=True):
    """`plain`: what is known beside the text, in each way in which it may be known."""

    label: str
    source: str
    counts: Counter[str]
    plain: tuple[tuple[str, ...], ...]


def terms_in(text: str) -> Counter[str]:
    """Pieces of up to four characters, as often as the bot would count them."""
    title = title_end(text)
    counts: Counter[str] = Counter()
    for start in range(len(text)):
        for end in range(start + 1, min(start + LONGEST, len(text)) + 1):
            if text[end - 1].isdigit() or text[end - 1].isspace() or text[end - 1] == PLAIN:
                break
            counts[text[start:end]] += 2 if end <= title else 1
    return counts


def shapes_in(text: str) -> Counter[str]:
    """Pieces of a shape that have a kind or an end in them; the others are the text's own."""
    pieces = (text[at : at + long] for long in range(1, LONGEST + 1) for at in range(len(text)))
    return Counter(piece for piece in pieces if is_shape(piece) and piece not in (START, END))


def questions(known: rules.Rules, path: Path) -> list[Example]:
    examples = []
    for row in datasets.rows(path):
        reading = Reading(known, row["question"], 0)
        recorded = datasets.person(row)
        bands = {age_band(age_months([reading], one)) for one in (recorded, Person())}
        plain = tuple((band,) if band else () for band in sorted(bands, key=str))
        examples.append(Example(row["department"], row["source"], terms_in(reading.text), plain))
    return examples


def queries(known: rules.Rules, path: Path) -> list[Example]:
    of = kinds(known)
    examples = []
    for row in datasets.rows(path):
        reading = Reading(known, row["question"], 0)
        text = Counter({k: n for k, n in terms_in(reading.text).items() if not is_shape(k)})
        examples.append(Example(row["intent"], "", text + shapes_in(shape(reading, of)), ((),)))
    return examples


def learn(examples: Sequence[Example], how: How) -> bytes:
    """A table for the rules: learned on every term, then again on those that matter."""
    seen = Counter(term for one in examples for term in one.counts)
    often = sorted(term for term, times in seen.items() if times >= how.seen)
    # The rules read every term in normal spelling; capitals are kinds of words (see intents).
    normal = plain_all(often)
    often = [a for a, b in zip(often, normal, strict=True) if a.lower() == b]
    first = _Fit(examples, often, seen, how)
    return _Fit(examples, first.best(how.terms), seen, how).table()


class _Fit:
    def __init__(
        self, examples: Sequence[Example], terms: list[str], seen: Counter[str], how: How
    ) -> None:
        self.terms = terms
        self.labels = sorted({one.label for one in examples})
        self.how = how
        rarity = [math.log((1 + len(examples)) / (1 + seen[term])) + 1 for term in terms]
        self.idf = np.zeros(len(terms)) if how.short else np.array(rarity)
        self.plain = sorted({name for one in examples for names in one.plain for name in names})
        matrix, labels = self._matrix(examples)
        self.spread = np.sqrt(np.asarray(matrix.power(2).mean(axis=0)).ravel())[: len(terms)]
        weights, self.bias = _machine(matrix, np.array(labels), how)
        self.weights = weights[:, : len(terms)]
        self.weights_plain = weights[:, len(terms) :] * PLAIN_VALUE

    def _matrix(self, examples: Sequence[Example]) -> tuple[sparse.csr_matrix, list[str]]:
        """Every example in each way in which its age may be known."""
        at = {term: column for column, term in enumerate(self.terms)}
        rows: list[tuple[list[int], list[float]]] = []
        for one in examples:
            found = [(at[term], count) for term, count in one.counts.items() if term in at]
            rows.append(([c for c, _ in found], [1 + math.log(n) for _, n in found]))
        text = _sparse(rows, len(self.terms))
        if not self.how.short:
            text = normalize(text @ sparse.diags(self.idf))
        order = [row for row, one in enumerate(examples) for _ in one.plain]
        beside = [
            ([self.plain.index(name) for name in names], [PLAIN_VALUE] * len(names))
            for one in examples
            for names in one.plain
        ]
        matrix = sparse.hstack([text[order], _sparse(beside, len(self.plain))]).tocsr()
        return matrix, [examples[row].label for row in order]

    def best(self, most: int) -> list[str]:
        matter = np.abs(self.weights).max(axis=0) * self.spread
        return sorted(self.terms[column] for column in np.argsort(-matter, kind="stable")[:most])

    def table(self) -> bytes:
        written = io.StringIO()
        out = csv.writer(written, lineterminator="\n")
        out.writerow(("term", "idf", " ".join(self.labels)))
        short = self.how.short
        scale = SHORT_SCALE if short else 1
        out.writerow(("@bias", 0, _whole(self.bias * PLAIN_UNIT * scale)))
        for column, name in enumerate(self.plain):
            # The value that stood in the matrix is in the weight: the bot adds it as it is.
            out.writerow((name, 0, _whole(self.weights_plain[:, column] * PLAIN_UNIT)))
        scaled = self.weights * (scale if short else self.idf) * WEIGHT_UNIT
        for column, term in enumerate(self.terms):
            out.writerow((term, round(self.idf[column] * IDF_UNIT), _whole(scaled[:, column])))
        return written.getvalue().encode()


def _machine(
    matrix: sparse.csr_matrix, labels: np.ndarray, how: How
) -> tuple[np.ndarray, np.ndarray]:
    """Weights by label and column, and what is added to each label's score. For short texts the
    mean of two machines: one sees each term as large as its share among the label's texts differs
    from that among the others (Wang & Manning 2012)."""
    machine = LinearSVC(
        C=how.softness, class_weight="balanced" if how.balanced else None, random_state=SEED
    )
    machine.fit(matrix, labels)
    if not how.short:
        return machine.coef_, machine.intercept_
    weights, bias = machine.coef_.copy(), machine.intercept_.copy()
    there = matrix > 0
    for at, label in enumerate(machine.classes_):
        shares = []
        for of in (labels == label, labels != label):
            times = np.asarray(there[of].sum(axis=0)).ravel() + SMOOTHING
            shares.append(times / times.sum())
        ratio = np.log(shares[0] / shares[1])
        one = LinearSVC(C=how.softness, random_state=SEED)
        one.fit(matrix @ sparse.diags(ratio), labels == label)
        weights[at] += one.coef_[0] * ratio
        bias[at] += one.intercept_[0]
    return weights / 2, bias / 2


def _sparse(rows: Sequence[tuple[list[int], list[float]]], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = [column for columns, _ in rows for column in columns]
    values = [value for _, values in rows for value in values]
    return sparse.csr_matrix((values, columns, ends), shape=(len(rows), width))


def _whole(values: np.ndarray) -> str:
    return " ".join(str(round(value)) for value in values)


def write(folder: Path) -> None:
    known = rules.load(unsigned_allowed=True)
    examples = [one for name in ("train.csv", "dev.csv") for one in questions(known, folder / name)]
    (rules.FOLDER / f"{LEARNED}.csv").write_bytes(learn(examples, DEPARTMENTS))
    LEFT_OUT.mkdir(exist_ok=True)
    for source in sorted({one.source for one in examples}):
        table = learn([one for one in examples if one.source != source], DEPARTMENTS)
        (LEFT_OUT / f"{source}.csv.gz").write_bytes(gzip.compress(table, mtime=0))
        print(source)
    wanted = queries(known, folder / "intent_dev.csv")
    (rules.FOLDER / f"{LEARNED_INTENTS}.csv").write_bytes(learn(wanted, INTENTS))


def check(folder: Path) -> None:
    """Each part of the labelled rows by what the others teach, through the bot as it runs."""
    known = rules.load(unsigned_allowed=True)
    examples, rows = (
        queries(known, folder / "intent_dev.csv"),
        datasets.rows(folder / "intent_dev.csv"),
    )
    wanted = [datasets.Wanted(row["question"], row["intent"]) for row in rows]
    results = []
    for part in range(PARTS):
        table = learn([one for at, one in enumerate(examples) if at % PARTS != part], INTENTS)
        data = datasets.Data(intents=wanted[part::PARTS])
        results.append(_measured(known, {LEARNED_INTENTS: table}, data))
    _show(results)
    always, examples = questions(known, folder / "train.csv"), questions(known, folder / "dev.csv")
    labelled = [
        datasets.Labelled(row["question"], row["department"], row["source"], datasets.person(row))
        for row in datasets.rows(folder / "dev.csv")
    ]
    results = []
    for part in range(PARTS):
        others = [one for at, one in enumerate(examples) if at % PARTS != part]
        table = learn([*always, *others], DEPARTMENTS)
        data = datasets.Data(labelled=labelled[part::PARTS])
        results.append(_measured(known, {LEARNED: table}, data))
    _show(results)


def _measured(known: rules.Rules, tables: dict[str, bytes], data: datasets.Data) -> Shares:
    files = {**known.files, **{f"{name}.csv": table for name, table in tables.items()}}
    return evaluating.evaluate(rules.Rules(files, unsigned_allowed=True), data).shares


def _show(parts: Sequence[Shares]) -> None:
    """Of all parts together, then of each."""
    for key in parts[0]:
        if key[0] != "left_out":  # these are the shipped weights' own
            each = [part[key] for part in parts if key in part]
            hit, of = sum(one.hit for one in each), sum(one.of for one in each)
            values = " ".join(f"{one.value:.4f}" for one in each if one.of)
            print(".".join(key), f"{hit / of:.4f}", of, values, sep="\t")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="measure, keep nothing")
    chosen = parser.parse_args()
    (check if chosen.check else write)(chosen.folder)


if __name__ == "__main__":
    main()
