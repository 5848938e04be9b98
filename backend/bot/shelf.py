"""The version that new conversations begin with, and earlier ones that some still go by.

A reload replaces everything at once or nothing: faulty rules never answer anybody.
"""

from collections import OrderedDict
from pathlib import Path

from backend.bot import cases, departments, intents
from backend.bot.rules import FOLDER, Files, Rules, files_in, read, version_of
from backend.bot.talk import Person

KEPT_MOST = 8  # versions in memory; others come back from the blob that the chat stored


class Shelf:
    """For one process. A thread may `look` and open; the event loop alone takes and keeps."""

    def __init__(self, folder: Path = FOLDER, *, unsigned_allowed: bool = False) -> None:
        self._folder = folder
        self._unsigned = unsigned_allowed
        self.current = self._made(files_in(folder))
        self._kept: OrderedDict[str, Rules] = OrderedDict({self.current.version: self.current})

    def reload(self) -> bool:
        """Whether the folder has another version now. Raises RulesError, and keeps what it had."""
        found = self.look()
        if found is not None:
            self.take(found)
        return found is not None

    def look(self) -> Rules | None:
        """Another version in the folder. Nothing is changed yet, so that a thread may do it."""
        files = files_in(self._folder)
        version = version_of(files)
        if version == self.current.version:
            return None
        return self._kept.get(version) or self._made(files)

    def take(self, rules: Rules) -> None:
        """What `look` found goes for new conversations from here on."""
        self.current = self.keep(rules)

    def get(self, version: str) -> Rules | None:
        """None when it is no longer, or not yet, in memory: then `put` its blob."""
        found = self._kept.get(version)
        return None if found is None else self.keep(found)

    def put(self, blob: bytes) -> Rules:
        """A version from where it was stored. Raises RulesError."""
        return self.keep(self.opened(blob))

    def opened(self, blob: bytes) -> Rules:
        """The same and not kept yet: for a thread. Raises RulesError."""
        return warmed(read(blob, unsigned_allowed=self._unsigned))

    def _made(self, files: Files) -> Rules:
        return warmed(Rules(files, unsigned_allowed=self._unsigned))

    def keep(self, rules: Rules) -> Rules:
        self._kept[rules.version] = rules
        self._kept.move_to_end(rules.version)
        while len(self._kept) > KEPT_MOST:
            oldest = next(one for one in self._kept if one != self.current.version)
            del self._kept[oldest]
        return rules


def warmed(rules: Rules) -> Rules:
    """With what the first message would have to wait for."""
    departments.model(rules)
    intents.model(rules)
    cases.candidates(rules, (), Person())
    return rules
