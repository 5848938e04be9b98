"""Makes the bot's learned weights again: `python -m benchmarks.learn_bot DIR [--check]`.

DIR holds train.csv, dev.csv and intent_dev.csv, shaped as docs/clinical/learning.md says. Needs the
extra `learn` (scikit-learn); the bot itself does not. Writes rules/learned_departments.csv and
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

from backend.bot import datasets, rules
from backend.bot.departments import LEARNED, age_band, age_months
from backend.bot.intents import LEARNED as LEARNED_INTENTS
from backend.bot.learned import (
    IDF_UNIT,
    PLAIN,
    PLAIN_UNIT,
    TITLE_COUNTS,
    WEIGHT_UNIT,
    title_end,
)
from backend.bot.reading import Reading
from backend.bot.talk import Person

LONGEST = 4  # characters of a term
SEEN_LEAST = 4  # questions that a term stands in
PLAIN_VALUE = 0.5  # of an age, beside a text of length 1
DEPARTMENT_TERMS, INTENT_TERMS = 10_000, 5_000
SOFTNESS = 0.3  # C of the support vector machine
LEFT_OUT = Path(datasets.__file__).with_name("left_out")
PARTS = 3  # of dev.csv, each measured with what the rest teaches


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
            counts[text[start:end]] += TITLE_COUNTS if end <= title else 1
    return counts


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
    return [
        Example(row["intent"], "", terms_in(known.normalise(row["question"]).text), ((),))
        for row in datasets.rows(path)
    ]


def learn(examples: Sequence[Example], most: int, softness: float = SOFTNESS) -> bytes:
    """A table for the rules: learned on every term, then again on the `most` that matter."""
    seen = Counter(term for one in examples for term in one.counts)
    often = [term for term, times in seen.items() if times >= SEEN_LEAST]
    often = [a for a, b in zip(often, rules.plain_all(often), strict=True) if a == b]
    first = _Fit(examples, sorted(often), seen, softness)
    return _Fit(examples, first.best(most), seen, softness).table()


class _Fit:
    def __init__(
        self, examples: Sequence[Example], terms: list[str], seen: Counter[str], softness: float
    ) -> None:
        self.terms = terms
        self.labels = sorted({one.label for one in examples})
        self.idf = np.array(
            [math.log((1 + len(examples)) / (1 + seen[term])) + 1 for term in terms]
        )
        self.plain = sorted({name for one in examples for names in one.plain for name in names})
        matrix, labels = self._matrix(examples)
        self.spread = np.sqrt(np.asarray(matrix.power(2).mean(axis=0)).ravel())[: len(terms)]
        machine = LinearSVC(C=softness, class_weight="balanced").fit(matrix, labels)
        self.weights = machine.coef_[:, : len(terms)]
        self.weights_plain = machine.coef_[:, len(terms) :] * PLAIN_VALUE
        self.bias = machine.intercept_

    def _matrix(self, examples: Sequence[Example]) -> tuple[sparse.csr_matrix, list[str]]:
        """Every example in each way in which its age may be known."""
        at = {term: column for column, term in enumerate(self.terms)}
        rows: list[tuple[list[int], list[float]]] = []
        for one in examples:
            found = [(at[term], count) for term, count in one.counts.items() if term in at]
            rows.append(([c for c, _ in found], [1 + math.log(n) for _, n in found]))
        text = normalize(_sparse(rows, len(self.terms)) @ sparse.diags(self.idf))
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
        out.writerow(("@bias", 0, _whole(self.bias * PLAIN_UNIT)))
        for column, name in enumerate(self.plain):
            # The value that stood in the matrix is in the weight: the bot adds it as it is.
            out.writerow((name, 0, _whole(self.weights_plain[:, column] * PLAIN_UNIT)))
        scaled = self.weights * self.idf * WEIGHT_UNIT
        for column, term in enumerate(self.terms):
            out.writerow((term, round(self.idf[column] * IDF_UNIT), _whole(scaled[:, column])))
        return written.getvalue().encode()


def _sparse(rows: Sequence[tuple[list[int], list[float]]], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = [column for columns, _ in rows for column in columns]
    values = [value for _, values in rows for value in values]
    return sparse.csr_matrix((values, columns, ends), shape=(len(rows), width))


def _whole(values: np.ndarray) -> str:
    return " ".join(str(round(value)) for value in values)


def write(folder: Path) -> None:
    known = rules.load()
    examples = [one for name in ("train.csv", "dev.csv") for one in questions(known, folder / name)]
    (rules.FOLDER / f"{LEARNED}.csv").write_bytes(learn(examples, DEPARTMENT_TERMS))
    LEFT_OUT.mkdir(exist_ok=True)
    for source in sorted({one.source for one in examples}):
        table = learn([one for one in examples if one.source != source], DEPARTMENT_TERMS)
        (LEFT_OUT / f"{source}.csv.gz").write_bytes(gzip.compress(table, mtime=0))
        print(source)
    wanted = queries(known, folder / "intent_dev.csv")
    (rules.FOLDER / f"{LEARNED_INTENTS}.csv").write_bytes(learn(wanted, INTENT_TERMS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
