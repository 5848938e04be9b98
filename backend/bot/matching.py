"""One Aho–Corasick pass over everything that may be looked for in a text.

Groups of terms (signs, cues, the departments' dictionary, learned terms, intents, the FAQ) share
one automaton, so that ten thousand terms cost as much time as one.
"""

from collections.abc import Mapping, Sequence

import ahocorasick_rs

Hit = tuple[int, int, int]
"""(index of the term in its group, start, end) in the normalised text. A bare tuple: one is made
for each hit of each message, and a named one costs three times as much."""
Owners = tuple[tuple[int, int], ...]


class Matcher:
    """`groups`: name → terms, normalised already; the one with most hits comes first. A term may
    belong to several groups."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self.groups = tuple(groups)
        # The first group's terms have the automaton's own numbers, so that its hits need no work:
        # most hits of a message are pieces of one or two characters.
        self._first, first = next(iter(groups.items()), ("", ()))
        patterns = dict.fromkeys(first)
        if "" in patterns or len(patterns) != len(first):  # the automaton would number otherwise
            self._first, patterns = "", {}
        self._own = len(patterns)
        owners: dict[str, list[tuple[int, int]]] = {term: [] for term in patterns}
        for number, (name, terms) in enumerate(groups.items()):
            if name != self._first:
                for index, term in enumerate(terms):
                    if term:
                        owners.setdefault(term, []).append((number, index))
        self._owners: list[Owners] = [tuple(of) for of in owners.values()]
        self._automaton = ahocorasick_rs.AhoCorasick(
            list(owners),
            store_patterns=False,
            # Builds in half the time of the default, and searches Chinese no slower.
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )

    def find(self, text: str) -> dict[str, list[Hit]]:
        """Every occurrence, overlapping ones too, by group, in the order of their ends."""
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        found: list[list[Hit]] = [[] for _ in self.groups]
        owners = self._owners
        for hit in hits:
            if of := owners[hit[0]]:
                _, start, end = hit
                for number, index in of:
                    found[number].append((index, start, end))
        by_group = dict(zip(self.groups, found, strict=True))
        if self._first:
            own = self._own
            by_group[self._first] = [hit for hit in hits if hit[0] < own]
        return by_group
