"""Aho–Corasick over everything that may be looked for in a text, a pass for each group of terms.

Groups are signs, cues and the departments' dictionary; learned weights have automata of their own.
A pass over a message costs a microsecond, however many the terms, and what it finds needs no
sorting out. An automaton is kept for as long as its terms are asked for: a change in one group
builds no other's again.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Final

import ahocorasick_rs

Hit = tuple[int, int, int]
"""(index of the term in its group, start, end) in the normalised text. A bare tuple: one is made
for each hit of each message, and a named one costs three times as much."""
KEPT_MOST: Final = 24  # automata; one of ten thousand terms takes some megabytes


@functools.lru_cache(maxsize=KEPT_MOST)
def automaton(terms: tuple[str, ...], *, as_strings: bool = False) -> ahocorasick_rs.AhoCorasick:
    """Over terms of which none is empty. `as_strings`: they are wanted themselves, not where they
    stand."""
    return ahocorasick_rs.AhoCorasick(
        list(terms),
        store_patterns=as_strings,
        # Builds in a third of the time of a full table, and searches Chinese no slower.
        implementation=ahocorasick_rs.Implementation.ContiguousNFA,
    )


@functools.lru_cache(maxsize=KEPT_MOST)
def distinct(terms: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Each term once, in the order in which they come first, and in which rows it stands."""
    rows: dict[str, tuple[int, ...]] = {}
    for row, term in enumerate(terms):
        rows[term] = (*rows[term], row) if term in rows else (row,)
    return rows


class Matcher:
    """`groups`: name → terms, normalised already."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._passes = [
            (name, automaton(tuple(terms)).find_matches_as_indexes)
            for name, terms in groups.items()
        ]

    def find(self, text: str) -> dict[str, list[Hit]]:
        """Every occurrence, overlapping ones too, by group, in the order of their ends."""
        return {name: find(text, overlapping=True) for name, find in self._passes}
