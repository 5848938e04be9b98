"""One Aho–Corasick pass over everything that may be looked for in a text.

Groups of terms (signs, cues, the departments' dictionary, learned terms, intents, the FAQ) share
one automaton, so that ten thousand terms cost as much time as one.
"""

from collections.abc import Mapping, Sequence

import ahocorasick_rs

Hit = tuple[int, int, int]
"""(index of the term in its group, start, end) in the normalised text. A bare tuple: one is made
for each hit of each message, and a named one costs three times as much."""
SHORT = 2  # characters of a term that stands in many messages
Owners = tuple[tuple[int, int], ...]


class Matcher:
    """`groups`: name → terms, normalised already. A term may belong to several groups."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self.groups = tuple(groups)
        # One group comes first: its terms have the automaton's own numbers, so that its hits need
        # no work. Most hits of a message are of learned terms of one or two characters.
        self._commonest = _commonest(groups)
        patterns = dict.fromkeys(groups[self._commonest]) if self._commonest else {}
        self._own = len(patterns)
        owners: dict[str, list[tuple[int, int]]] = {term: [] for term in patterns}
        for number, (name, terms) in enumerate(groups.items()):
            if name != self._commonest:
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
        if self._commonest:
            own = self._own
            by_group[self._commonest] = [hit for hit in hits if hit[0] < own]
        return by_group


def _commonest(groups: Mapping[str, Sequence[str]]) -> str:
    """The group with the most short terms. Empty where terms are empty or repeat: the automaton
    would number them otherwise.
    """
    name = max(
        groups, key=lambda group: sum(len(one) <= SHORT for one in groups[group]), default=""
    )
    terms = groups.get(name, ())
    return name if terms and all(terms) and len(set(terms)) == len(terms) else ""
