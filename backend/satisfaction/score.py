"""Pure: from answers to figures. Satisfied: a mean of at least 4 of 5.

Of each response a dimension's value is the mean of its questions that applied, and the whole's the
mean of its dimensions: what is counted is a person, not an answer, as an interval needs.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from statistics import mean

import msgspec

from backend.satisfaction.survey import Survey
from backend.shares import Share, hidden, share

VERSION = "survey@1"  # of these formulas, shown beside the figures
SATISFIED = 4
LOWEST, HIGHEST = 1, 5
WHOLE = "whole"

Scores = Mapping[str, int | None]


class Figure(msgspec.Struct, frozen=True):
    """`satisfied`: with both halves and its interval. `mean`: 0 (all 很不好) to 100 (all 很好)."""

    satisfied: Share
    mean: float


def values_of(survey: Survey, scores: Scores) -> dict[str, Fraction]:
    """1 to 5 by dimension, and `WHOLE`; what did not apply is left out. Exact, so that
    the order of the answers changes nothing."""
    told: dict[str, list[Fraction]] = {}
    for item in survey.items:
        score = scores.get(item.id)
        if score is not None:
            told.setdefault(item.dimension, []).append(Fraction(score))
    values = {dimension: mean(found) for dimension, found in told.items()}
    return values | {WHOLE: mean(values.values())} if values else {}


def figures(survey: Survey, counted: Iterable[tuple[Scores, int]]) -> dict[str, Figure | None]:
    """Of answers and how many gave each: by dimension and `WHOLE`.

    None: fewer than ten, or a dimension that goes with such a one, which would else follow from
    the whole and the others.
    """
    names = [WHOLE, *(one.id for one in survey.dimensions)]
    n, good = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    total = dict.fromkeys(names, Fraction())
    for scores, times in counted:
        for name, value in values_of(survey, scores).items():
            n[name] += times
            good[name] += times * (value >= SATISFIED)
            total[name] += times * value
    few = hidden({name: n[name] for name in names if name != WHOLE})
    return {
        name: None if name in few else _figure(good[name], n[name], total[name]) for name in names
    }


def _figure(good: int, n: int, total: Fraction) -> Figure | None:
    found = share(good, n)
    if found is None:
        return None
    return Figure(found, round(float(100 * (total / n - LOWEST) / (HIGHEST - LOWEST)), 1))
