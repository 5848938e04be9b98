"""The bot's rules in this process: those that new conversations begin with, and earlier ones.

Whatever version a conversation has begun with is stored when it is first used, so that it goes on
by it after a reload or a restart.
"""

import asyncio
import threading
from functools import lru_cache

import structlog

from backend import clock
from backend.bot.rules import Rules, RulesError
from backend.bot.shelf import Shelf
from backend.chat.models import RuleSet
from backend.ids import new_id

log = structlog.get_logger()


_reading = threading.Lock()


@lru_cache(maxsize=2)
def _read(unsigned_allowed: bool) -> Shelf:
    return Shelf(unsigned_allowed=unsigned_allowed)


def _shelf(unsigned_allowed: bool) -> Shelf:
    """Read once a process, whoever asks first: it takes half a second, on a busy machine some."""
    with _reading:
        return _read(unsigned_allowed)


class Rulebook:
    """`unsigned_allowed`: for a demo, where rules that no doctor has signed may give advice."""

    def __init__(self, *, unsigned_allowed: bool) -> None:
        self._unsigned_allowed = unsigned_allowed
        self._stored: set[str] = set()
        self._opening = asyncio.Lock()
        self.is_ready = False

    async def ready(self) -> None:
        """Have the rules read, outside of transactions and without holding up anybody else.

        They are read for the first conversation of a process and not at its start, which waits
        for nothing that it may not need.
        """
        await asyncio.to_thread(_shelf, self._unsigned_allowed)
        self.is_ready = True

    @property
    def current(self) -> Rules:
        return _shelf(self._unsigned_allowed).current

    async def begin(self) -> Rules:
        """The current rules, stored in the caller's transaction before anything goes by them."""
        rules = self.current
        if rules.version in self._stored:
            return rules
        if await RuleSet.filter(version=rules.version).exists():
            self._stored.add(rules.version)
            return rules
        # Not remembered yet: this transaction may still be taken back.
        row = RuleSet(id=new_id(), version=rules.version, blob=rules.blob, created_at=clock.now())
        await RuleSet.bulk_create([row], ignore_conflicts=True)
        return rules

    async def of(self, version: str) -> Rules:
        """Those of a conversation. What this program can't read any more gives way to the current
        ones."""
        shelf = _shelf(self._unsigned_allowed)
        found = shelf.get(version)
        if found is not None:
            return found
        row = await RuleSet.get_or_none(version=version)
        if row is not None:
            try:
                return await self._open(shelf, version, bytes(row.blob))
            except RulesError:
                log.warning("rules.unreadable", version=version)
        return await self.begin()

    async def _open(self, shelf: Shelf, version: str, blob: bytes) -> Rules:
        """Once for all conversations that wait for it, and no other waits meanwhile."""
        async with self._opening:
            if (found := shelf.get(version)) is not None:
                return found
            return shelf.keep(await asyncio.to_thread(shelf.opened, blob))

    async def reload(self) -> bool:
        """Look whether the files have changed. Faulty ones are refused as a whole, and logged.
        Reading takes up to a fifth of a second: nobody waits for it."""
        shelf = _shelf(self._unsigned_allowed)
        try:
            found = await asyncio.to_thread(shelf.look)
        except (RulesError, OSError) as wrong:
            log.error("rules.refused", why=str(wrong)[:500])
            return False
        if found is not None:
            shelf.take(found)
            log.info("rules.reloaded", version=found.version)
        return found is not None
