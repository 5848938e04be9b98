"""PostgreSQL's connections, kept from one test to the next.

A new one knows nothing of tables and statements: both ends learn them anew, for each test.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import asyncpg
import tortoise.backends.asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient


class KeepsPools(AsyncpgDBClient):
    home: ClassVar[asyncio.AbstractEventLoop | None] = None
    kept: ClassVar[dict[str, asyncpg.Pool]] = {}

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        self.is_like = repr(sorted(kwargs.items()))
        kept = self.kept.pop(self.is_like, None) if self.is_kept else None
        return kept or await super().create_pool(**kwargs)

    async def _close(self) -> None:
        pool = self._pool
        if pool is not None and self.is_kept and pool.get_idle_size() == pool.get_size():
            self.kept[self.is_like], self._pool = pool, self.kept.get(self.is_like)
        await super()._close()

    @property
    def is_kept(self) -> bool:
        return asyncio.get_running_loop() is self.home


@contextlib.asynccontextmanager
async def kept() -> AsyncIterator[None]:
    """Pools that were opened in this loop are kept as long as this lasts."""
    tortoise.backends.asyncpg.client_class = KeepsPools
    KeepsPools.home = asyncio.get_running_loop()
    try:
        yield
    finally:
        KeepsPools.home = None
        while KeepsPools.kept:
            await KeepsPools.kept.popitem()[1].close()
