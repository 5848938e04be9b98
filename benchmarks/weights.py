"""Weights of a linear model from counted terms, as a table for the rules (see backend.bot.learned).

Two machines are learned on the same terms and added up, so that the bot weighs one table. For
departments, one tells each label from all others and one shares a whole out between them: the first
is seldom sure of a stranger's question, the second has the right label among the first three.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from backend.bot.learned import IDF_UNIT, PLAIN_UNIT, WEIGHT_UNIT
from backend.bot.normalise import plain_all

SEED = 0  # the same weights from the same rows
PLAIN_VALUE = 0.5  # of an age, beside a text of length 1
MARGINS_SHARE, CHANCES_SHARE = 0.7, 0.2  # of the two machines for departments
CHANCES_SOFTNESS, CHANCES_EXACT, CHANCES_ROUNDS = 3.0, 1e-3, 200
SMOOTHING = 2.0  # questions that a term is taken to have stood in beside those counted
SHORT_SCALE = 50  # of weights without idf, which are small: only the order of the scores counts
Weights = tuple[np.ndarray, np.ndarray]
"""By label and column; and what is added to each label's score."""


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


class Example(msgspec.Struct, frozen=True):
    """`plain`: what is known beside the text, in each way in which it may be known."""

    label: str
    source: str
    counts: Counter[str]
    plain: tuple[tuple[str, ...], ...]


def learn(examples: Sequence[Example], how: How) -> bytes:
    """A table for the rules: learned on every term, then again on those that matter."""
    seen = Counter(term for one in examples for term in one.counts)
    often = sorted(term for term, times in seen.items() if times >= how.seen)
    # The rules read every term in normal spelling; capitals are kinds of words (see intents).
    normal = plain_all(often)
    often = [a for a, b in zip(often, normal, strict=True) if a.lower() == b]
    # A softmax regression on every term takes minutes, and chooses no better.
    first = _Fit(examples, often, seen, how, both=how.short)
    return _Fit(examples, first.best(how.terms), seen, how).table()


class _Fit:
    def __init__(
        self,
        examples: Sequence[Example],
        terms: list[str],
        seen: Counter[str],
        how: How,
        both: bool = True,
    ) -> None:
        self.terms = terms
        self.labels = sorted({one.label for one in examples})
        self.how = how
        rarity = [math.log((1 + len(examples)) / (1 + seen[term])) + 1 for term in terms]
        self.idf = np.zeros(len(terms)) if how.short else np.array(rarity)
        self.plain = sorted({name for one in examples for names in one.plain for name in names})
        matrix, labels = self._matrix(examples)
        self.spread = np.sqrt(np.asarray(matrix.power(2).mean(axis=0)).ravel())[: len(terms)]
        weights, self.bias = _margins(matrix, np.array(labels), how)
        if both:
            add = _ratios if how.short else _chances
            weights, self.bias = add((weights, self.bias), matrix, np.array(labels), how)
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


def _margins(matrix: sparse.csr_matrix, labels: np.ndarray, how: How) -> Weights:
    """A support vector machine: each label against all others."""
    weight = "balanced" if how.balanced else None
    machine = LinearSVC(C=how.softness, class_weight=weight, random_state=SEED)
    machine.fit(matrix, labels)
    return machine.coef_, machine.intercept_


def _chances(margins: Weights, matrix: sparse.csr_matrix, labels: np.ndarray, how: How) -> Weights:
    """With a softmax regression."""
    machine = LogisticRegression(
        C=CHANCES_SOFTNESS,
        class_weight="balanced" if how.balanced else None,
        tol=CHANCES_EXACT,
        max_iter=CHANCES_ROUNDS,
    )
    machine.fit(matrix, labels)
    pairs = zip(margins, (machine.coef_, machine.intercept_), strict=True)
    weights, bias = (
        MARGINS_SHARE * margin + CHANCES_SHARE * (chance - chance.mean(axis=0))
        for margin, chance in pairs
    )
    return weights, bias


def _ratios(margins: Weights, matrix: sparse.csr_matrix, labels: np.ndarray, how: How) -> Weights:
    """With machines that see each term as large as its share among a label's texts differs from
    that among the others (Wang & Manning 2012)."""
    weights, bias = (part.copy() for part in margins)
    there = matrix > 0
    for at, label in enumerate(np.unique(labels)):
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
